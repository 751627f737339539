import assert from "node:assert/strict";
import { test } from "node:test";
import { firstAtOrAfter, POINTS, Series, scale, summary, thin, ticks } from "../src/series.ts";

function filled(values: number[]): Series {
  const series = new Series();
  for (const [index, value] of values.entries()) series.add(index * 10, value);
  return series;
}

test("a series forgets its oldest points and keeps its order", () => {
  const series = new Series();
  for (let index = 0; index < 2 * POINTS; index += 1) series.add(index, index);
  assert.ok(series.times.length <= POINTS * 1.1 && series.times.length >= POINTS);
  assert.equal(series.latest, 2 * POINTS - 1);
  series.add(5, 1);
  assert.equal(series.times[series.times.length - 1], 2 * POINTS - 1, "time does not run backwards");
});

test("what is in sight reaches beyond both edges", () => {
  const series = filled([0, 1, 2, 3, 4, 5]);
  assert.deepEqual(series.within(20, 30), { from: 1, to: 4 });
  assert.deepEqual(series.within(-5, 100), { from: 0, to: 6 });
  assert.equal(firstAtOrAfter(series.times, 21), 3);
});

test("thinning keeps the lowest and highest of every pixel", () => {
  const values = Array.from({ length: 10_000 }, (_, index) => Math.sin(index / 50));
  values[5_000] = 100;
  values[5_001] = -100;
  const series = filled(values);
  const [xs, ys] = thin(series, 0, values.length, 200);
  assert.ok(xs.length <= 402 && xs.length > 200, String(xs.length));
  assert.ok(ys.includes(100) && ys.includes(-100));
  assert.deepEqual(
    xs,
    [...xs].sort((a, b) => a - b),
  );
});

test("all at one moment can be drawn", () => {
  const series = new Series();
  for (let index = 0; index < 5_000; index += 1) series.add(7, index);
  const [, ys] = thin(series, 0, 5_000, 100);
  assert.deepEqual(ys, [0, 4_999]);
});

test("the largest numbers make a finite scale with ticks on it", () => {
  const series = filled([1e308, -1e308, 5e-324]);
  const [, ys] = thin(series, 0, 3, 100);
  const [low, high] = scale(Math.min(...ys), Math.max(...ys));
  assert.ok(Number.isFinite(high - low) && low < high);
  for (const [min, max] of [
    [low, high],
    scale(0, 5e-324),
    scale(7, 7),
    scale(null, null),
    scale(1, 1 + Number.EPSILON),
  ]) {
    const marks = ticks(min as number, max as number);
    assert.ok(marks.length <= 8 && marks.every(Number.isFinite), `${min} ${max} ${marks}`);
  }
  assert.deepEqual(ticks(0, 10), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(ticks(20.1, 22.9), [21, 22]);
});

test("a mean does not overflow", () => {
  assert.deepEqual(summary(filled([1, 2, 6]), 0, 3), { low: 1, high: 6, mean: 3 });
  assert.equal(summary(filled([1.5e308, 1.5e308]), 0, 2)?.high, 1.5e308);
  assert.ok(Number.isFinite(summary(filled([1.5e308, 1.5e308]), 0, 2)?.mean));
  assert.equal(summary(filled([]), 0, 0), null);
});
