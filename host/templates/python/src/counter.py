"""A device that counts: model `{{model}}`, in models/.

Telemetry: `count`, every five seconds. `step` is writable: what is added each time, 1 by default. The command `reset`
counts from 0 again and answers with the count it ended. Another instance goes on where the last one stopped.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Callable, List, Optional

from componentize_py_types import Err
from wit_world.exports.device import Command, DesiredValue
from wit_world.imports import logging, properties, telemetry, timers
from wit_world.imports.commands import Response
from wit_world.imports.properties import Acknowledgement
from wit_world.imports.telemetry import Message
from wit_world.imports.types import Member, SendError, SendError_OutboxFull, SendError_TooLarge

MODEL_ID = "{{model}}"

# Milliseconds.
INTERVAL = 5_000
STEP = Member(None, "step")
DEFAULT_STEP = 1
# What DTDL calls an integer.
STEPS = range(-(2**31), 2**31)
# Where counting stops, either way: the cloud may read numbers as doubles, which tell integers apart up to here.
FURTHEST = 2**53 - 1
# Bytes. What is saved here is shorter; Python would need many times the memory of a long text to read it.
LONGEST_STATE = 1000


@dataclass
class State:
    """What one instance hands to the next, as JSON."""

    count: int = 0
    step: int = DEFAULT_STEP


class Counter:
    """The device, from its start on."""

    def __init__(self, saved: Optional[bytes]) -> None:
        self._state = _restore(saved) if saved is not None else State()
        self._first_update_done = False
        timers.every(INTERVAL)

    def update(self, desired: List[DesiredValue]) -> None:
        # The first update holds all there are: without a step among them the default is in force.
        if not self._first_update_done and all(one.property != STEP for one in desired):
            _acknowledge(self._take_default(version=0))
        self._first_update_done = True
        for one in desired:
            _acknowledge(self._take_step(one) if one.property == STEP else _unknown(one))

    def invoke(self, command: Command) -> Response:
        if command.target != Member(None, "reset"):
            refusal = {"message": f"this device has no command {_name(command.target)}"}
            return Response(404, json.dumps(refusal))
        ended, self._state.count = self._state.count, 0
        return Response(200, json.dumps(ended))

    def count(self) -> None:
        """Goes one step further and says so."""
        state = self._state
        state.count = max(-FURTHEST, min(FURTHEST, state.count + state.step))
        _queue("a count", telemetry.send, Message(None, json.dumps({"count": state.count}), []))

    def save(self) -> bytes:
        return json.dumps(asdict(self._state)).encode()

    def _take_step(self, desired: DesiredValue) -> Acknowledgement:
        step = _decode(desired.value)
        if step is None:
            # The cloud has removed it.
            return self._take_default(desired.version)
        if not _is_integer(step, STEPS):
            refusal = f"step is an integer from {STEPS[0]} to {STEPS[-1]}"
            return Acknowledgement(STEP, json.dumps(self._state.step), 400, desired.version, refusal)
        self._state.step = step
        return Acknowledgement(STEP, json.dumps(step), 200, desired.version, None)

    def _take_default(self, version: int) -> Acknowledgement:
        self._state.step = DEFAULT_STEP
        return Acknowledgement(STEP, json.dumps(DEFAULT_STEP), 203, version, None)


def _restore(saved: bytes) -> State:
    """The default state for one that cannot be used, which another version may have saved."""
    try:
        fields = json.loads(saved[:LONGEST_STATE].decode())
        state = State(fields["count"], fields["step"])
        if _is_integer(state.count, range(-FURTHEST, FURTHEST + 1)) and _is_integer(state.step, STEPS):
            return state
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    logging.log(logging.Level.WARN, "the saved state cannot be read and is ignored")
    return State()


def _decode(value: Optional[str]) -> Any:
    """None for no value. JSON that Python has no value for, such as an integer of 5,000 digits, is left as text."""
    try:
        return None if value is None else json.loads(value)
    except (ValueError, RecursionError):
        return value


def _is_integer(value: Any, among: range) -> bool:
    """True and false are of another type, and are none."""
    return type(value) is int and value in among


def _unknown(desired: DesiredValue) -> Acknowledgement:
    refusal = f"this device has no writable property {_name(desired.property)}"
    return Acknowledgement(desired.property, desired.value, 404, desired.version, refusal)


def _name(member: Member) -> str:
    return member.name if member.component is None else f"{member.component}.{member.name}"


def _acknowledge(acknowledgement: Acknowledgement) -> None:
    _queue("an acknowledgement", properties.acknowledge, acknowledgement)


def _queue(what: str, queue: Callable[[Any], None], message: Any) -> None:
    """Hands it to the host; what the host refuses goes to the log."""
    try:
        queue(message)
    except Err as refusal:
        logging.log(logging.Level.WARN, f"{what} was not sent: {_why(refusal.value)}")


def _why(error: SendError) -> str:
    if isinstance(error, SendError_OutboxFull):
        return "the outbox is full"
    if isinstance(error, SendError_TooLarge):
        return f"larger than the {error.value} bytes the cloud takes"
    return error.value
