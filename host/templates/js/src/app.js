// The component: what the host calls, passed on to the device.

import logging from "setpoint:device/logging@0.1.0";
import properties from "setpoint:device/properties@0.1.0";
import telemetry from "setpoint:device/telemetry@0.1.0";
import timers from "setpoint:device/timers@0.1.0";

import { Counter, MODEL_ID } from "./counter.js";

/** The one device of this component. Nothing is called before `start` but `modelId`. */
let counter;

export const device = {
  modelId() {
    return MODEL_ID;
  },

  start(reason, state) {
    counter = new Counter({ logging, properties, telemetry, timers }, state);
  },

  update(desired) {
    counter.update(desired);
  },

  invoke(command) {
    return { tag: "done", val: counter.invoke(command) };
  },

  /** The model has no use for messages. */
  receive() {},

  timerFired() {
    counter.count();
  },

  save() {
    return counter.save();
  },
};
