import json
from typing import Any

from thermostat.device import Thermostat
from trial import BEGINNING, Trial, command, desired
from wit_world.exports.device import StartReason


class Handover(Trial):
    def save(self) -> bytes:
        """22, 31 and 10 were read, and 7.5 is the target; the next reading is due in three seconds."""
        thermostat = self.power_on(22, 31, 10)
        thermostat.update([desired("7.5")])
        self.measure(thermostat)
        self.measure(thermostat)
        self.nanoseconds += 5_000_000_000
        self.effects()
        return thermostat.save()

    def resume(self, state: bytes, *temperatures: int, reason: StartReason = StartReason.REPLACED) -> Thermostat:
        self.read(*temperatures)
        return Thermostat.start(reason, state)

    def test_it_is_json(self) -> None:
        state = (
            f'{{"version":1,"maximum":31.0,"target":7.5,"times":[{BEGINNING}000,8000,8000],"temperatures":[22,31,10]}}'
        )
        self.assertEqual(self.save().decode(), state)

    def test_the_next_instance_keeps_maximum_readings_target_and_rhythm(self) -> None:
        thermostat = self.resume(self.save(), 25, 26)
        self.assertEqual(self.effects(), [("maxTempSinceLastReboot", "31"), ("after", 3000)])
        thermostat.update([desired("[]")])
        self.measure(thermostat, 3)
        target, *reading = self.effects()
        self.assertEqual(target, ("ack", "targetTemperature", "7.5", 400, 2))
        self.assertEqual(reading, [("every", 8000), ("telemetry", {"temperature": 25})])
        self.measure(thermostat)
        self.assertEqual(self.effects(), [("telemetry", {"temperature": 26})])
        self.assertEqual(json.loads(thermostat.invoke(command()).payload)["minTemp"], 10)

    def test_a_reading_that_is_overdue_is_taken_at_once(self) -> None:
        state = self.save()
        self.nanoseconds += 3_000_000_000
        self.resume(state, 25)
        self.assertEqual([effect[0] for effect in self.effects()], ["maxTempSinceLastReboot", "every", "telemetry"])

    def test_after_power_on_and_failure_it_is_not_looked_at(self) -> None:
        state = self.save()
        for reason in StartReason.POWER_ON, StartReason.FAILURE:
            self.resume(state, 12, reason=reason)
            self.assertEqual(self.effects()[0], ("maxTempSinceLastReboot", "10.96"))

    def test_a_smaller_window_keeps_the_last_readings(self) -> None:
        state = self.save()
        self.settings["window"] = "2"
        self.assertEqual(json.loads(self.resume(state).save())["temperatures"], [31, 10])

    def test_what_cannot_be_read_is_logged_and_ignored(self) -> None:
        def with_member(name: str, value: Any) -> bytes:
            return json.dumps({**json.loads(saved), name: value}).encode()

        saved = self.save()
        wrong = [
            b"",
            b"\xff",
            b"{}",
            b"[]",
            b"null",
            b"[" * 100_000,
            with_member("version", 2),
            with_member("version", True),
            with_member("maximum", float("nan")),
            with_member("target", "20"),
            with_member("times", [1, 2]),
            with_member("times", [1, 2, 2**63]),
            with_member("times", [1, 2, 3.0]),
            with_member("times", [1, 2, True]),
            with_member("times", {"0": 1}),
            with_member("temperatures", [1, 2, 256]),
            with_member("temperatures", [-1, 2, 3]),
        ]
        for state in wrong:
            self.resume(state, 12)
            (level, line), *rest = self.effects()
            self.assertEqual(level, "WARN")
            self.assertTrue(line.startswith("the saved state cannot be read and is ignored: "), line)
            self.assertEqual(rest[0], ("maxTempSinceLastReboot", "10.96"))
