// What the operator may set.

import { DAY } from "./clock.js";

/** As often as the sample measures, in seconds. */
const DEFAULT_INTERVAL = "8";
/** An hour of readings at the default interval. */
const DEFAULT_WINDOW = "450";
/** A megabyte and a half of readings. */
const LARGEST_WINDOW = 100_000;

// White space around them is ASCII's.
const DECIMAL = /^[ \t\n\f\r]*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[ \t\n\f\r]*$/;
const INTEGER = /^[ \t\n\f\r]*\+?(\d+)[ \t\n\f\r]*$/;

/** Names the value that is out of its range. */
export class ConfigError extends Error {}

/**
 * Nanoseconds between two readings, and readings kept, at least one. Throws a ConfigError for the first value that is
 * out of its range.
 */
export function readSettings({ config }) {
  return {
    interval: interval(config.get("interval") ?? DEFAULT_INTERVAL),
    window: window(config.get("window") ?? DEFAULT_WINDOW),
  };
}

function interval(text) {
  const nanoseconds = Math.floor(Number(DECIMAL.exec(text)?.[1]) * 1e9 + 0.5);
  // No comparison holds for what is no number.
  if (!(nanoseconds >= 1 && nanoseconds <= Number(DAY))) {
    const quoted = JSON.stringify(text);
    throw new ConfigError(`config interval is a number of seconds above 0 and at most 86400, not ${quoted}`);
  }
  return BigInt(nanoseconds);
}

function window(text) {
  const readings = Number(INTEGER.exec(text)?.[1]);
  if (!(readings >= 1 && readings <= LARGEST_WINDOW)) {
    const quoted = JSON.stringify(text);
    throw new ConfigError(`config window is a number of readings from 1 to ${LARGEST_WINDOW}, not ${quoted}`);
  }
  return readings;
}
