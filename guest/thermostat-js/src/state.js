// What one instance hands to the next, whatever language that one is written in: JSON, in UTF-8. QuickJS has neither
// TextEncoder nor TextDecoder.

import { bounded } from "./clock.js";
import { Window } from "./window.js";

/** A later version of the thermostat may save more, under another number; this one reads only its own. */
const VERSION = 1;

/** Characters of a text that are made in one call, which takes its arguments from a stack of limited size. */
const CHUNK = 4096;

/** Says what is wrong with a saved state. */
export class Unreadable extends Error {}

/** Times are differences in milliseconds, which are short and alike: the first is since 1970. */
export function write({ maximum, target, readings: { times, temperatures } }) {
  const differences = times.map((at, index) => at - (index ? times[index - 1] : 0));
  return ascii(JSON.stringify({ version: VERSION, maximum, target, times: differences, temperatures }));
}

/** Takes the last `size` readings. Throws Unreadable. */
export function read(saved, size) {
  const { version, maximum, target, times, temperatures } = parse(saved);
  if (version !== VERSION) {
    throw new Unreadable(`it is of version ${version}, not ${VERSION}`);
  }
  if (!Number.isFinite(maximum) || !Number.isFinite(target)) {
    throw new Unreadable("its temperatures are no numbers");
  }
  if (!areIntegers(times, -(2 ** 63), 2 ** 63) || !areIntegers(temperatures, 0, 255)) {
    throw new Unreadable("its readings are no integers of their range");
  }
  if (times.length !== temperatures.length) {
    throw new Unreadable(`${times.length} times for ${temperatures.length} readings`);
  }
  let at = 0;
  const since1970 = times.map((difference) => bounded((at += difference)));
  return { maximum, target, readings: new Window(size, since1970, temperatures) };
}

function parse(saved) {
  try {
    const state = JSON.parse(text(saved));
    if (state !== null && typeof state === "object") {
      return state;
    }
  } catch (error) {
    // Null is what QuickJS throws when memory runs out.
    throw new Unreadable(error === null ? "it does not fit into memory" : error.message);
  }
  throw new Unreadable("it is no object");
}

function areIntegers(values, lowest, highest) {
  return (
    Array.isArray(values) &&
    values.every((value) => Number.isInteger(value) && lowest <= value && value <= highest)
  );
}

/** What is written here is ASCII. */
function ascii(text) {
  const bytes = new Uint8Array(text.length);
  for (let index = 0, length = text.length; index < length; index++) {
    bytes[index] = text.charCodeAt(index);
  }
  return bytes;
}

/** What is read may be anything. Throws a URIError for what is not UTF-8. */
function text(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += CHUNK) {
    text += String.fromCharCode.apply(null, bytes.subarray(start, start + CHUNK));
  }
  // One character for each byte so far. As `%xx` they are what decodeURIComponent takes for UTF-8.
  const escaped = (byte) => `%${byte.charCodeAt(0).toString(16)}`;
  return /[\x80-\xff]/.test(text) ? decodeURIComponent(text.replace(/[%\x80-\xff]/g, escaped)) : text;
}
