import assert from "node:assert/strict";
import { test } from "node:test";
import { grown, LEAST, MOST, pan, pause, range, type Shown, zoom } from "../src/window.ts";

const live: Shown = { live: true, span: 1_000 };

test("what follows the present ends with it", () => {
  assert.deepEqual(range(live, 5_000), [4_000, 5_000]);
  assert.deepEqual(range(live, 6_000), [5_000, 6_000]);
});

test("the ends are whole milliseconds", () => {
  assert.deepEqual(range({ live: true, span: 1_000.4 }, 5_000), [4_000, 5_000]);
  assert.deepEqual(range({ live: false, min: 1.6, max: 9.4 }, 5_000), [2, 9]);
});

test("a plot grows with its device until it has its span", () => {
  const wanted: Shown = { live: true, span: 300_000 };
  assert.deepEqual(grown(wanted, 1_000_000, 999_000), { live: true, span: 20_000 });
  assert.deepEqual(grown(wanted, 1_000_000, 900_000), { live: true, span: 103_000 });
  assert.deepEqual(grown(wanted, 1_000_000, 0), wanted);
  assert.deepEqual(grown(wanted, 1_000_000, Infinity), wanted, "nothing yet");
  const still = pause(wanted, 1_000_000);
  assert.equal(grown(still, 2_000_000, 1_999_000), still);
});

test("what is paused stands still", () => {
  const still = pause(live, 5_000);
  assert.deepEqual(range(still, 9_000), [4_000, 5_000]);
});

test("panning stops at the present", () => {
  const back = pan(live, 5_000, -0.5);
  assert.deepEqual(range(back, 5_000), [3_500, 4_500]);
  assert.deepEqual(range(pan(back, 5_000, 10), 5_000), [4_000, 5_000]);
});

test("zooming keeps its place and has ends", () => {
  const still = pause({ live: true, span: 10_000 }, 100_000);
  assert.deepEqual(range(zoom(still, 100_000, 0.5, 0), 100_000), [90_000, 95_000]);
  assert.deepEqual(range(zoom(still, 100_000, 0.5, 1), 100_000), [95_000, 100_000]);
  assert.deepEqual(zoom(live, 0, 1e-9), { live: true, span: LEAST });
  assert.deepEqual(zoom(live, 0, 1e12), { live: true, span: MOST });
  const [, end] = range(zoom(still, 100_000, 4, 0), 100_000);
  assert.ok(end <= 100_000, "nobody sees the future");
});
