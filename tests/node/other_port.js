// For machines that keep port 443 for the administrator: what an SDK wants from there it gets from the port HTTPS_PORT. To be
// required before the SDK.
"use strict";

const { Socket } = require("net");

const connect = Socket.prototype.connect;
Socket.prototype.connect = function (...args) {
  // The arguments come as they are, or as the list that net.connect makes of them.
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (options && Number(options.port) === 443) {
    options.port = Number(process.env.HTTPS_PORT);
  }
  return connect.apply(this, args);
};
