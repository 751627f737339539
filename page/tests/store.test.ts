import assert from "node:assert/strict";
import { test } from "node:test";
import { EVENTS, type Happening, SERIES, Watched } from "../src/store.ts";

const telemetry = (n: number, numbers: Record<string, number>): Happening => ({
  n,
  at: 1_000 + n,
  kind: "telemetry",
  text: "{}",
  numbers,
});

test("a device can send without end, and the page holds an end of it", () => {
  const watched = new Watched("d");
  for (let n = 0; n < 2 * EVENTS; n += 1) watched.add([telemetry(n, { [`name${n}`]: n, t: n })]);
  assert.equal(watched.events.length, EVENTS);
  assert.equal(watched.series.size, SERIES);
  assert.ok(watched.others.size > 0 && watched.others.size <= 1_000);
  assert.equal(watched.next, 2 * EVENTS);
  assert.equal(watched.series.get("t")?.latest, 2 * EVENTS - 1);
});

test("names of what every object has are names like others", () => {
  const watched = new Watched("d");
  watched.add([telemetry(0, JSON.parse('{"__proto__": 1, "constructor": 2}') as Record<string, number>)]);
  assert.deepEqual([...watched.series.keys()], ["__proto__", "constructor"]);
});

test("another emulator that tells the past again has it told once", () => {
  const watched = new Watched("d");
  watched.add([0, 1, 2, 3].map((n) => telemetry(n, { t: n })));
  watched.restart();
  assert.equal(watched.next, 0);
  watched.add([2, 3, 4].map((n) => telemetry(n, { t: n })));
  assert.deepEqual(watched.series.get("t")?.values, [0, 1, 2, 3, 4]);
  assert.equal(watched.events.length, 5);
  watched.add([telemetry(5, { t: 5 })]);
  assert.deepEqual(watched.series.get("t")?.values, [0, 1, 2, 3, 4, 5]);
});

test("an answer that is late hides nothing that is newer", () => {
  const twin = (desired: number, reported: number) => ({
    properties: { desired: { $version: desired }, reported: { $version: reported } },
  });
  const watched = new Watched("d");
  const [asked, reported, next] = [twin(2, 1), twin(2, 2), twin(3, 2)];
  watched.answered(asked);
  assert.equal(watched.twin, asked);
  watched.twin = reported;
  watched.answered(asked);
  assert.equal(watched.twin, reported);
  watched.answered(next);
  assert.equal(watched.twin, next);
});
