from thermostat.device import Thermostat
from trial import Trial, desired
from wit_world.exports.device import StartReason


class Target(Trial):
    def answers(self, *values: object) -> list:
        thermostat = self.power_on(10)
        for value in values:
            thermostat.update([value])
        return [(value, status) for _, _, value, status, _ in self.effects()]

    def test_without_a_target_the_default_is_acknowledged_unasked(self) -> None:
        self.read(10)
        thermostat = Thermostat.start(StartReason.POWER_ON, None)
        self.effects()
        thermostat.update([desired("1", name="other")])
        self.assertEqual(
            self.effects(), [("ack", "targetTemperature", "20", 203, 0), ("ack", "other", "1", 404, 2)]
        )

    def test_a_number_is_taken_and_comes_back_as_it_was_sent(self) -> None:
        numbers = ["42.5", "1e2", "21.0", "-0", " 5\n", "1e-400", "18446744073709551616", "9007199254740993"]
        self.assertEqual(self.answers(*map(desired, numbers)), [(number, 200) for number in numbers])

    def test_anything_else_is_refused_and_the_value_before_it_stays(self) -> None:
        wrong = ['"warm"', "true", "[1]", '{"a":1}', '"21"', "1e400", "-1e400", '"NaN"']
        self.assertEqual(self.answers(desired("7.50"), *map(desired, wrong))[1:], [("7.5", 400)] * len(wrong))

    def test_what_is_in_force_is_written_shortly(self) -> None:
        written = {"1e2": "100", "-0.0": "0", "1e15": "1000000000000000", "9007199254740992.0": str(2**53), "5e-1": "0.5"}
        for number, shortly in written.items():
            self.assertEqual(self.answers(desired(number), desired("[]"))[1], (shortly, 400))

    def test_a_removed_value_brings_the_default_back(self) -> None:
        self.assertEqual(self.answers(desired("5"), desired(None), desired("{}"))[1:], [("20", 203), ("20", 400)])
        self.assertEqual(self.answers(desired(" null ")), [("20", 203)])

    def test_unknown_names_get_their_value_back(self) -> None:
        component = desired("5", component="thermostat1")
        unknown = [desired('{"a":null}', name="other"), component, desired("null", name="other")]
        self.assertEqual(self.answers(*unknown), [('{"a":null}', 404), ("5", 404), (None, 404)])
