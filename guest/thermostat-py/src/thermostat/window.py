"""The readings a report can look back on."""

from array import array
from dataclasses import dataclass
from typing import Iterable, Optional


@dataclass(frozen=True)
class Summary:
    """What some readings have in common: degrees Celsius, and milliseconds since 1970."""

    oldest: int
    highest: int
    lowest: int
    mean: float


class Window:
    """The last so many readings, oldest first, in two columns: nine bytes each, where objects would take forty."""

    def __init__(self, size: int, times: Iterable[int] = (), temperatures: Iterable[int] = ()) -> None:
        """Holds the last `size` of these readings to begin with."""
        self._size = size
        # Milliseconds since 1970, and degrees Celsius from 0 to 255.
        self.times = array("q", times)
        self.temperatures = array("B", temperatures)
        del self.times[:-size], self.temperatures[:-size]

    def push(self, at: int, temperature: int) -> None:
        """Takes a reading; the oldest one goes when the window is full."""
        if len(self.times) >= self._size:
            del self.times[0], self.temperatures[0]
        self.times.append(at)
        self.temperatures.append(temperature)

    @property
    def newest(self) -> Optional[int]:
        """When the last reading was taken."""
        return self.times[-1] if self.times else None

    def since(self, since: Optional[int]) -> Optional[Summary]:
        """Sums up the readings taken at `since` or later, all without one. None when there are none."""
        oldest, highest, lowest, total, count = None, 0, 255, 0, 0
        for at, temperature in zip(self.times, self.temperatures):
            if since is None or at >= since:
                oldest = at if oldest is None else oldest
                highest, lowest = max(highest, temperature), min(lowest, temperature)
                total += temperature
                count += 1
        return None if oldest is None else Summary(oldest, highest, lowest, total / count)
