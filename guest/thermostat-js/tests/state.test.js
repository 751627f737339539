import assert from "node:assert/strict";
import { test } from "node:test";

import { Trial, command, desired } from "./trial.js";

/** 22, 31 and 10 were read, and 7.5 is the target; the next reading is due in three seconds. */
function saved() {
  const trial = new Trial();
  const thermostat = trial.powerOn(22, 31, 10);
  thermostat.update([desired("7.5")]);
  trial.measure(thermostat);
  trial.measure(thermostat);
  trial.nanoseconds += 5_000_000_000n;
  trial.effects();
  return { trial, state: thermostat.save() };
}

function bytes(text) {
  return new TextEncoder().encode(text);
}

test("it is JSON", () => {
  const state =
    '{"version":1,"maximum":31,"target":7.5,"times":[1767225600000,8000,8000],"temperatures":[22,31,10]}';
  assert.equal(new TextDecoder().decode(saved().state), state);
});

test("the next instance keeps maximum, readings, target and rhythm", () => {
  const { trial, state } = saved();
  trial.read(25, 26);
  const thermostat = trial.start("replaced", state);
  assert.deepEqual(trial.effects(), [["maxTempSinceLastReboot", "31"], ["after", 3000n]]);
  thermostat.update([desired("[]")]);
  trial.measure(thermostat, 3n);
  assert.deepEqual(trial.effects(), [
    ["ack", "targetTemperature", "7.5", 400, 2n],
    ["every", 8000n],
    ["telemetry", { temperature: 25 }],
  ]);
  trial.measure(thermostat);
  assert.deepEqual(trial.effects(), [["telemetry", { temperature: 26 }]]);
  assert.equal(JSON.parse(thermostat.invoke(command()).payload).minTemp, 10);
});

test("a reading that is overdue is taken at once", () => {
  const { trial, state } = saved();
  trial.nanoseconds += 3_000_000_000n;
  trial.read(25);
  trial.start("resumed", state);
  assert.deepEqual(trial.effects().map(([kind]) => kind), ["maxTempSinceLastReboot", "every", "telemetry"]);
});

test("after power-on and failure it is not looked at", () => {
  for (const reason of ["power-on", "failure"]) {
    const { trial, state } = saved();
    trial.read(12);
    trial.start(reason, state);
    assert.deepEqual(trial.effects()[0], ["maxTempSinceLastReboot", "10.96"]);
  }
});

test("a smaller window keeps the last readings", () => {
  const { trial, state } = saved();
  trial.settings.window = "2";
  const next = trial.start("replaced", state).save();
  assert.deepEqual(JSON.parse(new TextDecoder().decode(next)).temperatures, [31, 10]);
});

test("what it holds beside its own members may be of any script", () => {
  const { trial } = saved();
  const state = '{"more":"100 % é😀","version":1,"maximum":31,"target":5,"times":[],"temperatures":[]}';
  trial.read(12);
  trial.start("replaced", bytes(state));
  assert.deepEqual(trial.effects()[0], ["maxTempSinceLastReboot", "31"]);
});

test("what cannot be read is logged and ignored", () => {
  const whole = JSON.parse(new TextDecoder().decode(saved().state));
  const withMember = (name, value) => bytes(JSON.stringify({ ...whole, [name]: value }));
  const wrong = [
    bytes(""),
    bytes("{}"),
    bytes("[]"),
    bytes("null"),
    Uint8Array.of(0xff),
    // A text that would be right if it were UTF-8.
    Uint8Array.of(...bytes('{"more":"'), 0xff, ...bytes('",'), ...bytes(JSON.stringify(whole).slice(1))),
    withMember("version", 2),
    withMember("version", true),
    withMember("maximum", null),
    withMember("target", "20"),
    bytes(JSON.stringify(whole).replace("7.5", "1e400")),
    withMember("times", [1, 2]),
    withMember("times", [1, 2, 1e300]),
    withMember("times", [1, 2, 3.5]),
    withMember("times", [1, 2, true]),
    withMember("times", { 0: 1 }),
    withMember("temperatures", [1, 2, 256]),
    withMember("temperatures", [-1, 2, 3]),
  ];
  for (const state of wrong) {
    const { trial } = saved();
    trial.read(12);
    trial.start("replaced", state);
    const [[level, line], reported] = trial.effects();
    assert.equal(level, "warn");
    assert.match(line, /^the saved state cannot be read and is ignored: ./);
    assert.deepEqual(reported, ["maxTempSinceLastReboot", "10.96"]);
  }
});
