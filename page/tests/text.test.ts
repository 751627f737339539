import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, bytes, fileName, number, pretty, shortModel } from "../src/format.ts";
import type { Model } from "../src/model.ts";
import { telemetryOf } from "../src/model.ts";

test("numbers are short", () => {
  for (const [value, text] of [
    [0, "0"],
    [21.5, "21.5"],
    [1 / 3, "0.3333333"],
    [0.1 + 0.2, "0.3"],
    [123456.789, "123456.8"],
    [1e308, "1e+308"],
    [5e-324, "4.941e-324"],
    [-2.5e12, "-2.5e+12"],
  ] as const) {
    assert.equal(number(value), text);
  }
});

test("times and sizes have one unit", () => {
  assert.equal(ago(null, 0), "never");
  assert.equal(ago(5_000, 4_000), "now", "a clock that is behind");
  assert.equal(ago(0, 90_000), "1 min ago");
  assert.equal(bytes(1_536), "1.5 KB");
  assert.equal(bytes(262_144), "256 KB");
});

test("names of devices become names of files", () => {
  assert.equal(fileName("../../etc/passwd"), "__.._etc_passwd");
  assert.equal(fileName("a=b"), "a_b");
  assert.equal(shortModel("dtmi:com:example:Thermostat;1"), "Thermostat;1");
  assert.equal(pretty("{broken"), "{broken");
});

test("a series belongs to the telemetry of its component", () => {
  const telemetry = (name: string) => ({
    name,
    schema: { kind: "primitive", type: "double", words: "" },
    unit: null,
    displayName: null,
    description: null,
  });
  const component = (name: string | null, telemetries: unknown[]) => ({
    name,
    telemetries,
    properties: [],
    commands: [],
    displayName: null,
    description: null,
  });
  const model = {
    id: "m",
    displayName: null,
    description: null,
    components: [component(null, [telemetry("load")]), component("one", [telemetry("t")])],
  } as unknown as Model;
  assert.equal(telemetryOf(model, "one/t")?.component.name, "one");
  assert.equal(telemetryOf(model, "load.x[0]")?.telemetry.name, "load");
  for (const series of ["loads", "t", "two/t", "one/tt"]) assert.equal(telemetryOf(model, series), null, series);
});
