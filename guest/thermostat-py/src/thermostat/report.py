"""The command getMaxMinReport."""

import json
from typing import Optional

from wit_world.imports.commands import Response

from .clock import NANOSECONDS, from_rfc3339, to_rfc3339
from .json_text import WHITESPACE, message, present
from .window import Window

MILLISECOND = NANOSECONDS // 1000


class Refusal(Exception):
    """Why there is no report: a text for whoever called."""


def answer(readings: Window, payload: Optional[str], now: int) -> Response:
    """200 with the report; 400 for a payload that is neither absent, empty nor an RFC 3339 time; 404 when no reading is
    kept from that time on, which a time to come always is."""
    try:
        since = _since(payload)
    except Refusal as refusal:
        return Response(400, message(str(refusal)))
    # Readings are kept to the millisecond: none lies between a time and the next full one.
    summary = readings.since(None if since is None else -(-since // MILLISECOND))
    if summary is None:
        return Response(404, message(_nothing_kept(readings, since)))
    report = {
        "avgTemp": summary.mean,
        # No finer than the readings.
        "endTime": to_rfc3339(now // MILLISECOND * MILLISECOND),
        "maxTemp": summary.highest,
        "minTemp": summary.lowest,
        "startTime": to_rfc3339(summary.oldest * MILLISECOND),
    }
    return Response(200, json.dumps(report, separators=(",", ":")))


def _since(payload: Optional[str]) -> Optional[int]:
    """When the report begins, in nanoseconds since 1970. None: with the oldest reading."""
    payload = present(payload)
    text = None if payload is None else _text(payload)
    if not text:
        return None
    try:
        return from_rfc3339(text)
    except ValueError as error:
        # A payload may be as large as an answer, and then leaves no room for one around it.
        quoted = json.dumps(text[:80], ensure_ascii=False)
        takes = "getMaxMinReport takes an RFC 3339 date and time such as 2026-01-31T12:00:00Z"
        raise Refusal(f"{takes}, not {quoted}: {error}") from error


def _text(payload: str) -> str:
    takes = "getMaxMinReport takes an RFC 3339 date and time in a string, or nothing"
    if not payload.lstrip(WHITESPACE).startswith('"'):
        raise Refusal(f"{takes}: it is no string")
    text = json.loads(payload)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Refusal(f"{takes}: it has half a character in it") from error
    return text


def _nothing_kept(readings: Window, since: Optional[int]) -> str:
    if since is None or readings.newest is None:
        return "there is no reading yet"
    newest = to_rfc3339(readings.newest * MILLISECOND)
    return f"there is no reading since {to_rfc3339(since)}; the last one is of {newest}"
