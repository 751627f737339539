// Times: nanoseconds since 1970 in UTC, as BigInt, and how RFC 3339 writes them.
//
// A Date knows milliseconds; the host's clock and its callers know more.

export const MILLISECOND = 1_000_000n;
export const SECOND = 1_000_000_000n;
export const DAY = 86_400n * SECOND;

// The years -262143 to 262142, in milliseconds: what the thermostat in Rust can tell from nonsense.
const FIRST = -8_334_601_228_800_000;
const LAST = 8_210_266_876_799_999;

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([-+\u2212])(\d\d):([0-5]\d))$/;

/** The host's time. A clock beyond all bounds is no better than none. */
export function now(host) {
  const { seconds, nanoseconds } = host.clock.now();
  return seconds <= BigInt(LAST) / 1000n ? seconds * SECOND + BigInt(nanoseconds) : 0n;
}

/** Milliseconds beyond all bounds never come from the clock; from a saved state they become 1970. */
export function bounded(milliseconds) {
  return FIRST <= milliseconds && milliseconds <= LAST ? milliseconds : 0;
}

/** Whole milliseconds, rounded down. */
export function toMilliseconds(nanoseconds) {
  return Number((nanoseconds - modulo(nanoseconds, MILLISECOND)) / MILLISECOND);
}

/** With as many decimals as it takes: none, three, six or nine. */
export function toRfc3339(nanoseconds) {
  const date = new Date(toMilliseconds(nanoseconds));
  const year = date.getUTCFullYear();
  const digits = String(Math.abs(year)).padStart(4, "0");
  const sign = year < 0 ? "-" : year > 9999 ? "+" : "";
  const [month, day] = [date.getUTCMonth() + 1, date.getUTCDate()].map(two);
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":");
  const decimals = String(modulo(nanoseconds, SECOND)).padStart(9, "0").replace(/(000)+$/, "");
  return `${sign}${digits}-${month}-${day}T${time}${decimals && `.${decimals}`}Z`;
}

/** Throws a RangeError, which says why it is no such time. */
export function fromRfc3339(text) {
  const match = RFC3339.exec(text);
  if (!match) {
    throw new RangeError("it is not written like that");
  }
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  // Not with Date.UTC, which takes the year 26 for 1926.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) {
    throw new RangeError("there is no such day");
  }
  const offset = Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0);
  // A leap second is the first one of the next minute.
  if (hour > 23 || minute > 59 || second > 60 || offset >= 24 * 60) {
    throw new RangeError("there is no such time of day");
  }
  const minutes = hour * 60 + minute - (match[8] === "+" ? offset : -offset);
  const seconds = BigInt(date.getTime() / 1000 + minutes * 60 + second);
  return seconds * SECOND + BigInt((match[7] ?? "").padEnd(9, "0").slice(0, 9));
}

function two(number) {
  return String(number).padStart(2, "0");
}

/** Never below zero, as `%` is for what was before 1970. */
function modulo(dividend, divisor) {
  return ((dividend % divisor) + divisor) % divisor;
}
