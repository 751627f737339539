// What a service does over AMQP with Microsoft's own SDKs for Node, unmodified, against the emulator. Run as scenarios.js is.
"use strict";

const readline = require("readline");

const { EventHubConsumerClient, earliestEventPosition } = require("@azure/event-hubs");
const { Message } = require("azure-iot-common");
const { Client } = require("azure-iot-device");
const { Mqtt } = require("azure-iot-device-mqtt");
const { Client: ServiceClient } = require("azure-iothub");

// Seconds in which all must have come; long, because machines that run tests are busy.
const PATIENCE = 100;

// A message for a device, and what became of it.
const feedback = async ({ hub, deviceId, key }) => {
  const device = Client.fromConnectionString(`HostName=${hub};DeviceId=${deviceId};SharedAccessKey=${key}`, Mqtt);
  await device.open();
  const received = new Promise((resolve) =>
    device.on("message", (message) => device.complete(message, () => resolve(message.data.toString()))),
  );
  const service = ServiceClient.fromConnectionString(process.env.IOTHUB_CONNECTION_STRING);
  await service.open();
  const receiver = await new Promise((resolve, reject) =>
    service.getFeedbackReceiver((error, receiver) => (error ? reject(error) : resolve(receiver))),
  );
  let deliveries = 0;
  const completed = new Promise((resolve) =>
    receiver.on("message", (message) => {
      deliveries += 1;
      // The first time it is given back, and comes again.
      if (deliveries === 1) receiver.abandon(message, () => {});
      else receiver.complete(message, () => resolve(message));
    }),
  );
  const message = new Message("look");
  message.ack = "full";
  message.messageId = "m-1";
  await service.send(deviceId, message);
  const body = await received;
  const told = await completed;
  await service.close();
  await device.close();
  return { body, deliveries, type: told.contentType, records: JSON.parse(told.getData().toString()) };
};

// What devices sent, from the beginning.
const events = async ({ count }) => {
  const client = new EventHubConsumerClient("$Default", process.env.EVENTHUB_CONNECTION_STRING);
  const seen = [];
  const all = new Promise((resolve, reject) =>
    client.subscribe(
      {
        processEvents: async (events) => {
          seen.push(...events);
          if (seen.length >= count) resolve();
        },
        processError: async (error) => reject(error),
      },
      { startPosition: earliestEventPosition },
    ),
  );
  await all;
  await client.close();
  return seen.map(({ body, properties, systemProperties, sequenceNumber }) => ({
    body,
    properties,
    device: systemProperties["iothub-connection-device-id"],
    sequence: sequenceNumber,
  }));
};

const SCENARIOS = { feedback, events };

// A scenario that hangs is ended, whatever the SDK waits for.
setTimeout(() => {
  console.error(`no end after ${PATIENCE} s`);
  process.exit(1);
}, 1000 * PATIENCE).unref();

readline.createInterface({ input: process.stdin }).once("line", async (line) => {
  try {
    console.log(JSON.stringify(await SCENARIOS[process.argv[2]](JSON.parse(line))));
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
});
