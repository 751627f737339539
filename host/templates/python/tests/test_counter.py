import json

from app import Device
from counter import Counter
from trial import Trial, command, desired
from wit_world.exports.device import StartReason
from wit_world.imports.types import SendError_Invalid, SendError_OutboxFull, SendError_TooLarge


class Counting(Trial):
    def test_it_counts_every_five_seconds(self) -> None:
        counter = Counter(None)
        self.assertEqual(self.effects(), [("every", 5000)])
        counter.count()
        counter.count()
        self.assertEqual(self.effects(), [("telemetry", {"count": 1}), ("telemetry", {"count": 2})])

    def test_reset_answers_with_the_count_it_ended(self) -> None:
        counter = self.counter()
        counter.count()
        self.assertEqual(counter.invoke(command("reset")).payload, "1")
        self.assertEqual(counter.invoke(command("reset")).payload, "0")

    def test_what_cannot_be_sent_is_logged_and_counted(self) -> None:
        counter = self.counter()
        for refusal, why in [
            (SendError_OutboxFull(), "the outbox is full"),
            (SendError_TooLarge(5), "larger than the 5 bytes the cloud takes"),
            (SendError_Invalid("no reason"), "no reason"),
        ]:
            self.refusal = refusal
            counter.count()
            self.assertEqual(self.effects(), [("WARN", f"a count was not sent: {why}")])
        self.refusal = None
        counter.count()
        self.assertEqual(self.effects(), [("telemetry", {"count": 4})])

    def test_unknown_commands_are_refused(self) -> None:
        for call, name in [(command("stop"), "stop"), (command("reset", component="part"), "part.reset")]:
            response = self.counter().invoke(call)
            self.assertEqual(response.status, 404)
            self.assertEqual(json.loads(response.payload), {"message": f"this device has no command {name}"})


class Stepping(Trial):
    def test_the_default_is_acknowledged_when_nothing_is_desired(self) -> None:
        counter = Counter(None)
        self.effects()
        counter.update([])
        self.assertEqual(self.effects(), [("ack", "step", "1", 203, 0)])
        counter.update([])
        self.assertEqual(self.effects(), [])

    def test_a_step_is_taken_and_counted_by(self) -> None:
        counter = self.counter()
        for step in "-2147483648", "2147483647", "0", "10":
            counter.update([desired(step)])
            self.assertEqual(self.effects(), [("ack", "step", step, 200, 2)])
        counter.count()
        self.assertEqual(self.effects(), [("telemetry", {"count": 10})])

    def test_what_is_no_step_changes_nothing(self) -> None:
        counter = self.counter()
        for value in "2147483648", "2.5", "7.0", '"7"', "[7]", "true", "9" * 5000:
            counter.update([desired(value)])
            self.assertEqual(self.effects(), [("ack", "step", "1", 400, 2)])

    def test_a_removed_step_is_the_default_again(self) -> None:
        counter = self.counter()
        counter.update([desired("10"), desired(None)])
        self.assertEqual(self.effects(), [("ack", "step", "10", 200, 2), ("ack", "step", "1", 203, 2)])

    def test_unknown_properties_are_refused(self) -> None:
        self.counter().update([desired("1", name="speed"), desired("1", component="part")])
        self.assertEqual(self.effects(), [("ack", "speed", "1", 404, 2), ("ack", "step", "1", 404, 2)])


class Handover(Trial):
    def test_the_next_instance_goes_on(self) -> None:
        counter = self.counter()
        counter.update([desired("10")])
        counter.count()
        counter = Counter(counter.save())
        self.effects()
        counter.count()
        self.assertEqual(self.effects(), [("telemetry", {"count": 20})])

    def test_a_state_that_cannot_be_read_is_ignored(self) -> None:
        wrong = [b"", b"\xff", b"{}", b"[]", b'{"count": 7.5, "step": 1}', b'{"count": 1, "step": true}', b"[" * 100_000]
        for state in wrong:
            counter = Counter(state)
            self.assertEqual(self.effects()[0], ("WARN", "the saved state cannot be read and is ignored"))
            counter.count()
            self.assertEqual(self.effects(), [("telemetry", {"count": 1})])

    def test_counting_stops_where_numbers_are_no_longer_told_apart(self) -> None:
        counter = Counter(b'{"count": 9007199254740990, "step": 5}')
        self.effects()
        counter.count()
        self.assertEqual(self.effects(), [("telemetry", {"count": 9007199254740991})])


class Exports(Trial):
    def test_the_device_outlives_the_object_that_each_call_gets(self) -> None:
        Device().start(StartReason.POWER_ON, None)
        Device().update([])
        Device().timer_fired(1)
        self.assertEqual([kind for kind, *_ in self.effects()], ["every", "ack", "telemetry"])
        self.assertEqual(Device().invoke(command("reset")).value.payload, "1")
        self.assertEqual(Device().save(), b'{"count": 0, "step": 1}')
