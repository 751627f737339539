"""What the contract leaves to its callers."""

from typing import Any, Callable

from componentize_py_types import Err
from wit_world.imports import logging, random
from wit_world.imports.types import Member, SendError, SendError_OutboxFull, SendError_TooLarge

DRAWS = 1 << 64


def random_in(low: int, high: int) -> int:
    """An integer from low to high, each as likely as the others."""
    choices = high - low + 1
    # 2^64 is rarely a multiple of `choices`: what lies beyond the last multiple would favour the low values.
    beyond = DRAWS % choices
    while True:
        drawn = random.next()
        if drawn < DRAWS - beyond:
            return low + drawn % choices


def attempt(what: str, queue: Callable[..., None], *arguments: Any) -> bool:
    """Queues something for the cloud; what the host refuses goes to the log. True when it was taken."""
    try:
        queue(*arguments)
    except Err as refusal:
        logging.log(logging.Level.WARN, f"{what} was not sent: {_why(refusal.value)}")
        return False
    return True


def member_name(member: Member) -> str:
    """`component.name`, or the name alone."""
    return member.name if member.component is None else f"{member.component}.{member.name}"


def _why(error: SendError) -> str:
    if isinstance(error, SendError_OutboxFull):
        return "the outbox is full"
    if isinstance(error, SendError_TooLarge):
        return f"larger than the {error.value} bytes the cloud takes"
    return error.value
