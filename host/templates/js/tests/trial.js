// The device in a host that only remembers.

import { Counter } from "../src/counter.js";

/** What stands in place of the contract's imports. */
export class Trial {
  /** The `send-error` that everything that is to be queued is refused with. */
  refusal = null;
  #done = [];

  host = {
    logging: { log: (level, message) => this.#done.push([level, message]) },
    properties: {
      acknowledge: ({ property, value, status, version }) => this.#queue("ack", property.name, value, status, version),
    },
    telemetry: { send: ({ body }) => this.#queue("telemetry", JSON.parse(body)) },
    timers: { every: (milliseconds) => this.#done.push(["every", milliseconds]) },
  };

  /** What the device has done, in order, since this was last asked. */
  effects() {
    return this.#done.splice(0);
  }

  start(saved = null) {
    return new Counter(this.host, saved);
  }

  /** One that has been told its desired values, of which there are none. */
  counter() {
    const counter = this.start();
    counter.update([]);
    this.effects();
    return counter;
  }

  #queue(...effect) {
    if (this.refusal) {
      throw Object.assign(new Error("see payload"), { payload: this.refusal });
    }
    this.#done.push(effect);
  }
}

export function desired(value, { name = "step", component = null } = {}) {
  return { property: { component, name }, value, version: 2n };
}

export function command(name, component = null) {
  return { id: "1", target: { component, name }, payload: null };
}

export function bytes(text) {
  return new TextEncoder().encode(text);
}
