// JSON as the host hands it over: text, passed on as it was sent wherever that is possible.

/** Null, which the contract writes as no value at all, becomes none. */
export function present(text) {
  return text == null || JSON.parse(text) === null ? null : text;
}

/** The number that a text is; none when it is something else, or more than a number can hold. */
export function toNumber(text) {
  const value = JSON.parse(text);
  return Number.isFinite(value) ? value : null;
}

/** Without `.0` after a whole number. Above 2^53 with an exponent: as digits it would be taken for an exact integer. */
export function fromNumber(value) {
  return Math.abs(value) > 2 ** 53 ? value.toExponential() : String(value);
}

/** With `.0` after a whole number, for what the model calls a double. */
export function fromDouble(value) {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** The payload that says why a command was refused. */
export function message(text) {
  return JSON.stringify({ message: text });
}
