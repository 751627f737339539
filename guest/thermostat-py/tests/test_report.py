import json
from datetime import datetime, timezone
from typing import Optional, Tuple
from unittest import TestCase

from thermostat.clock import from_rfc3339, to_rfc3339
from trial import Trial, command


class Report(Trial):
    def setUp(self) -> None:
        """20, 40 and 30 are read at 00:00:00, 00:00:08 and 00:00:16; it is 00:00:20.000001."""
        super().setUp()
        self.thermostat = self.power_on(20, 40, 30)
        self.measure(self.thermostat)
        self.measure(self.thermostat)
        self.nanoseconds += 4_000_001_000

    def call(self, payload: Optional[str]) -> Tuple[int, dict]:
        response = self.thermostat.invoke(command(payload))
        return response.status, json.loads(response.payload)

    def test_without_a_time_it_covers_everything(self) -> None:
        everything = {
            "avgTemp": 30.0,
            "endTime": "2026-01-01T00:00:20Z",
            "maxTemp": 40,
            "minTemp": 20,
            "startTime": "2026-01-01T00:00:00Z",
        }
        for payload in None, '""', "null":
            self.assertEqual(self.call(payload), (200, everything))

    def test_since_a_time_it_covers_what_was_read_then_or_later(self) -> None:
        for moment in "2026-01-01T00:00:08Z", "2026-01-01T00:00:00.000000001Z", "2025-12-31 22:00:08.000-02:00":
            status, report = self.call(json.dumps(moment))
            self.assertEqual((status, report["avgTemp"], report["startTime"]), (200, 35.0, "2026-01-01T00:00:08Z"))

    def test_a_time_without_readings_gets_404(self) -> None:
        nothing = "there is no reading since 2026-01-01T00:00:16.000001Z; the last one is of 2026-01-01T00:00:16Z"
        self.assertEqual(self.call('"2026-01-01T00:00:16.000001Z"'), (404, {"message": nothing}))

    def test_anything_else_gets_400(self) -> None:
        for payload in "5", "true", "[]", '{"since":1}':
            status, refusal = self.call(payload)
            self.assertEqual(status, 400)
            self.assertIn("getMaxMinReport takes an RFC 3339 date and time in a string, or nothing: ", refusal["message"])
        for text in "yesterday", " ", "2026-02-30T00:00:08Z", 'say "hi"', "\U0001f600":
            status, refusal = self.call(json.dumps(text))
            self.assertEqual(status, 400)
            self.assertIn(f"2026-01-31T12:00:00Z, not {json.dumps(text, ensure_ascii=False)}: ", refusal["message"])

    def test_of_a_long_text_only_the_beginning_is_quoted(self) -> None:
        _, refusal = self.call(json.dumps("\U0001f600" * 10_000))
        self.assertIn(', not "' + "\U0001f600" * 80 + '": ', refusal["message"])


class Times(TestCase):
    def test_they_are_written_and_read_as_the_standard_library_does(self) -> None:
        for seconds in range(-62_135_596_800, 253_402_300_800, 40_000_003):
            written = datetime.fromtimestamp(seconds, timezone.utc).isoformat().replace("+00:00", "Z")
            self.assertEqual(to_rfc3339(seconds * 1_000_000_000), written)
            self.assertEqual(from_rfc3339(written), seconds * 1_000_000_000)

    def test_years_beyond_four_digits_have_a_sign(self) -> None:
        self.assertEqual(to_rfc3339(253_402_300_800 * 1_000_000_000), "+10000-01-01T00:00:00Z")
        self.assertEqual(to_rfc3339(-62_198_755_200 * 1_000_000_000), "-0001-01-01T00:00:00Z")

    def test_decimals_come_in_threes(self) -> None:
        for nanoseconds, written in {0: "00Z", 5_000_000: "00.005Z", 5_000: "00.000005Z", 5: "00.000000005Z"}.items():
            self.assertEqual(to_rfc3339(nanoseconds), f"1970-01-01T00:00:{written}")

    def test_what_is_no_time_is_refused(self) -> None:
        wrong = [
            "2026-01-01",
            "2026-01-01T00:00:08",
            "2026-00-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00.Z",
            "２026-01-01T00:00:00Z",
        ]
        for text in wrong:
            with self.assertRaises(ValueError, msg=text):
                from_rfc3339(text)
