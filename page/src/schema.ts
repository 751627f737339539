// What fits a type of data. The emulator checks again, and its word counts; this is for who is still typing.

import type { Schema } from "./model.ts";

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;
const DURATION =
  /^-?P(?=.)(\d+(\.\d+)?Y)?(\d+(\.\d+)?M)?(\d+(\.\d+)?W)?(\d+(\.\d+)?D)?(T(?=\d)(\d+(\.\d+)?H)?(\d+(\.\d+)?M)?(\d+(\.\d+)?S)?)?$/;
const INTEGER = /^-?\d+$/;
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

const RANGES: Record<string, [bigint, bigint]> = {
  integer: [-(2n ** 31n), 2n ** 31n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
};

/** Whether a text is a day that the calendar has. */
export function isDate(text: string): boolean {
  const parts = DATE.exec(text);
  if (!parts) return false;
  const [year, month, day] = parts.slice(1).map(Number) as [number, number, number];
  const time = new Date(Date.UTC(year, month - 1, day));
  return time.getUTCMonth() === month - 1 && time.getUTCDate() === day;
}

/** Whether a text is a time with its distance from UTC. */
export function isTime(text: string): boolean {
  return TIME.test(text);
}

/** Whether a text is a moment with its distance from UTC. */
export function isDateTime(text: string): boolean {
  return isDate(text.slice(0, 10)) && /^[Tt]$/.test(text.charAt(10)) && isTime(text.slice(11));
}

/** Whether a text is a length of time. */
export function isDuration(text: string): boolean {
  return DURATION.test(text) && /\d/.test(text);
}

/** What a text typed for a number type is as JSON, digit for digit; or why it is none. */
export function readNumber(type: string, text: string): { json: string } | { error: string } {
  const typed = text.trim();
  const range = RANGES[type];
  if (range) {
    if (!INTEGER.test(typed)) return { error: "A whole number is needed." };
    const value = BigInt(typed);
    const [least, most] = range;
    if (value < least || value > most) return { error: `It must be from ${least} to ${most}.` };
    return { json: value.toString() };
  }
  if (!NUMBER.test(typed)) return { error: "A number is needed, such as 21.5." };
  const limit = type === "float" ? 3.4028234663852886e38 : Number.MAX_VALUE;
  if (!(Math.abs(Number(typed)) <= limit)) return { error: "This number is too large." };
  return { json: typed.replace(/^(-?)0+(?=\d)/, "$1") };
}

/** Why a value does not fit, with the place in it; null if it does. */
export function check(schema: Schema, value: unknown, path = "$"): string | null {
  const wrong = () => `${path} is not ${schema.words}`;
  switch (schema.kind) {
    case "primitive":
      return fits(schema.type, value) ? null : wrong();
    case "enum":
      return schema.values.some((one) => one.value === value) ? null : wrong();
    case "array":
      if (!Array.isArray(value)) return wrong();
      return first(value.map((item, index) => () => check(schema.of, item, `${path}[${index}]`)));
    case "map":
      if (!isObject(value)) return wrong();
      return first(
        Object.entries(value).map(
          ([name, item]) =>
            () =>
              check(schema.of, item, `${path}.${name}`),
        ),
      );
    case "object": {
      if (!isObject(value)) return wrong();
      const unknown = Object.keys(value).find((name) => !schema.fields.some((field) => field.name === name));
      if (unknown !== undefined) return `${path}.${unknown} is no field of the model's object`;
      return first(
        schema.fields.map((field) => () => {
          const item = value[field.name];
          if (item !== undefined) return check(field.schema, item, `${path}.${field.name}`);
          return field.required ? `${path}.${field.name} is missing, and required` : null;
        }),
      );
    }
    case "geospatial":
      return isObject(value) && value.type === schema.type && Array.isArray(value.coordinates) ? null : wrong();
  }
}

function first(checks: (() => string | null)[]): string | null {
  for (const one of checks) {
    const found = one();
    if (found !== null) return found;
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fits(type: string, value: unknown): boolean {
  switch (type) {
    case "boolean":
      return typeof value === "boolean";
    case "integer":
      return Number.isInteger(value) && Math.abs(value as number) <= 2 ** 31;
    case "long":
      return Number.isInteger(value);
    case "double":
    case "float":
      return typeof value === "number" && Number.isFinite(value);
    case "date":
      return typeof value === "string" && isDate(value);
    case "dateTime":
      return typeof value === "string" && isDateTime(value);
    case "time":
      return typeof value === "string" && isTime(value);
    case "duration":
      return typeof value === "string" && isDuration(value);
    default:
      return typeof value === "string";
  }
}
