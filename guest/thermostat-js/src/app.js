// The component: what the host calls, passed on to the thermostat.

import clock from "setpoint:device/clock@0.1.0";
import config from "setpoint:device/config@0.1.0";
import logging from "setpoint:device/logging@0.1.0";
import properties from "setpoint:device/properties@0.1.0";
import random from "setpoint:device/random@0.1.0";
import telemetry from "setpoint:device/telemetry@0.1.0";
import timers from "setpoint:device/timers@0.1.0";

import { message } from "./json.js";
import { ConfigError } from "./settings.js";
import { MODEL_ID, Thermostat } from "./thermostat.js";

const host = { clock, config, logging, properties, random, telemetry, timers };

/** The one of this component. There is none before a `start` has succeeded. */
let thermostat = null;

export const device = {
  modelId() {
    return MODEL_ID;
  },

  start(reason, state) {
    try {
      thermostat = Thermostat.start(host, reason, state);
    } catch (error) {
      // What is thrown here is the contract's error, a text; anything else ends the instance.
      throw error instanceof ConfigError ? error.message : error;
    }
  },

  update(desired) {
    thermostat?.update(desired);
  },

  invoke(command) {
    const notStarted = { status: 503, payload: message("the device has not started") };
    return { tag: "done", val: thermostat?.invoke(command) ?? notStarted };
  },

  /** The model has no use for messages. */
  receive() {},

  timerFired(timer) {
    thermostat?.timerFired(timer);
  },

  save() {
    return thermostat?.save() ?? null;
  },
};
