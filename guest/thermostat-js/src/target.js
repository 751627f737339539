// The writable property targetTemperature.

import { memberName } from "./host.js";
import { fromNumber, present, toNumber } from "./json.js";

/** Degrees Celsius, while the cloud wants nothing else. */
const DEFAULT = 20;

/** The temperature the room should have, and whether the cloud has been told about the default. */
export class Target {
  #firstUpdateDone = false;

  constructor(inForce = DEFAULT) {
    this.inForce = inForce;
  }

  /**
   * Takes desired values and says how to answer each. The first update holds all there are: without a target among them
   * the default is in force, and is acknowledged unasked.
   */
  update(desired) {
    const answers = desired.some(isOurs) || this.#firstUpdateDone ? [] : [this.#default(0n)];
    this.#firstUpdateDone = true;
    for (const one of desired) {
      answers.push(isOurs(one) ? this.#set(one) : unknown(one));
    }
    return answers;
  }

  #set({ value: sent, version }) {
    const value = present(sent);
    if (value === null) {
      return this.#default(version);
    }
    const target = toNumber(value);
    if (target === null) {
      const refusal = "targetTemperature is a number of degrees Celsius; the value before it stays in force";
      return acknowledgement(fromNumber(this.inForce), 400, version, refusal);
    }
    this.inForce = target;
    // The words of the sample that users of this model know.
    return acknowledgement(value, 200, version, "Successfully executed patch");
  }

  #default(version) {
    this.inForce = DEFAULT;
    return acknowledgement(fromNumber(DEFAULT), 203, version, "the default is in force");
  }
}

function isOurs({ property: { component, name } }) {
  return component == null && name === "targetTemperature";
}

function acknowledgement(value, status, version, description) {
  return { property: { component: null, name: "targetTemperature" }, value, status, version, description };
}

function unknown({ property, value, version }) {
  const description = `this device has no writable property ${memberName(property)}`;
  return { property, value: present(value), status: 404, version, description };
}
