import assert from "node:assert/strict";
import { test } from "node:test";
import type { Field, Schema } from "../src/model.ts";
import { check, isDate, isDateTime, isDuration, isTime, readNumber } from "../src/schema.ts";

const primitive = (type: string): Schema => ({ kind: "primitive", type, words: `a ${type}` });
const field = (name: string, schema: Schema, required = false): Field => ({
  name,
  schema,
  required,
  displayName: null,
  description: null,
});

test("numbers keep every digit that was typed", () => {
  assert.deepEqual(readNumber("long", "9223372036854775807"), { json: "9223372036854775807" });
  assert.deepEqual(readNumber("double", " 21.50 "), { json: "21.50" });
  assert.deepEqual(readNumber("double", "007.5"), { json: "7.5" });
  assert.deepEqual(readNumber("double", "-1e308"), { json: "-1e308" });
});

test("numbers have their type's range", () => {
  const types = {
    integer: ["2147483648", "1.5", "1e3", "", "0x1"],
    long: ["9223372036854775808"],
    double: ["1e309", "NaN", "1,5"],
    float: ["1e39"],
  };
  for (const [type, texts] of Object.entries(types)) {
    for (const text of texts) assert.ok("error" in readNumber(type, text), `${type} ${text}`);
  }
  assert.deepEqual(readNumber("integer", "-2147483648"), { json: "-2147483648" });
});

test("days, times and durations are those of the calendar", () => {
  assert.ok(isDate("2024-02-29") && !isDate("2023-02-29") && !isDate("2024-2-9"));
  assert.ok(isTime("12:30:00Z") && isTime("23:59:59.5+02:00") && !isTime("12:30:00") && !isTime("24:00:00Z"));
  assert.ok(isDateTime("2024-02-29T12:30:00Z") && !isDateTime("2024-02-29 12:30:00Z") && !isDateTime("2024-02-29"));
  for (const text of ["PT1H30M", "P1D", "P1Y2M3DT4H5M6.5S", "P2W"]) assert.ok(isDuration(text), text);
  for (const text of ["", "P", "PT", "1H", "P1H", "PT1D"]) assert.ok(!isDuration(text), text);
});

test("a mismatch says where", () => {
  const point: Schema = {
    kind: "object",
    words: "an object",
    fields: [
      field("x", primitive("double"), true),
      field("tags", { kind: "array", of: primitive("string"), words: "an array" }),
    ],
  };
  assert.equal(check(point, { x: 1, tags: ["a"] }), null);
  assert.equal(check(point, { tags: [] }), "$.x is missing, and required");
  assert.equal(check(point, { x: 1, tags: ["a", 2] }), "$.tags[1] is not a string");
  assert.equal(check(point, { x: 1, y: 2 }), "$.y is no field of the model's object");
  assert.equal(check(point, []), "$ is not an object");
  const map: Schema = { kind: "map", of: primitive("boolean"), words: "an object used as a map" };
  assert.equal(check(map, { a: true, b: 1 }), "$.b is not a boolean");
});

test("enumerations and geometries", () => {
  const one: Schema = {
    kind: "enum",
    words: "one of 1",
    values: [{ name: "a", value: 1, displayName: null, description: null }],
  };
  assert.equal(check(one, 1), null);
  assert.equal(check(one, "1"), "$ is not one of 1");
  const point: Schema = { kind: "geospatial", type: "Point", words: "a GeoJSON Point" };
  assert.equal(check(point, { type: "Point", coordinates: [1, 2] }), null);
  assert.equal(check(point, { type: "Polygon", coordinates: [] }), "$ is not a GeoJSON Point");
});
