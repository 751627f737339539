import assert from "node:assert/strict";
import { test } from "node:test";
import { of } from "../src/api.ts";
import { address, home, parse } from "../src/route.ts";
import { Store } from "../src/store.ts";

test("an address leads back to the device it was made of", () => {
  for (const hub of [null, "127.0.0.2", "two.localhost", "[::1]"]) {
    for (const id of ["d", "..", "a?b#c", "a%2Fb", "ü", "$'()*!"]) {
      assert.deepEqual(parse(address({ hub, id }, "events")), { hub, device: id, tab: "events" });
    }
    assert.deepEqual(parse(home(hub)), { hub, device: null, tab: "telemetry" });
  }
  assert.equal(address({ hub: null, id: "d" }), "#/device/d/telemetry");
});

test("any other address is the list of the emulator's own hub", () => {
  for (const hash of [
    "",
    "#",
    "#/devices",
    "#/device/",
    "#access=x",
    "#/hub/",
    "#/hub/%",
    "#/device/%/events",
    "#/hub/a/b/c/d",
  ]) {
    assert.deepEqual(parse(hash), { hub: null, device: null, tab: "telemetry" }, hash);
  }
  assert.deepEqual(parse("#/device/d/nothing"), { hub: null, device: "d", tab: "telemetry" });
});

test("calls name the hub where it is not the emulator's own", () => {
  assert.equal(of({ hub: null, id: "a b" }, "event"), "device/event?id=a%20b");
  assert.equal(of({ hub: "[::1]", id: "d" }), "hub/%5B%3A%3A1%5D/device?id=d");
});

test("nothing of one hub is left when another is turned to", () => {
  const store = new Store();
  assert.equal(store.turn(null), false);
  store.watch("d");
  store.epoch = "1";
  assert.equal(store.turn("two"), true);
  assert.deepEqual([store.watched, store.listed, store.epoch, store.ids], [null, false, "", []]);
  store.watch("d");
  assert.deepEqual([store.watched?.hub, store.watched?.id], ["two", "d"]);
});
