// The device: what happens when it starts, and then on each event. It behaves as guest/thermostat does, which is written
// in Rust.

import { MILLISECOND, now, toMilliseconds } from "./clock.js";
import { attempt, memberName, randomIn } from "./host.js";
import { fromNumber, message } from "./json.js";
import { answer } from "./report.js";
import { readSettings } from "./settings.js";
import { Unreadable, read, write } from "./state.js";
import { Target } from "./target.js";
import { Window } from "./window.js";

export const MODEL_ID = "dtmi:com:example:Thermostat;1";

/** What the sample this device follows reports before it has measured anything. */
const FIRST_MAXIMUM = 10.96;

/** Measures every so often, keeps what it measured, and takes the temperature the room should have. */
export class Thermostat {
  #host;
  #interval;
  #readings;
  #maximum;
  /** What the cloud knows. Behind the maximum after a report that could not be queued: the next reading tries again. */
  #reportedMaximum = null;
  #target;
  /** When to measure, and whether that comes only once: when the instance before this one would have measured. */
  #timer = null;
  #takesOver = false;

  constructor(host, { interval, window }, before) {
    this.#host = host;
    this.#interval = interval;
    this.#readings = before?.readings ?? new Window(window);
    this.#maximum = before?.maximum ?? FIRST_MAXIMUM;
    this.#target = new Target(before?.target);
  }

  /** Throws a ConfigError when a configured value is out of its range. */
  static start(host, reason, state) {
    const settings = readSettings(host);
    const thermostat = new Thermostat(host, settings, predecessor(host, reason, state, settings));
    thermostat.#reportMaximum();
    const delay = thermostat.#untilDue();
    if (delay > 0n) {
      thermostat.#takesOver = true;
      thermostat.#timer = host.timers.after(roundedUp(delay));
    } else {
      thermostat.#beginRhythm();
      thermostat.#measure();
    }
    return thermostat;
  }

  update(desired) {
    for (const acknowledgement of this.#target.update(desired)) {
      attempt(this.#host, "an acknowledgement", () => this.#host.properties.acknowledge(acknowledgement));
    }
  }

  invoke({ target, payload }) {
    if (target.component == null && target.name === "getMaxMinReport") {
      return answer(this.#readings, payload, now(this.#host));
    }
    return { status: 404, payload: message(`this device has no command ${memberName(target)}`) };
  }

  timerFired(timer) {
    if (timer !== this.#timer) {
      return;
    }
    if (this.#takesOver) {
      this.#takesOver = false;
      this.#beginRhythm();
    }
    this.#measure();
  }

  save() {
    return write({ maximum: this.#maximum, target: this.#target.inForce, readings: this.#readings });
  }

  #beginRhythm() {
    this.#timer = this.#host.timers.every(roundedUp(this.#interval));
  }

  /** Nanoseconds until the next reading is due, by the rhythm of the readings so far. 0 or less: now. */
  #untilDue() {
    const newest = this.#readings.newest;
    if (newest === undefined) {
      return 0n;
    }
    const sinceLast = now(this.#host) - BigInt(newest) * MILLISECOND;
    return sinceLast < 0n ? 0n : this.#interval - sinceLast;
  }

  #measure() {
    const temperature = randomIn(this.#host, 10, 49);
    this.#readings.push(toMilliseconds(now(this.#host)), temperature);
    const body = JSON.stringify({ temperature });
    attempt(this.#host, "a temperature", () => this.#host.telemetry.send({ component: null, body, properties: [] }));
    this.#maximum = Math.max(this.#maximum, temperature);
    this.#reportMaximum();
  }

  #reportMaximum() {
    const maximum = this.#maximum;
    if (this.#reportedMaximum === maximum) {
      return;
    }
    const property = { component: null, name: "maxTempSinceLastReboot" };
    if (attempt(this.#host, "the maximum", () => this.#host.properties.report(property, fromNumber(maximum)))) {
      this.#reportedMaximum = maximum;
    }
  }
}

/** What the instance saved that this one takes over from, if it does. */
function predecessor(host, reason, state, { window }) {
  if (state == null || !["replaced", "resumed"].includes(reason)) {
    return null;
  }
  try {
    return read(state, window);
  } catch (error) {
    if (!(error instanceof Unreadable)) {
      throw error;
    }
    host.logging.log("warn", `the saved state cannot be read and is ignored: ${error.message}`);
    return null;
  }
}

/** What timers count in: milliseconds. */
function roundedUp(nanoseconds) {
  return (nanoseconds + MILLISECOND - 1n) / MILLISECOND;
}
