"""The writable property targetTemperature."""

from typing import List, Optional

from wit_world.exports.device import DesiredValue
from wit_world.imports.properties import Acknowledgement
from wit_world.imports.types import Member

from .host import member_name
from .json_text import from_float, present, to_float

OURS = Member(None, "targetTemperature")

# Degrees Celsius, while the cloud wants nothing else.
DEFAULT = 20.0
DEFAULT_IN_FORCE = "the default is in force"


class Target:
    """The temperature the room should have, and whether the cloud has been told about the default."""

    def __init__(self, in_force: float = DEFAULT) -> None:
        self.in_force = in_force
        self._first_update_done = False

    def update(self, desired: List[DesiredValue]) -> List[Acknowledgement]:
        """Takes desired values and says how to answer each.

        The first update holds all there are: without a target among them the default is in force, and is acknowledged
        unasked.
        """
        answers = []
        if not self._first_update_done and all(one.property != OURS for one in desired):
            answers.append(self._default(version=0))
        self._first_update_done = True
        answers.extend(self._set(one) if one.property == OURS else _unknown(one) for one in desired)
        return answers

    def _set(self, desired: DesiredValue) -> Acknowledgement:
        value = present(desired.value)
        if value is None:
            return self._default(desired.version)
        target = to_float(value)
        if target is None:
            refusal = "targetTemperature is a number of degrees Celsius; the value before it stays in force"
            return Acknowledgement(OURS, from_float(self.in_force), 400, desired.version, refusal)
        self.in_force = target
        # The words of the sample that users of this model know.
        return Acknowledgement(OURS, value, 200, desired.version, "Successfully executed patch")

    def _default(self, version: int) -> Acknowledgement:
        self.in_force = DEFAULT
        return Acknowledgement(OURS, from_float(DEFAULT), 203, version, DEFAULT_IN_FORCE)


def _unknown(desired: DesiredValue) -> Acknowledgement:
    description = f"this device has no writable property {member_name(desired.property)}"
    return Acknowledgement(desired.property, present(desired.value), 404, desired.version, description)
