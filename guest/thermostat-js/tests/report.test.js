import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { MILLISECOND, fromRfc3339, toRfc3339 } from "../src/clock.js";
import { Trial, command } from "./trial.js";

/** 20, 40 and 30 were read at 00:00:00, 00:00:08 and 00:00:16; it is 00:00:20.000001. */
function report(payload) {
  const trial = new Trial();
  const thermostat = trial.powerOn(20, 40, 30);
  trial.measure(thermostat);
  trial.measure(thermostat);
  trial.nanoseconds += 4_000_001_000n;
  return thermostat.invoke(command(payload));
}

describe("getMaxMinReport", () => {
  test("without a time it covers everything, and its mean is a double", () => {
    const everything =
      '{"avgTemp":30.0,"endTime":"2026-01-01T00:00:20Z","maxTemp":40,"minTemp":20,"startTime":"2026-01-01T00:00:00Z"}';
    for (const payload of [null, '""', "null"]) {
      assert.deepEqual(report(payload), { status: 200, payload: everything });
    }
  });

  test("since a time it covers what was read then or later", () => {
    for (const since of ["2026-01-01T00:00:08Z", "2026-01-01T00:00:00.000000001Z", "2025-12-31 22:00:08.000-02:00"]) {
      const { status, payload } = report(JSON.stringify(since));
      const { avgTemp, startTime } = JSON.parse(payload);
      assert.deepEqual([status, avgTemp, startTime], [200, 35, "2026-01-01T00:00:08Z"]);
    }
  });

  test("a time without readings gets 404", () => {
    const message = "there is no reading since 2026-01-01T00:00:16.000001Z; the last one is of 2026-01-01T00:00:16Z";
    assert.deepEqual(report('"2026-01-01T00:00:16.000001Z"'), { status: 404, payload: JSON.stringify({ message }) });
  });

  test("anything else gets 400", () => {
    for (const payload of ["5", "true", "[]", '{"since":1}', '"\\ud800"']) {
      const refusal = report(payload);
      assert.equal(refusal.status, 400);
      assert.match(refusal.payload, /getMaxMinReport takes an RFC 3339 date and time in a string, or nothing: /);
    }
    for (const text of ["yesterday", " ", "2026-02-30T00:00:08Z", 'say "hi"', "\u{1f600}"]) {
      const refusal = report(JSON.stringify(text));
      assert.equal(refusal.status, 400);
      const { message } = JSON.parse(refusal.payload);
      assert.ok(message.includes(`2026-01-31T12:00:00Z, not ${JSON.stringify(text)}: `), message);
    }
  });

  test("of a long text only the beginning is quoted", () => {
    const { message } = JSON.parse(report(JSON.stringify("\u{1f600}".repeat(10_000))).payload);
    assert.ok(message.includes(`, not "${"\u{1f600}".repeat(80)}": `), message);
  });
});

describe("times", () => {
  test("they are written and read as Date does", () => {
    for (let milliseconds = -62_135_596_800_000; milliseconds < 253_402_300_800_000; milliseconds += 40_000_003_000) {
      const written = new Date(milliseconds).toISOString().replace(".000Z", "Z");
      assert.equal(toRfc3339(BigInt(milliseconds) * MILLISECOND), written);
      assert.equal(fromRfc3339(written), BigInt(milliseconds) * MILLISECOND);
    }
  });

  test("years beyond four digits have a sign, and the first hundred are no others", () => {
    assert.equal(toRfc3339(253_402_300_800_000_000_000n), "+10000-01-01T00:00:00Z");
    assert.equal(toRfc3339(-62_198_755_200_000_000_000n), "-0001-01-01T00:00:00Z");
    assert.equal(toRfc3339(fromRfc3339("0026-01-01T00:00:00Z")), "0026-01-01T00:00:00Z");
  });

  test("decimals come in threes", () => {
    const decimals = { 0: "", 5_000_000: ".005", 5_000: ".000005", 5: ".000000005" };
    for (const [nanoseconds, written] of Object.entries(decimals)) {
      assert.equal(toRfc3339(BigInt(nanoseconds)), `1970-01-01T00:00:00${written}Z`);
    }
    assert.equal(toRfc3339(-1n), "1969-12-31T23:59:59.999999999Z");
  });

  test("what is no time is refused", () => {
    const wrong = [
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
    ];
    for (const text of wrong) {
      assert.throws(() => fromRfc3339(text), RangeError, text);
    }
  });
});
