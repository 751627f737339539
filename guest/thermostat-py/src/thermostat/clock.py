"""Times: nanoseconds since 1970 in UTC, and how RFC 3339 writes them.

The module datetime ends with the year 9999 and with microseconds; the host's clock and its callers do not.
"""

import re
from typing import Tuple

from wit_world.imports import clock

# In a second.
NANOSECONDS = 1_000_000_000
DAY = 24 * 60 * 60

# The years -262143 to 262142, in milliseconds: what the thermostat in Rust can tell from nonsense.
FIRST, LAST = -8_334_601_228_800_000, 8_210_266_876_799_999

DAYS_OF_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([-+\u2212])(\d\d):([0-5]\d))", re.ASCII
)


def now() -> int:
    """The host's time. A clock beyond all bounds is no better than none."""
    time = clock.now()
    return time.seconds * NANOSECONDS + time.nanoseconds if time.seconds <= LAST // 1000 else 0


def bounded(milliseconds: int) -> int:
    """Times beyond all bounds never come from the clock; from a saved state they become 1970."""
    if FIRST <= milliseconds <= LAST:
        return milliseconds
    # In 64 bits, as the other languages count, it may be within bounds.
    wrapped = (milliseconds + 2**63) % 2**64 - 2**63
    return wrapped if FIRST <= wrapped <= LAST else 0


def to_rfc3339(nanoseconds: int) -> str:
    """With as many decimals as it takes: none, three, six or nine."""
    seconds, fraction = divmod(nanoseconds, NANOSECONDS)
    days, second = divmod(seconds, DAY)
    year, month, day = _date(days)
    years = f"{year:04}" if 0 <= year <= 9999 else f"{year:+05}"
    decimals = f".{fraction:09}" if fraction else ""
    while decimals.endswith("000"):
        decimals = decimals[:-3]
    return f"{years}-{month:02}-{day:02}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}{decimals}Z"


def from_rfc3339(text: str) -> int:
    """Raises ValueError, which says why it is no such time."""
    match = RFC3339.fullmatch(text)
    if not match:
        raise ValueError("it is not written like that")
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    leap_day = month == 2 and _is_leap(year)
    # A leap second is the last one of its minute.
    if not (1 <= month <= 12 and 1 <= day <= DAYS_OF_MONTHS[month - 1] + leap_day):
        raise ValueError("there is no such day")
    offset = int(match[9] or 0) * 60 + int(match[10] or 0)
    if hour > 23 or minute > 59 or second > 60 or offset >= 24 * 60:
        raise ValueError("there is no such time of day")
    minutes = hour * 60 + minute - (offset if match[8] == "+" else -offset)
    fraction = int(f"{match[7] or 0:0<9}"[:9])
    return (_days(year, month, day) * DAY + minutes * 60 + second) * NANOSECONDS + fraction


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01. Counted in years that begin in March, so that the day that comes and goes is their last."""
    years, months = (year, month - 3) if month > 2 else (year - 1, month + 9)
    return years * 365 + years // 4 - years // 100 + years // 400 + (153 * months + 2) // 5 + day - 719_469


def _date(days: int) -> Tuple[int, int, int]:
    """The way back: year, month and day."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    months = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * months + 2) // 5 + 1
    year = era * 400 + year_of_era
    return (year, months + 3, day) if months < 10 else (year + 1, months - 9, day)
