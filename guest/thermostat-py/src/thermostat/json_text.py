"""JSON as the host hands it over: text, passed on as it was sent wherever that is possible."""

import json
import math
from typing import Optional

WHITESPACE = " \t\n\r"

# Up to here every whole float is an integer of the same value.
LARGEST_INTEGER = 2.0**53


def present(text: Optional[str]) -> Optional[str]:
    """Null, which the contract writes as no value at all, becomes none."""
    return None if text is None or text.strip(WHITESPACE) == "null" else text


def from_float(value: float) -> str:
    """Without `.0` after a whole number."""
    if value.is_integer() and abs(value) <= LARGEST_INTEGER:
        return str(int(value))
    return repr(value)


def to_float(text: str) -> Optional[float]:
    """None when it is no number, or one that no float can hold."""
    text = text.strip(WHITESPACE)
    if not text.startswith(tuple("-0123456789")):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def message(text: str) -> str:
    """The payload that says why a command was refused."""
    return json.dumps({"message": text}, ensure_ascii=False, separators=(",", ":"))
