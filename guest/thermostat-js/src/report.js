// The command getMaxMinReport.

import { MILLISECOND, fromRfc3339, toMilliseconds, toRfc3339 } from "./clock.js";
import { fromDouble, message, present } from "./json.js";

/** Why there is no report: a text for whoever called. */
class Refusal extends Error {}

/**
 * 200 with the report; 400 for a payload that is neither absent, empty nor an RFC 3339 time; 404 when no reading is
 * kept from that time on, which a time to come always is.
 */
export function answer(readings, payload, now) {
  let since;
  try {
    since = sinceOf(payload);
  } catch (error) {
    if (error instanceof Refusal) {
      return { status: 400, payload: message(error.message) };
    }
    throw error;
  }
  // Readings are kept to the millisecond: none lies between a time and the next full one.
  const summary = readings.since(since === null ? -Infinity : toMilliseconds(since + MILLISECOND - 1n));
  if (!summary) {
    return { status: 404, payload: message(nothingKept(readings, since)) };
  }
  const { mean, highest, lowest, oldest } = summary;
  // No finer than the readings.
  const [startTime, endTime] = [oldest, toMilliseconds(now)].map(rfc3339);
  const report =
    `{"avgTemp":${fromDouble(mean)},"endTime":"${endTime}",` +
    `"maxTemp":${highest},"minTemp":${lowest},"startTime":"${startTime}"}`;
  return { status: 200, payload: report };
}

/** When the report begins, in nanoseconds since 1970. None: with the oldest reading. */
function sinceOf(payload) {
  const takes = "getMaxMinReport takes an RFC 3339 date and time";
  const text = present(payload) === null ? "" : JSON.parse(payload);
  if (typeof text !== "string") {
    throw new Refusal(`${takes} in a string, or nothing: it is no string`);
  }
  if (/\p{Surrogate}/u.test(text)) {
    throw new Refusal(`${takes} in a string, or nothing: it has half a character in it`);
  }
  if (text === "") {
    return null;
  }
  try {
    return fromRfc3339(text);
  } catch (error) {
    // A payload may be as large as an answer, and then leaves no room for one around it.
    const quoted = JSON.stringify([...text].slice(0, 80).join(""));
    throw new Refusal(`${takes} such as 2026-01-31T12:00:00Z, not ${quoted}: ${error.message}`);
  }
}

function nothingKept(readings, since) {
  if (since === null || readings.newest === undefined) {
    return "there is no reading yet";
  }
  return `there is no reading since ${toRfc3339(since)}; the last one is of ${rfc3339(readings.newest)}`;
}

function rfc3339(milliseconds) {
  return toRfc3339(BigInt(milliseconds) * MILLISECOND);
}
