import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Trial, bytes, command, desired } from "./trial.js";

describe("counting", () => {
  test("it counts every five seconds", () => {
    const trial = new Trial();
    const counter = trial.start();
    assert.deepEqual(trial.effects(), [["every", 5000n]]);
    counter.count();
    counter.count();
    assert.deepEqual(trial.effects(), [
      ["telemetry", { count: 1 }],
      ["telemetry", { count: 2 }],
    ]);
  });

  test("reset answers with the count it ended", () => {
    const counter = new Trial().counter();
    counter.count();
    assert.deepEqual(counter.invoke(command("reset")), { status: 200, payload: "1" });
    assert.deepEqual(counter.invoke(command("reset")), { status: 200, payload: "0" });
  });

  test("what cannot be sent is logged and counted", () => {
    const trial = new Trial();
    const counter = trial.counter();
    const reasons = [
      [{ tag: "outbox-full" }, "the outbox is full"],
      [{ tag: "too-large", val: 5 }, "larger than the 5 bytes the cloud takes"],
      [{ tag: "invalid", val: "no reason" }, "no reason"],
    ];
    for (const [refusal, why] of reasons) {
      trial.refusal = refusal;
      counter.count();
      assert.deepEqual(trial.effects(), [["warn", `a count was not sent: ${why}`]]);
    }
    trial.refusal = null;
    counter.count();
    assert.deepEqual(trial.effects(), [["telemetry", { count: 4 }]]);
  });

  test("unknown commands are refused", () => {
    const calls = [
      [command("stop"), "stop"],
      [command("reset", "part"), "part.reset"],
    ];
    for (const [call, name] of calls) {
      const { status, payload } = new Trial().counter().invoke(call);
      assert.equal(status, 404);
      assert.deepEqual(JSON.parse(payload), { message: `this device has no command ${name}` });
    }
  });
});

describe("stepping", () => {
  test("the default is acknowledged when nothing is desired", () => {
    const trial = new Trial();
    const counter = trial.start();
    trial.effects();
    counter.update([]);
    assert.deepEqual(trial.effects(), [["ack", "step", "1", 203, 0n]]);
    counter.update([]);
    assert.deepEqual(trial.effects(), []);
  });

  test("a step is taken and counted by", () => {
    const trial = new Trial();
    const counter = trial.counter();
    for (const step of ["-2147483648", "2147483647", "0", "10"]) {
      counter.update([desired(step)]);
      assert.deepEqual(trial.effects(), [["ack", "step", step, 200, 2n]]);
    }
    counter.update([desired(" 10\n")]);
    assert.deepEqual(trial.effects(), [["ack", "step", "10", 200, 2n]]);
    counter.count();
    assert.deepEqual(trial.effects(), [["telemetry", { count: 10 }]]);
  });

  test("what is no step changes nothing", () => {
    const trial = new Trial();
    const counter = trial.counter();
    for (const value of ["2147483648", "2.5", "7.0", '"7"', "[7]", "true", "9".repeat(5000)]) {
      counter.update([desired(value)]);
      assert.deepEqual(trial.effects(), [["ack", "step", "1", 400, 2n]]);
    }
  });

  test("a removed step is the default again", () => {
    const trial = new Trial();
    for (const removed of [null, "null", " null "]) {
      trial.counter().update([desired("10"), desired(removed)]);
      assert.deepEqual(trial.effects(), [
        ["ack", "step", "10", 200, 2n],
        ["ack", "step", "1", 203, 2n],
      ]);
    }
  });

  test("unknown properties are refused", () => {
    const trial = new Trial();
    trial.counter().update([desired("1", { name: "speed" }), desired("1", { component: "part" })]);
    assert.deepEqual(trial.effects(), [
      ["ack", "speed", "1", 404, 2n],
      ["ack", "step", "1", 404, 2n],
    ]);
  });
});

describe("handing over", () => {
  test("the next instance goes on", () => {
    const trial = new Trial();
    const counter = trial.counter();
    counter.update([desired("10")]);
    counter.count();
    const saved = counter.save();
    assert.deepEqual(saved, bytes('{"count":10,"step":10}'));
    const next = trial.start(saved);
    trial.effects();
    next.count();
    assert.deepEqual(trial.effects(), [["telemetry", { count: 20 }]]);
  });

  test("a state that cannot be read is ignored", () => {
    const texts = ["", "{}", "[]", "null", '{"count": 7.5, "step": 1}', '{"count": 1, "step": true}', "[".repeat(100_000)];
    const wrong = [...texts.map(bytes), Uint8Array.of(0xff), bytes('{"count": 9007199254740992, "step": 1}')];
    for (const saved of wrong) {
      const trial = new Trial();
      const counter = trial.start(saved);
      assert.deepEqual(trial.effects()[0], ["warn", "the saved state cannot be read and is ignored"]);
      counter.count();
      assert.deepEqual(trial.effects(), [["telemetry", { count: 1 }]]);
    }
  });

  test("counting stops where numbers are no longer told apart", () => {
    const trial = new Trial();
    const counter = trial.start(bytes('{"count": 9007199254740990, "step": 5}'));
    trial.effects();
    counter.count();
    assert.deepEqual(trial.effects(), [["telemetry", { count: 9007199254740991 }]]);
  });
});
