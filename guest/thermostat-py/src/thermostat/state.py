"""What one instance hands to the next, whatever language that one is written in."""

import json
import math
from dataclasses import asdict, dataclass
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
        times = [at for at, _ in readings]
        differences = [at - before for at, before in zip(times, [0, *times])]
        return cls(VERSION, maximum, target, differences, [temperature for _, temperature in readings])

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, saved: bytes) -> "State":
        """Raises Unreadable."""
        try:
            fields = json.loads(saved.decode())
            state = cls(
                _integer(fields["version"], 0, 2**32 - 1),
                _number(fields["maximum"]),
                _number(fields["target"]),
                [_integer(time, -(2**63), 2**63 - 1) for time in fields["times"]],
                [_integer(temperature, 0, 255) for temperature in fields["temperatures"]],
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
        window = Window(size)
        at = 0
        for difference, temperature in zip(self.times, self.temperatures):
            # In 64 bits, as the other languages count.
            at = (at + difference + 2**63) % 2**64 - 2**63
            window.push(bounded(at), temperature)
        return window


def _integer(value: Any, lowest: int, highest: int) -> int:
    if type(value) is not int or not lowest <= value <= highest:
        raise ValueError(f"{value!r} is no integer from {lowest} to {highest}")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)
