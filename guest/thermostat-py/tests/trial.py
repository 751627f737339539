"""The thermostat in a host that only remembers."""

import json
from typing import Any, Dict, Iterator, List, Optional, Tuple
from unittest import TestCase, mock

from componentize_py_types import Err
from thermostat.device import Thermostat
from wit_world.exports.device import Command, DesiredValue, StartReason
from wit_world.imports import clock, config, logging, properties, random, telemetry, timers
from wit_world.imports.types import Member, SendError

# 2026-01-01T00:00:00Z.
BEGINNING = 1_767_225_600


class Trial(TestCase):
    """Each test has its own host, in place of the contract's imports."""

    def setUp(self) -> None:
        # What the thermostat has done, in order; `effects` looks at it and forgets it.
        self._done: List[Tuple[Any, ...]] = []
        self._timers = 0
        self.nanoseconds = BEGINNING * 1_000_000_000
        self.settings: Dict[str, str] = {}
        self.draws: Iterator[int] = iter(())
        # What the next message or property is refused with.
        self.refusal: Optional[SendError] = None
        self._put(clock, now=lambda: clock.Datetime(*divmod(self.nanoseconds, 1_000_000_000)))
        self._put(config, get=self.settings.get)
        self._put(random, next=lambda: next(self.draws))
        self._put(logging, log=lambda level, message: self._done.append((level.name, message)))
        self._put(telemetry, send=lambda message: self._queue("telemetry", json.loads(message.body)))
        self._put(
            properties,
            report=lambda property, value: self._queue(property.name, value),
            acknowledge=lambda ack: self._queue("ack", ack.property.name, ack.value, ack.status, ack.version),
        )
        self._put(timers, after=lambda delay: self._timer("after", delay))
        self._put(timers, every=lambda period: self._timer("every", period))

    def _put(self, module: Any, **functions: Any) -> None:
        for name, function in functions.items():
            patch = mock.patch.object(module, name, function)
            patch.start()
            self.addCleanup(patch.stop)

    def _queue(self, *effect: Any) -> None:
        if self.refusal is not None:
            raise Err(self.refusal)
        self._done.append(effect)

    def _timer(self, kind: str, milliseconds: int) -> int:
        self._done.append((kind, milliseconds))
        self._timers += 1
        return self._timers

    def effects(self) -> List[Tuple[Any, ...]]:
        done, self._done = self._done, []
        return done

    def read(self, *temperatures: int) -> None:
        """What the sensor reads next."""
        self.draws = iter([temperature - 10 for temperature in temperatures])

    def power_on(self, *temperatures: int) -> Thermostat:
        """A thermostat that reads these, whose start is not looked at."""
        self.read(*temperatures)
        thermostat = Thermostat.start(StartReason.POWER_ON, None)
        thermostat.update([])
        self.effects()
        return thermostat

    def measure(self, thermostat: Thermostat, seconds: float = 8) -> None:
        """Lets time pass to the next reading."""
        self.nanoseconds += int(seconds * 1_000_000_000)
        thermostat.timer_fired(self._timers)


def desired(value: Optional[str], name: str = "targetTemperature", component: Optional[str] = None) -> DesiredValue:
    return DesiredValue(Member(component, name), value, version=2)


def command(payload: Optional[str] = None, name: str = "getMaxMinReport", component: Optional[str] = None) -> Command:
    return Command("1", Member(component, name), payload)
