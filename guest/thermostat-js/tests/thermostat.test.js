import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { ConfigError, readSettings } from "../src/settings.js";
import { Trial, command } from "./trial.js";

describe("running", () => {
  test("it reports its maximum and measures at once", () => {
    const trial = new Trial();
    trial.read(22);
    trial.start();
    assert.deepEqual(trial.effects(), [
      ["maxTempSinceLastReboot", "10.96"],
      ["every", 8000n],
      ["telemetry", { temperature: 22 }],
      ["maxTempSinceLastReboot", "22"],
    ]);
  });

  test("it reports a maximum only when it rises", () => {
    const trial = new Trial();
    const thermostat = trial.powerOn(22, 22, 31);
    trial.measure(thermostat);
    assert.deepEqual(trial.effects(), [["telemetry", { temperature: 22 }]]);
    trial.measure(thermostat);
    assert.deepEqual(trial.effects(), [["telemetry", { temperature: 31 }], ["maxTempSinceLastReboot", "31"]]);
  });

  test("a timer that is not its own is none of its business", () => {
    const trial = new Trial();
    trial.powerOn(22).timerFired(7);
    assert.deepEqual(trial.effects(), []);
  });

  test("a draw that would favour the low values is drawn again", () => {
    const trial = new Trial();
    const end = 1n << 64n;
    trial.draws = [end - 1n, end - 16n, end - 17n];
    trial.start();
    assert.deepEqual(trial.effects()[2], ["telemetry", { temperature: 49 }]);
  });

  test("what the host refuses is logged and the maximum reported later", () => {
    const trial = new Trial();
    const thermostat = trial.powerOn(22, 40, 30);
    trial.refusal = { tag: "outbox-full" };
    trial.measure(thermostat);
    const full = "was not sent: the outbox is full";
    assert.deepEqual(trial.effects(), [["warn", `a temperature ${full}`], ["warn", `the maximum ${full}`]]);
    trial.refusal = null;
    trial.measure(thermostat);
    assert.deepEqual(trial.effects(), [["telemetry", { temperature: 30 }], ["maxTempSinceLastReboot", "40"]]);
  });

  test("a log line says why", () => {
    const reasons = [
      [{ tag: "too-large", val: 5 }, "larger than the 5 bytes the cloud takes"],
      [{ tag: "invalid", val: "not JSON" }, "not JSON"],
    ];
    for (const [refusal, why] of reasons) {
      const trial = new Trial();
      const thermostat = trial.powerOn(22, 10);
      trial.refusal = refusal;
      trial.measure(thermostat);
      assert.deepEqual(trial.effects(), [["warn", `a temperature was not sent: ${why}`]]);
    }
  });

  test("a mistake is not taken for a refusal", () => {
    const trial = new Trial();
    const thermostat = trial.powerOn(22, 10);
    trial.host.telemetry.send = () => undefined.body;
    assert.throws(() => trial.measure(thermostat), TypeError);
  });

  test("unknown commands get 404", () => {
    const thermostat = new Trial().powerOn(22);
    const unknown = [
      [command(null, { name: "reboot" }), "reboot"],
      [command(null, { component: "thermostat1" }), "thermostat1.getMaxMinReport"],
    ];
    for (const [call, name] of unknown) {
      const payload = `{"message":"this device has no command ${name}"}`;
      assert.deepEqual(thermostat.invoke(call), { status: 404, payload });
    }
  });
});

describe("configuration", () => {
  function settings(values) {
    return readSettings({ config: { get: (key) => values[key] ?? null } });
  }

  test("without it the defaults hold", () => {
    assert.deepEqual(settings({}), { interval: 8_000_000_000n, window: 450 });
  });

  test("the ends of the ranges are taken", () => {
    for (const [interval, nanoseconds] of [["1e-9", 1n], [" 86400 ", 86_400_000_000_000n], ["+.25", 250_000_000n]]) {
      assert.equal(settings({ interval }).interval, nanoseconds);
    }
    for (const [window, readings] of [["1", 1], ["100000", 100_000], ["+0000450", 450]]) {
      assert.equal(settings({ window }).window, readings);
    }
  });

  test("anything else is refused by name", () => {
    const wrong = {
      interval: ["", "0", "-1", "86400.5", "nan", "Infinity", "1e300", "1e400", "0x8", "8s", "1_0", "٨", "\u00a08"],
      window: ["", "0", "-1", "1.5", "100001", "many", "0x5", "1_0", "٨", "9".repeat(5000)],
    };
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        const refusal = (error) =>
          error instanceof ConfigError &&
          error.message.startsWith(`config ${name} is a number of `) &&
          error.message.endsWith(` not ${JSON.stringify(value)}`);
        assert.throws(() => settings({ [name]: value }), refusal, `${name} ${value}`);
      }
    }
  });
});
