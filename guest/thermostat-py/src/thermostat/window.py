"""The readings a report can look back on."""

from collections import deque
from dataclasses import dataclass
from typing import Deque, Iterator, Optional, Tuple


@dataclass(frozen=True)
class Summary:
    """What some readings have in common: degrees Celsius, and milliseconds since 1970."""

    oldest: int
    highest: int
    lowest: int
    mean: float


class Window:
    """The last so many readings, oldest first, in two columns, which take less than pairs."""

    def __init__(self, size: int) -> None:
        self._times: Deque[int] = deque(maxlen=size)
        self._temperatures: Deque[int] = deque(maxlen=size)

    def __iter__(self) -> Iterator[Tuple[int, int]]:
        return zip(self._times, self._temperatures)

    def push(self, at: int, temperature: int) -> None:
        """Takes a reading of degrees Celsius; the oldest one goes when the window is full."""
        self._times.append(at)
        self._temperatures.append(temperature)

    @property
    def newest(self) -> Optional[int]:
        """When the last reading was taken."""
        return self._times[-1] if self._times else None

    def since(self, since: Optional[int]) -> Optional[Summary]:
        """Sums up the readings taken at `since` or later, all without one. None when there are none."""
        taken = [reading for reading in self if since is None or reading[0] >= since]
        if not taken:
            return None
        temperatures = [temperature for _, temperature in taken]
        mean = sum(temperatures) / len(temperatures)
        return Summary(taken[0][0], max(temperatures), min(temperatures), mean)
