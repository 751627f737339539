from app import Device
from componentize_py_types import Err
from thermostat.device import Thermostat
from thermostat.settings import ConfigError, Settings
from trial import Trial, command
from wit_world.exports.device import StartReason
from wit_world.imports.types import SendError_Invalid, SendError_OutboxFull, SendError_TooLarge


class Running(Trial):
    def test_it_reports_its_maximum_and_measures_at_once(self) -> None:
        self.read(22)
        Thermostat.start(StartReason.POWER_ON, None)
        self.assertEqual(
            self.effects(),
            [
                ("maxTempSinceLastReboot", "10.96"),
                ("every", 8000),
                ("telemetry", {"temperature": 22}),
                ("maxTempSinceLastReboot", "22"),
            ],
        )

    def test_it_reports_a_maximum_only_when_it_rises(self) -> None:
        thermostat = self.power_on(22, 22, 31)
        self.measure(thermostat)
        self.assertEqual(self.effects(), [("telemetry", {"temperature": 22})])
        self.measure(thermostat)
        self.assertEqual(self.effects(), [("telemetry", {"temperature": 31}), ("maxTempSinceLastReboot", "31")])

    def test_a_draw_that_would_favour_the_low_values_is_drawn_again(self) -> None:
        self.draws = iter([2**64 - 1, 2**64 - 16, 2**64 - 17])
        Thermostat.start(StartReason.POWER_ON, None)
        self.assertIn(("telemetry", {"temperature": 49}), self.effects())

    def test_what_the_host_refuses_is_logged_and_the_maximum_reported_later(self) -> None:
        thermostat = self.power_on(22, 40, 30)
        self.refusal = SendError_OutboxFull()
        self.measure(thermostat)
        full = "was not sent: the outbox is full"
        self.assertEqual(self.effects(), [("WARN", f"a temperature {full}"), ("WARN", f"the maximum {full}")])
        self.refusal = None
        self.measure(thermostat)
        self.assertEqual(self.effects(), [("telemetry", {"temperature": 30}), ("maxTempSinceLastReboot", "40")])

    def test_a_log_line_says_why(self) -> None:
        thermostat = self.power_on(22)
        reasons = {
            SendError_TooLarge: (5, "larger than the 5 bytes the cloud takes"),
            SendError_Invalid: ("not JSON", "not JSON"),
        }
        for kind, (value, why) in reasons.items():
            self.refusal = kind(value)
            self.read(10)
            self.measure(thermostat)
            self.assertEqual(self.effects(), [("WARN", f"a temperature was not sent: {why}")])

    def test_unknown_commands_get_404(self) -> None:
        thermostat = self.power_on(22)
        names = {"reboot": command(name="reboot"), "thermostat1.getMaxMinReport": command(component="thermostat1")}
        for name, unknown in names.items():
            response = thermostat.invoke(unknown)
            self.assertEqual(response.status, 404)
            self.assertEqual(response.payload, f'{{"message":"this device has no command {name}"}}')


class Configuration(Trial):
    def test_without_it_the_defaults_hold(self) -> None:
        self.assertEqual(Settings.read(), Settings(interval=8_000_000_000, window=450))

    def test_the_ends_of_the_ranges_are_taken(self) -> None:
        for interval, nanoseconds in {"1e-9": 1, " 86400 ": 86_400_000_000_000, "+.25": 250_000_000}.items():
            self.settings["interval"] = interval
            self.assertEqual(Settings.read().interval, nanoseconds)
        for window, readings in {"1": 1, "100000": 100_000, "+0000450": 450}.items():
            self.settings["window"] = window
            self.assertEqual(Settings.read().window, readings)

    def test_anything_else_is_refused_by_name(self) -> None:
        wrong = {
            "interval": ["", "0", "-1", "86400.5", "nan", "inf", "1e300", "1e400", "8s", "1_0", "٨", "\u00a08"],
            "window": ["", "0", "-1", "1.5", "100001", "many", "1_0", "٨", "9" * 5000],
        }
        for name, values in wrong.items():
            for value in values:
                self.settings.clear()
                self.settings[name] = value
                with self.assertRaisesRegex(ConfigError, f'config {name} is a number of .* not "'):
                    Settings.read()


class Exports(Trial):
    def test_the_thermostat_outlives_the_object_that_each_call_gets(self) -> None:
        self.read(22, 23)
        self.addCleanup(setattr, Device, "_thermostat", None)
        self.assertIn("has not started", Device().invoke(command()).value.payload)
        self.assertIsNone(Device().save())
        Device().start(StartReason.POWER_ON, None)
        self.effects()
        Device().update([])
        Device().timer_fired(1)
        self.assertEqual([effect[0] for effect in self.effects()], ["ack", "telemetry", "maxTempSinceLastReboot"])
        self.assertEqual(Device().invoke(command()).value.status, 200)
        self.assertIsNotNone(Device().save())

    def test_a_wrong_setting_is_the_error_that_start_gives(self) -> None:
        self.settings["window"] = "none"
        with self.assertRaises(Err) as caught:
            Device().start(StartReason.POWER_ON, None)
        self.assertEqual(caught.exception.value, 'config window is a number of readings from 1 to 100000, not "none"')
