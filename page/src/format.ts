// Values as people read them.

const UNITS: Record<string, string> = {
  degreeCelsius: "°C",
  degreeFahrenheit: "°F",
  kelvin: "K",
  percent: "%",
  kibibyte: "KiB",
  mebibyte: "MiB",
  gibibyte: "GiB",
  byte: "B",
  kilobyte: "kB",
  megabyte: "MB",
  second: "s",
  millisecond: "ms",
  minute: "min",
  hour: "h",
  metre: "m",
  millimetre: "mm",
  centimetre: "cm",
  kilometre: "km",
  metrePerSecond: "m/s",
  kilometrePerHour: "km/h",
  metrePerSecondSquared: "m/s²",
  volt: "V",
  ampere: "A",
  milliampere: "mA",
  watt: "W",
  kilowatt: "kW",
  kilowattHour: "kWh",
  hertz: "Hz",
  pascal: "Pa",
  kilopascal: "kPa",
  bar: "bar",
  millibar: "mbar",
  lux: "lx",
  lumen: "lm",
  newton: "N",
  litre: "l",
  millilitre: "ml",
  kilogram: "kg",
  gram: "g",
  degreeOfArc: "°",
  revolutionPerMinute: "rpm",
  decibel: "dB",
};

/** A DTDL unit as it stands behind a number; one that is not known, as it is. */
export function unit(name: string | null | undefined): string {
  return name ? (UNITS[name] ?? name) : "";
}

/** A number in at most so many digits. */
export function number(value: number, digits = 7): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) return value.toExponential(3).replace(/\.?0+e/, "e");
  return String(Number(value.toPrecision(digits)));
}

/** How long ago something was, in one unit. */
export function ago(at: number | null, now: number): string {
  if (at === null) return "never";
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 2) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

const two = (value: number) => String(value).padStart(2, "0");

/** The time of day here, to the second or to the millisecond. */
export function clock(at: number, milliseconds = false): string {
  const time = new Date(at);
  const text = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return milliseconds ? `${text}.${String(time.getMilliseconds()).padStart(3, "0")}` : text;
}

/** The time of day as an axis of `span` milliseconds shows it. */
export function tick(at: number, span: number): string {
  const time = new Date(at);
  if (span > 2 * 86_400_000) return `${two(time.getDate())}.${two(time.getMonth() + 1)}.`;
  const text = `${two(time.getHours())}:${two(time.getMinutes())}`;
  return span > 10 * 60_000 ? text : `${text}:${two(time.getSeconds())}`;
}

/** A number of bytes. */
export function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  if (size < 1024 * 1024) return `${number(Math.round(size / 102.4) / 10)} KB`;
  return `${number(Math.round(size / 104_857.6) / 10)} MB`;
}

/** The last part of a model's identifier, with its version: `Thermostat;1`. */
export function shortModel(id: string): string {
  return id.slice(id.lastIndexOf(":") + 1);
}

/** JSON over several lines if it is JSON, otherwise the text. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** A value in one line, no longer than `limit` characters. */
export function inline(value: unknown, limit = 200): string {
  const text = value === undefined ? "" : JSON.stringify(value);
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}

/** A file name out of what a device is called. */
export function fileName(id: string): string {
  return id.replace(/[^A-Za-z0-9._-]/g, "_").replace(/^\.+/, "_");
}
