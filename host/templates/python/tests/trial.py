"""A host that only remembers, in place of the contract's imports."""

import json
from typing import Any, List, Optional, Tuple
from unittest import TestCase, mock

from componentize_py_types import Err
from counter import Counter
from wit_world.exports.device import Command, DesiredValue
from wit_world.imports import logging, properties, telemetry, timers
from wit_world.imports.types import Member, SendError


class Trial(TestCase):
    """Each test has a host of its own."""

    def setUp(self) -> None:
        # What the device has done, in order; `effects` looks at it and forgets it.
        self._done: List[Tuple[Any, ...]] = []
        # What everything that is to be queued is refused with.
        self.refusal: Optional[SendError] = None
        self._put(timers, every=lambda period: self._done.append(("every", period)))
        self._put(logging, log=lambda level, message: self._done.append((level.name, message)))
        self._put(telemetry, send=lambda message: self._queue("telemetry", json.loads(message.body)))
        self._put(
            properties,
            acknowledge=lambda ack: self._queue("ack", ack.property.name, ack.value, ack.status, ack.version),
        )

    def _put(self, module: Any, **functions: Any) -> None:
        for name, function in functions.items():
            patch = mock.patch.object(module, name, function)
            patch.start()
            self.addCleanup(patch.stop)

    def _queue(self, *effect: Any) -> None:
        if self.refusal is not None:
            raise Err(self.refusal)
        self._done.append(effect)

    def effects(self) -> List[Tuple[Any, ...]]:
        done, self._done = self._done, []
        return done

    def counter(self) -> Counter:
        """One that has been told its desired values, of which there are none."""
        counter = Counter(None)
        counter.update([])
        self.effects()
        return counter


def desired(value: Optional[str], name: str = "step", component: Optional[str] = None) -> DesiredValue:
    return DesiredValue(Member(component, name), value, version=2)


def command(name: str, component: Optional[str] = None) -> Command:
    return Command("1", Member(component, name), None)
