"""The device: what happens when it starts, and then on each event."""

import json
from typing import List, Optional

from wit_world.exports.device import Command, DesiredValue, StartReason
from wit_world.imports import logging, properties, telemetry, timers
from wit_world.imports.commands import Response
from wit_world.imports.telemetry import Message
from wit_world.imports.types import Member

from . import report
from .clock import NANOSECONDS, now
from .host import attempt, member_name, random_in
from .json_text import from_float, message
from .settings import Settings
from .state import State, Unreadable
from .target import Target
from .window import Window

MODEL_ID = "dtmi:com:example:Thermostat;1"

# What the sample this device follows reports before it has measured anything.
FIRST_MAXIMUM = 10.96


class Thermostat:
    """Measures every so often, keeps what it measured, and takes the temperature the room should have."""

    def __init__(self, settings: Settings, state: Optional[State]) -> None:
        self._interval = settings.interval
        self._readings = state.readings(settings.window) if state else Window(settings.window)
        self._maximum = state.maximum if state else FIRST_MAXIMUM
        self._target = Target(state.target) if state else Target()
        # What the cloud knows. Behind the maximum after a report that could not be queued: the next reading tries again.
        self._reported_maximum: Optional[float] = None
        # Fires once, when the reading is due that the instance before this one would have taken.
        self._takeover: Optional[int] = None

    @classmethod
    def start(cls, reason: StartReason, state: Optional[bytes]) -> "Thermostat":
        """Raises ConfigError when a configured value is out of its range."""
        thermostat = cls(Settings.read(), _predecessor(reason, state))
        thermostat._report_maximum()
        delay = thermostat._until_due()
        if delay:
            thermostat._takeover = timers.after(_milliseconds(delay))
        else:
            thermostat._begin_rhythm()
            thermostat._measure()
        return thermostat

    def update(self, desired: List[DesiredValue]) -> None:
        for acknowledgement in self._target.update(desired):
            attempt("an acknowledgement", properties.acknowledge, acknowledgement)

    def invoke(self, command: Command) -> Response:
        if command.target == Member(None, "getMaxMinReport"):
            return report.answer(self._readings, command.payload, now())
        return Response(404, message(f"this device has no command {member_name(command.target)}"))

    def timer_fired(self, timer: int) -> None:
        if timer == self._takeover:
            self._takeover = None
            self._begin_rhythm()
        self._measure()

    def save(self) -> bytes:
        return State.of(self._maximum, self._target.in_force, self._readings).to_bytes()

    def _begin_rhythm(self) -> None:
        timers.every(_milliseconds(self._interval))

    def _until_due(self) -> int:
        """Nanoseconds until the next reading is due, by the rhythm of the readings so far. 0: now."""
        newest = self._readings.newest
        if newest is None:
            return 0
        since_last = now() - newest * NANOSECONDS // 1000
        return max(0, self._interval - since_last) if since_last >= 0 else 0

    def _measure(self) -> None:
        temperature = random_in(10, 49)
        self._readings.push(now() // (NANOSECONDS // 1000), temperature)
        body = json.dumps({"temperature": temperature}, separators=(",", ":"))
        attempt("a temperature", telemetry.send, Message(None, body, []))
        self._maximum = max(self._maximum, float(temperature))
        self._report_maximum()

    def _report_maximum(self) -> None:
        if self._reported_maximum == self._maximum:
            return
        member = Member(None, "maxTempSinceLastReboot")
        if attempt("the maximum", properties.report, member, from_float(self._maximum)):
            self._reported_maximum = self._maximum


def _predecessor(reason: StartReason, state: Optional[bytes]) -> Optional[State]:
    """The state of the instance this one takes over from, if it does."""
    if state is None or reason not in (StartReason.REPLACED, StartReason.RESUMED):
        return None
    try:
        return State.from_bytes(state)
    except Unreadable as error:
        logging.log(logging.Level.WARN, f"the saved state cannot be read and is ignored: {error}")
        return None


def _milliseconds(nanoseconds: int) -> int:
    """What timers count in, rounded up."""
    return -(-nanoseconds * 1000 // NANOSECONDS)
