// A device that counts: model {{model}}, in models/.
//
// Telemetry: `count`, every five seconds. `step` is writable: what is added each time, 1 by default. The command `reset`
// counts from 0 again and answers with the count it ended. Another instance goes on where the last one stopped.

import { restore, write } from "./state.js";

export const MODEL_ID = "{{model}}";

/** Milliseconds. */
const INTERVAL = 5000n;
export const DEFAULT_STEP = 1;
/** What DTDL calls an integer. */
const LOWEST_STEP = -(2 ** 31);
const HIGHEST_STEP = 2 ** 31 - 1;
/** Where counting stops, either way: numbers tell integers apart up to here. */
const FURTHEST = Number.MAX_SAFE_INTEGER;

/** The device, from its start on. */
export class Counter {
  #host;
  #state;
  #firstUpdateDone = false;

  constructor(host, saved) {
    this.#host = host;
    this.#state = this.#restored(saved) ?? { count: 0, step: DEFAULT_STEP };
    host.timers.every(INTERVAL);
  }

  update(desired) {
    // The first update holds all there are: without a step among them the default is in force.
    if (!this.#firstUpdateDone && !desired.some(isStep)) {
      this.#acknowledge(this.#takeDefault(0n));
    }
    this.#firstUpdateDone = true;
    for (const one of desired) {
      this.#acknowledge(isStep(one) ? this.#takeStep(one) : unknown(one));
    }
  }

  invoke({ target }) {
    if (target.component != null || target.name !== "reset") {
      const payload = JSON.stringify({ message: `this device has no command ${nameOf(target)}` });
      return { status: 404, payload };
    }
    const ended = this.#state.count;
    this.#state.count = 0;
    return { status: 200, payload: String(ended) };
  }

  /** Goes one step further and says so. */
  count() {
    const count = this.#state.count + this.#state.step;
    this.#state.count = Math.max(-FURTHEST, Math.min(FURTHEST, count));
    const body = JSON.stringify({ count: this.#state.count });
    this.#queue("a count", () => this.#host.telemetry.send({ component: null, body, properties: [] }));
  }

  save() {
    return write(this.#state);
  }

  /** Null for a state that cannot be used, which another version may have saved. */
  #restored(saved) {
    if (saved == null) {
      return null;
    }
    const state = restore(saved);
    if (state !== null && Math.abs(state.count) <= FURTHEST && LOWEST_STEP <= state.step && state.step <= HIGHEST_STEP) {
      return state;
    }
    this.#host.logging.log("warn", "the saved state cannot be read and is ignored");
    return null;
  }

  #takeStep({ value, version }) {
    if (value == null || value.trim() === "null") {
      // The cloud has removed it.
      return this.#takeDefault(version);
    }
    const step = toInteger(value);
    if (step === null || step < LOWEST_STEP || step > HIGHEST_STEP) {
      const refusal = `step is an integer from ${LOWEST_STEP} to ${HIGHEST_STEP}`;
      return answer(this.#state.step, 400, version, refusal);
    }
    this.#state.step = step;
    return answer(step, 200, version, null);
  }

  #takeDefault(version) {
    this.#state.step = DEFAULT_STEP;
    return answer(DEFAULT_STEP, 203, version, null);
  }

  #acknowledge(acknowledgement) {
    this.#queue("an acknowledgement", () => this.#host.properties.acknowledge(acknowledgement));
  }

  /** Hands something to the host; what the host refuses goes to the log. */
  #queue(what, queue) {
    try {
      queue();
    } catch (error) {
      this.#host.logging.log("warn", `${what} was not sent: ${why(error)}`);
    }
  }
}

function isStep({ property: { component, name } }) {
  return component == null && name === "step";
}

function answer(step, status, version, description) {
  return { property: { component: null, name: "step" }, value: String(step), status, version, description };
}

function unknown({ property, value, version }) {
  const description = `this device has no writable property ${nameOf(property)}`;
  return { property, value, status: 404, version, description };
}

/** Null for JSON that is anything else. 7.0 is no integer, though JavaScript cannot tell. */
function toInteger(text) {
  return /^\s*-?\d+\s*$/.test(text) ? Number(text) : null;
}

function nameOf({ component, name }) {
  return component == null ? name : `${component}.${name}`;
}

/** The words for a `send-error`, which an Error carries. Any other is this device's own mistake and goes on its way. */
function why(error) {
  const { tag, val } = error.payload ?? {};
  switch (tag) {
    case "outbox-full":
      return "the outbox is full";
    case "too-large":
      return `larger than the ${val} bytes the cloud takes`;
    case "invalid":
      return val;
    default:
      throw error;
  }
}
