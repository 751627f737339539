// The thermostat in a host that only remembers.

import { Thermostat } from "../src/thermostat.js";

/** 2026-01-01T00:00:00Z, in nanoseconds. */
export const BEGINNING = 1_767_225_600_000_000_000n;

/** What stands in place of the contract's imports, and the way to use it. */
export class Trial {
  nanoseconds = BEGINNING;
  settings = {};
  draws = [];
  /** The `send-error` that the next message or property is refused with. */
  refusal = null;
  #done = [];
  #timers = 0;

  host = {
    clock: {
      now: () => ({
        seconds: this.nanoseconds / 1_000_000_000n,
        nanoseconds: Number(this.nanoseconds % 1_000_000_000n),
      }),
    },
    config: { get: (key) => this.settings[key] ?? null },
    logging: { log: (level, message) => this.#done.push([level, message]) },
    properties: {
      acknowledge: ({ property, value, status, version }) => this.#queue("ack", property.name, value, status, version),
      report: ({ name }, value) => this.#queue(name, value),
    },
    random: { next: () => this.draws.shift() },
    telemetry: { send: ({ body }) => this.#queue("telemetry", JSON.parse(body)) },
    timers: {
      after: (milliseconds) => this.#timer("after", milliseconds),
      every: (milliseconds) => this.#timer("every", milliseconds),
    },
  };

  /** What the thermostat has done, in order, since this was last asked. */
  effects() {
    return this.#done.splice(0);
  }

  /** What the sensor reads next. */
  read(...temperatures) {
    this.draws = temperatures.map((temperature) => BigInt(temperature - 10));
  }

  start(reason = "power-on", state = null) {
    return Thermostat.start(this.host, reason, state);
  }

  /** A thermostat that reads these, whose start is not looked at. */
  powerOn(...temperatures) {
    this.read(...temperatures);
    const thermostat = this.start();
    thermostat.update([]);
    this.effects();
    return thermostat;
  }

  /** Lets time pass to the next reading. */
  measure(thermostat, seconds = 8n) {
    this.nanoseconds += seconds * 1_000_000_000n;
    thermostat.timerFired(this.#timers);
  }

  #queue(...effect) {
    if (this.refusal) {
      throw Object.assign(new Error("see payload"), { payload: this.refusal });
    }
    this.#done.push(effect);
  }

  #timer(kind, milliseconds) {
    this.#done.push([kind, milliseconds]);
    this.#timers += 1;
    return this.#timers;
  }
}

export function desired(value, { name = "targetTemperature", component = null } = {}) {
  return { property: { component, name }, value, version: 2n };
}

export function command(payload = null, { name = "getMaxMinReport", component = null } = {}) {
  return { id: "1", target: { component, name }, payload };
}
