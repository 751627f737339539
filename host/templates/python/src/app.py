"""The component: what the host calls, passed on to the device."""

from typing import ClassVar, List, Optional, Tuple

from wit_world import exports
from wit_world.exports.device import Command, DesiredValue, Outcome, Outcome_Done, StartReason

from counter import MODEL_ID, Counter


class Device(exports.Device):
    """The one device of this component. An object is made for every call: what lasts is the class's.

    Nothing is called before `start` but `model_id`.
    """

    _counter: ClassVar[Counter]

    def model_id(self) -> str:
        return MODEL_ID

    def start(self, reason: StartReason, state: Optional[bytes]) -> None:
        Device._counter = Counter(state)

    def update(self, desired: List[DesiredValue]) -> None:
        self._counter.update(desired)

    def invoke(self, command: Command) -> Outcome:
        return Outcome_Done(self._counter.invoke(command))

    def receive(self, body: bytes, properties: List[Tuple[str, str]]) -> None:
        """The model has no use for messages."""

    def timer_fired(self, timer: int) -> None:
        self._counter.count()

    def save(self) -> Optional[bytes]:
        return self._counter.save()
