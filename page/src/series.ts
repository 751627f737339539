// The values of one telemetry over time, within bounds.

/** Most points kept of one series. */
export const POINTS = 20_000;

/** Beyond this a plot cannot subtract one end from the other; such values are drawn at its edge. */
const DRAWN = 8e307;

export class Series {
  readonly times: number[] = [];
  readonly values: number[] = [];

  /** Adds a value; one that is older than the last is drawn at its time. */
  add(at: number, value: number): void {
    const last = this.times[this.times.length - 1];
    this.times.push(last === undefined ? at : Math.max(last, at));
    this.values.push(value);
    if (this.times.length > POINTS * 1.1) {
      const gone = this.times.length - POINTS;
      this.times.splice(0, gone);
      this.values.splice(0, gone);
    }
  }

  /** Drops what is not before a time. */
  forgetFrom(at: number): void {
    const kept = firstAtOrAfter(this.times, at);
    this.times.length = kept;
    this.values.length = kept;
  }

  get latest(): number | undefined {
    return this.values[this.values.length - 1];
  }

  /** From the point before `min` to the one after `max`, so that lines reach the edges. */
  within(min: number, max: number): { from: number; to: number } {
    const from = Math.max(0, firstAtOrAfter(this.times, min) - 1);
    const to = Math.min(this.times.length, firstAtOrAfter(this.times, max) + 1);
    return { from, to };
  }
}

/** The index of the first time that is not before `at`. */
export function firstAtOrAfter(times: readonly number[], at: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What a plot of `width` pixels can show of a part of a series: at most the lowest and the highest of every pixel, in order. */
export function thin(series: Series, from: number, to: number, width: number): [number[], number[]] {
  const { times, values } = series;
  const drawn = (index: number) => Math.min(DRAWN, Math.max(-DRAWN, values[index] as number));
  const pixels = Math.max(1, Math.floor(width));
  if (to - from <= 4 * pixels) {
    const ys: number[] = [];
    for (let index = from; index < to; index += 1) ys.push(drawn(index));
    return [times.slice(from, to), ys];
  }
  const [xs, ys]: [number[], number[]] = [[], []];
  const take = (index: number) => {
    xs.push(times[index] as number);
    ys.push(drawn(index));
  };
  const [begin, end] = [times[from] as number, times[to - 1] as number];
  const step = (end - begin) / pixels || 1;
  let index = from;
  while (index < to) {
    const bucket = Math.floor(((times[index] as number) - begin) / step);
    let [low, high] = [index, index];
    while (index < to && Math.floor(((times[index] as number) - begin) / step) === bucket) {
      if (drawn(index) < drawn(low)) low = index;
      if (drawn(index) > drawn(high)) high = index;
      index += 1;
    }
    take(Math.min(low, high));
    if (low !== high) take(Math.max(low, high));
  }
  return [xs, ys];
}

/** The ends of a scale that holds these values with a little air; finite, and never empty. */
export function scale(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  if (min === max) {
    const air = Math.abs(min) * 0.05 || 1;
    return [min - air, max + air];
  }
  const air = (max / 2 - min / 2) * 0.16;
  return [Math.max(-DRAWN, min - air), Math.min(DRAWN, max + air)];
}

/** Round numbers between two ends, three to seven of them. */
export function ticks(min: number, max: number): number[] {
  const span = max - min;
  if (!(span > 0) || !Number.isFinite(span)) return [];
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = [1, 2, 5, 10].map((times) => times * power).find((step) => span / step <= 5.01) ?? 10 * power;
  const found: number[] = [];
  // By number and not by adding up, which a step too small for the values would never end.
  const first = Math.ceil(min / step);
  for (let index = 0; index < 8; index += 1) {
    const value = (first + index) * step;
    if (value > max || !Number.isFinite(value)) break;
    if (value !== found[found.length - 1]) found.push(Number(value.toPrecision(12)));
  }
  return found;
}

/** Lowest, highest and mean of a part of a series; null when there is nothing in it. */
export function summary(series: Series, from: number, to: number): { low: number; high: number; mean: number } | null {
  let [low, high, mean, count] = [Infinity, -Infinity, 0, 0];
  for (let index = from; index < to; index += 1) {
    const value = series.values[index] as number;
    low = Math.min(low, value);
    high = Math.max(high, value);
    count += 1;
    // Not a sum, which could leave what numbers there are.
    mean += value / count - mean / count;
  }
  return count === 0 ? null : { low, high, mean };
}
