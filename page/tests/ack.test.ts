import assert from "node:assert/strict";
import { test } from "node:test";
import { ack } from "../src/ack.ts";

const state = (desired: Record<string, unknown>, reported: Record<string, unknown>, component: string | null = null) =>
  ack(desired, reported, component, "target").state;
const about = { target: { $lastUpdatedVersion: 4 } };

test("a wish waits until the device answers this version of it", () => {
  const desired = { target: 2, $version: 7, $metadata: about };
  assert.equal(state(desired, {}), "waiting");
  assert.equal(state(desired, { target: { value: 1, ac: 200, av: 3 } }), "waiting", "an earlier version");
  assert.equal(state(desired, { target: { value: 2, ac: 200, av: 4 } }), "accepted");
  assert.equal(state(desired, { target: 2 }), "waiting", "a value alone is no answer");
});

test("the answer's code decides", () => {
  const desired = { target: 2, $version: 4, $metadata: about };
  assert.equal(state(desired, { target: { value: 1, ac: 202, av: 4 } }), "underway");
  assert.equal(state(desired, { target: { value: 1, ac: 400, av: 4, ad: "no" } }), "refused");
  assert.equal(state(desired, { target: { value: 1, ac: 200, av: 4 } }), "differs");
});

test("what nobody asked for is only reported", () => {
  assert.equal(state({}, {}), "unset");
  assert.equal(state({}, { target: 5 }), "reported");
  assert.equal(ack({}, { target: { value: 5, ac: 203, av: 1 } }, null, "target").reported, 5);
});

test("a component has its own", () => {
  const desired = { inner: { __t: "c", target: 2 }, $version: 9, $metadata: { inner: about } };
  assert.equal(state(desired, { inner: { __t: "c", target: { value: 2, ac: 200, av: 4 } } }, "inner"), "accepted");
  assert.equal(state(desired, { target: { value: 2, ac: 200, av: 4 } }, "inner"), "waiting");
});

test("whatever a device reports in its place is taken", () => {
  for (const odd of [null, [], "x", { ac: "200", value: 1 }, { ac: 200 }, { value: { deep: {} }, ac: 200, av: "4" }]) {
    assert.ok(state({ target: 1, $version: 1 }, { target: odd }));
  }
});
