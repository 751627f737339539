// Which part of time the plots show. Pure: the same for the mouse, fingers and keys.

/** Follows the present, or stands still. */
export type Shown = { live: true; span: number } | { live: false; min: number; max: number };

export const MINUTE = 60_000;

/** The least and the most that can be seen at once, in milliseconds. */
export const LEAST = 1_000;
export const MOST = 7 * 24 * 60 * MINUTE;

/** The ends of what is shown, in whole milliseconds: of a part of one, uPlot makes ticks that are a second early. */
export function range(shown: Shown, now: number): [number, number] {
  const [min, max] = shown.live ? [now - shown.span, now] : [shown.min, shown.max];
  return [Math.round(min), Math.round(max)];
}

/** The least that is shown of a device that has just begun. */
const BEGINNING = 20_000;

/** What follows the present does not begin long before there is anything: a plot grows until it has its whole span. */
export function grown(shown: Shown, now: number, earliest: number): Shown {
  if (!shown.live || earliest > now) return shown;
  const span = Math.max(BEGINNING, (now - earliest) * 1.03);
  return { live: true, span: Math.min(shown.span, span) };
}

/** Stands still with what is seen now. */
export function pause(shown: Shown, now: number): Shown {
  const [min, max] = range(shown, now);
  return { live: false, min, max };
}

/** Moves by a part of what is seen, forward if it is positive. Nobody sees the future: its beginning is the present. */
export function pan(shown: Shown, now: number, part: number): Shown {
  const [min, max] = range(shown, now);
  const span = max - min;
  const end = Math.min(max + part * span, now);
  return { live: false, min: end - span, max: end };
}

/** Shows `factor` times as much, around the place `at` of the width: 0 is the left end. While following, the right end stays. */
export function zoom(shown: Shown, now: number, factor: number, at = 0.5): Shown {
  const [min, max] = range(shown, now);
  const span = Math.min(MOST, Math.max(LEAST, (max - min) * factor));
  if (shown.live) return { live: true, span };
  const around = min + (max - min) * at;
  const end = Math.min(around + span * (1 - at), now);
  return { live: false, min: end - span, max: end };
}
