"""What the operator may set."""

import json
import math
import re
from dataclasses import dataclass

from wit_world.imports import config

from .clock import DAY, NANOSECONDS

# As often as the sample measures, in seconds.
DEFAULT_INTERVAL = "8"
# An hour of readings at the default interval.
DEFAULT_WINDOW = "450"
# About four megabytes of readings.
LARGEST_WINDOW = 100_000

ASCII_SPACE = " \t\n\r\f"
DECIMAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
INTEGER = re.compile(r"\+?0*\d{1,6}", re.ASCII)


class ConfigError(Exception):
    """Names the value that is out of its range."""


@dataclass(frozen=True)
class Settings:
    # Nanoseconds between two readings.
    interval: int
    # Readings kept, at least one.
    window: int

    @classmethod
    def read(cls) -> "Settings":
        """Raises ConfigError for the first value that is out of its range."""
        return cls(_interval(_value("interval", DEFAULT_INTERVAL)), _window(_value("window", DEFAULT_WINDOW)))


def _value(key: str, default: str) -> str:
    configured = config.get(key)
    return default if configured is None else configured


def _interval(text: str) -> int:
    decimal = text.strip(ASCII_SPACE)
    seconds = float(decimal) if DECIMAL.fullmatch(decimal) else 0.0
    # Compared before it is rounded: the largest floats are no nanoseconds.
    interval = math.floor(seconds * NANOSECONDS + 0.5) if 0 < seconds < 2 * DAY else 0
    if not 0 < interval <= DAY * NANOSECONDS:
        raise ConfigError(f"config interval is a number of seconds above 0 and at most 86400, not {_quoted(text)}")
    return interval


def _window(text: str) -> int:
    readings = int(text) if INTEGER.fullmatch(text.strip(ASCII_SPACE)) else 0
    if not 1 <= readings <= LARGEST_WINDOW:
        raise ConfigError(f"config window is a number of readings from 1 to {LARGEST_WINDOW}, not {_quoted(text)}")
    return readings


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
