import assert from "node:assert/strict";
import { test } from "node:test";

import { Trial, desired } from "./trial.js";

/** The value and status that each of these is answered with. */
function answers(...values) {
  const trial = new Trial();
  const thermostat = trial.powerOn(10);
  values.forEach((value) => thermostat.update([value]));
  return trial.effects().map(([, , value, status]) => [value, status]);
}

test("without a target the default is acknowledged unasked", () => {
  const trial = new Trial();
  trial.read(10);
  const thermostat = trial.start();
  trial.effects();
  thermostat.update([desired("1", { name: "other" })]);
  const answered = [["ack", "targetTemperature", "20", 203, 0n], ["ack", "other", "1", 404, 2n]];
  assert.deepEqual(trial.effects(), answered);
});

test("a number is taken and comes back as it was sent", () => {
  const numbers = ["42.5", "1e2", "21.0", "-0", " 5\n", "1e-400", "18446744073709551616", "9007199254740993"];
  assert.deepEqual(answers(...numbers.map((number) => desired(number))), numbers.map((number) => [number, 200]));
});

test("anything else is refused and the value before it stays", () => {
  const wrong = ['"warm"', "true", "[1]", '{"a":1}', '"21"', "1e400", "-1e400", '"NaN"'];
  const [, ...refused] = answers(desired("7.50"), ...wrong.map((value) => desired(value)));
  assert.deepEqual(refused, wrong.map(() => ["7.5", 400]));
});

test("what is in force is written shortly, and what is no exact integer not as one", () => {
  const written = [
    ["1e2", "100"],
    ["-0.0", "0"],
    ["9007199254740992.0", "9007199254740992"],
    ["1e19", "1e+19"],
    ["18014398509481984", "1.8014398509481984e+16"],
    ["5e-1", "0.5"],
  ];
  for (const [number, shortly] of written) {
    assert.deepEqual(answers(desired(number), desired("[]"))[1], [shortly, 400]);
  }
});

test("a removed value brings the default back", () => {
  assert.deepEqual(answers(desired("5"), desired(null), desired("{}")).slice(1), [["20", 203], ["20", 400]]);
  assert.deepEqual(answers(desired(" null ")), [["20", 203]]);
});

test("unknown names get their value back", () => {
  const other = { name: "other" };
  const unknown = [desired('{"a":null}', other), desired("5", { component: "thermostat1" }), desired("null", other)];
  assert.deepEqual(answers(...unknown), [['{"a":null}', 404], ["5", 404], [null, 404]]);
});
