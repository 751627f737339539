"""What one instance hands to the next, whatever language that one is written in.

A window may be large and a call's time is short, so readings are handled as wholes here and not one by one.
"""

import json
import math
from dataclasses import dataclass
from itertools import accumulate, chain
from operator import sub
from typing import Any, List

from .clock import bounded
from .window import Window

# A later version of the thermostat may save more, under another number; this one reads only its own.
VERSION = 1


class Unreadable(Exception):
    """Says what is wrong with a saved state."""


@dataclass(frozen=True)
class State:
    """As JSON. Times are differences, which are short and alike."""

    version: int
    maximum: float
    target: float
    # Milliseconds: the first since 1970, each other one since the one before it.
    times: List[int]
    temperatures: List[int]

    @classmethod
    def of(cls, maximum: float, target: float, readings: Window) -> "State":
        differences = map(sub, readings.times, chain([0], readings.times))
        return cls(VERSION, maximum, target, list(differences), readings.temperatures.tolist())

    def to_bytes(self) -> bytes:
        return json.dumps(self.__dict__, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, saved: bytes) -> "State":
        """Raises Unreadable."""
        try:
            # What counts in it is ASCII. Latin-1 never fails, where an error of UTF-8 would hold copies of a large state.
            fields = json.loads(saved.decode("latin-1"))
            state = cls(
                _integer(fields["version"]),
                _number(fields["maximum"]),
                _number(fields["target"]),
                _integers(fields["times"], -(2**63), 2**63 - 1),
                _integers(fields["temperatures"], 0, 255),
            )
        except (ValueError, TypeError, RecursionError) as error:
            raise Unreadable(error) from error
        except KeyError as error:
            raise Unreadable(f"missing field {error}") from error
        if state.version != VERSION:
            raise Unreadable(f"it is of version {state.version}, not {VERSION}")
        if len(state.times) != len(state.temperatures):
            raise Unreadable(f"{len(state.times)} times for {len(state.temperatures)} readings")
        return state

    def readings(self, size: int) -> Window:
        """The last `size` readings."""
        return Window(size, map(bounded, accumulate(self.times)), self.temperatures)


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is no integer")
    return value


def _integers(values: Any, lowest: int, highest: int) -> List[int]:
    if type(values) is not list or not {int}.issuperset(map(type, values)):
        raise ValueError("readings are a list of integers")
    if values and not lowest <= min(values) <= max(values) <= highest:
        raise ValueError(f"readings are from {lowest} to {highest}")
    return values


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)
