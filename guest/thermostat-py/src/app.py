"""The component: what the host calls, passed on to the thermostat."""

from typing import ClassVar, List, Optional, Tuple

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.device import Command, DesiredValue, Outcome, Outcome_Done, StartReason
from wit_world.imports.commands import Response

from thermostat.device import MODEL_ID, Thermostat
from thermostat.settings import ConfigError


class Device(exports.Device):
    """The one device of this component. An object is made for every call: what lasts is the class's.

    There is no thermostat before a `start` has succeeded.
    """

    _thermostat: ClassVar[Optional[Thermostat]] = None

    def model_id(self) -> str:
        return MODEL_ID

    def start(self, reason: StartReason, state: Optional[bytes]) -> None:
        try:
            Device._thermostat = Thermostat.start(reason, state)
        except ConfigError as error:
            raise Err(str(error)) from error

    def update(self, desired: List[DesiredValue]) -> None:
        if self._thermostat:
            self._thermostat.update(desired)

    def invoke(self, command: Command) -> Outcome:
        if not self._thermostat:
            return Outcome_Done(Response(503, '{"message":"the device has not started"}'))
        return Outcome_Done(self._thermostat.invoke(command))

    def receive(self, body: bytes, properties: List[Tuple[str, str]]) -> None:
        """The model has no use for messages."""

    def timer_fired(self, timer: int) -> None:
        if self._thermostat:
            self._thermostat.timer_fired(timer)

    def save(self) -> Optional[bytes]:
        return self._thermostat.save() if self._thermostat else None
