// What a device and an operator do with Microsoft's own SDKs for Node, unmodified, against the emulator: the scenarios of
// ../python/scenarios.py, which says how they are run and what they answer. The emulator's authority comes from
// NODE_EXTRA_CA_CERTS.
"use strict";

const fs = require("fs");
const readline = require("readline");

const { NoRetry } = require("azure-iot-common");
const { Client, Message, ModuleClient, SharedAccessKeyAuthenticationProvider } = require("azure-iot-device");
const { Mqtt, MqttWs } = require("azure-iot-device-mqtt");
const { ProvisioningDeviceClient } = require("azure-iot-provisioning-device");
const provisioning = require("azure-iot-provisioning-device-mqtt");
const { SymmetricKeySecurityClient } = require("azure-iot-security-symmetric-key");
const { X509Security } = require("azure-iot-security-x509");
const { Client: ServiceClient, Registry } = require("azure-iothub");

const MODEL = "dtmi:com:example:Thermostat;1";

// Seconds to wait for what must come; long, because machines that run tests are busy.
const PATIENCE = 30;

// Of the life of a token, and of what is left of it when it is renewed.
const SHORT_LIVED = { seconds: 6, margin: 3 };

const certificate = (task) => ({
  cert: fs.readFileSync(task.certificate, "utf8"),
  key: fs.readFileSync(task.privateKey, "utf8"),
});

const provision = async (task) => {
  const { deviceId, dps } = task;
  const security =
    "key" in task ? new SymmetricKeySecurityClient(deviceId, task.key) : new X509Security(deviceId, certificate(task));
  const transport = task.transport === "websockets" ? new provisioning.MqttWs() : new provisioning.Mqtt();
  const client = ProvisioningDeviceClient.create(dps.endpoint, dps.idScope, transport, security);
  client.setProvisioningPayload({ modelId: MODEL });
  return client.register();
};

const transportOf = (task) => (task.transport === "websockets" ? MqttWs : Mqtt);

const deviceClient = async (task, hub, deviceId) => {
  const proof = "key" in task ? `SharedAccessKey=${task.key}` : "x509=true";
  const string = task.connectionString ?? `HostName=${hub};DeviceId=${deviceId};${proof}`;
  const client = Client.fromConnectionString(string, transportOf(task));
  const options = "key" in task ? { modelId: MODEL } : { modelId: MODEL, ...certificate(task) };
  await client.setOptions(options);
  return client;
};

const connectedClient = async (task) => {
  const client = await deviceClient(task, task.hub, task.deviceId);
  await client.open();
  return client;
};

const registryClient = () => Registry.fromConnectionString(process.env.IOTHUB_CONNECTION_STRING);

// What comes, one after another, for whoever waits for it.
const queue = () => {
  const [come, waiting] = [[], []];
  return {
    put: (item) => (waiting.length ? waiting.shift()(item) : come.push(item)),
    get: () => (come.length ? Promise.resolve(come.shift()) : new Promise((resolve) => waiting.push(resolve))),
  };
};

const desire = (registry, deviceId, targetTemperature) =>
  registry.updateTwin(deviceId, { properties: { desired: { targetTemperature } } }, "*");

const call = async (...identity) => {
  const service = ServiceClient.fromConnectionString(process.env.IOTHUB_CONNECTION_STRING);
  const { result } = await service.invokeDeviceMethod(...identity, {
    methodName: "getMaxMinReport",
    payload: "2026-01-01T00:00:00Z",
    responseTimeoutInSeconds: PATIENCE,
    connectTimeoutInSeconds: PATIENCE,
  });
  return { status: result.status, payload: result.payload };
};

const answerMethods = (client) =>
  client.onDeviceMethod("getMaxMinReport", (request, response) =>
    response.send(201, { asked: request.payload, by: request.methodName }, () => {}),
  );

const report = (twin, patch) =>
  new Promise((resolve, reject) =>
    twin.properties.reported.update(patch, (error) => (error ? reject(error) : resolve())),
  );

const patchesOf = (twin) => {
  const patches = queue();
  twin.on("properties.desired", (delta) => {
    // The twin as it was read comes first, and it has none.
    if ("targetTemperature" in delta) patches.put(delta);
  });
  return patches;
};

const day = async (task) => {
  let [hub, deviceId, assigned] = [task.hub, task.deviceId, null];
  if (task.dps) {
    const result = await provision(task);
    [hub, deviceId] = [result.assignedHub, result.deviceId];
    assigned = { status: result.status, hub, device: deviceId };
  }
  const client = await deviceClient(task, hub, deviceId);
  await client.open();
  const messages = queue();
  client.on("message", (message) => client.complete(message, () => messages.put(message)));
  answerMethods(client);
  const twin = await client.getTwin();
  await report(twin, { maxTempSinceLastReboot: 10.96 });
  const { desired, reported } = await client.getTwin().then((twin) => twin.get().then(() => twin.properties));
  const atDevice = JSON.parse(JSON.stringify({ desired, reported }));
  const patches = patchesOf(twin);
  const message = await messages.get();

  const registry = registryClient();
  const { responseBody: atService } = await registry.getTwin(deviceId);
  await desire(registry, deviceId, 42.5);
  const patch = await patches.get();
  await report(twin, {
    targetTemperature: { value: 42.5, ac: 200, av: patch.$version, ad: "Successfully executed patch" },
  });
  const response = await call(deviceId);

  const telemetry = new Message(JSON.stringify({ temperature: 22 }));
  telemetry.contentType = "application/json";
  telemetry.contentEncoding = "utf-8";
  telemetry.properties.add("a colour", "red & blue");
  await client.sendEvent(telemetry);
  await client.sendEvent(new Message("second"));
  await desire(registry, deviceId, 7);
  const latePatch = await patches.get();
  const lateResponse = await call(deviceId);
  await client.close();
  return {
    assigned,
    twin_at_device: atDevice,
    reported_at_service: atService.properties.reported.maxTempSinceLastReboot,
    patch,
    response,
    message: {
      body: message.data.toString(),
      properties: Object.fromEntries(message.properties.propertyList.map(({ key, value }) => [key, value])),
    },
    late_patch: latePatch,
    late_response: lateResponse,
  };
};

const renewal = async (task) => {
  const { seconds, margin } = SHORT_LIVED;
  const string = `HostName=${task.hub};DeviceId=${task.deviceId};SharedAccessKey=${task.key}`;
  const provider = SharedAccessKeyAuthenticationProvider.fromConnectionString(string, seconds, margin);
  const client = Client.fromAuthenticationProvider(provider, transportOf(task));
  await client.open();
  answerMethods(client);
  const patches = patchesOf(await client.getTwin());
  const patch = await patches.get();
  const response = await call(task.deviceId);
  await client.close();
  return { patch, response };
};

const takeover = async (task) => {
  const first = await connectedClient(task);
  first.setRetryPolicy(new NoRetry());
  const dropped = new Promise((resolve) => first.on("disconnect", resolve));
  const second = await connectedClient(task);
  await dropped;
  await second.sendEvent(new Message("still here"));
  await second.close();
  return { first_dropped: true };
};

const registry = async () => {
  const registry = registryClient();
  const { responseBody: made } = await registry.create({ deviceId: "made-by-sdk", status: "enabled" });
  const { responseBody: all } = await registry.list();
  const key = made.authentication.symmetricKey;
  const { responseBody: changed } = await registry.update({ ...made, status: "disabled" });
  await registry.delete("made-by-sdk");
  let gone = null;
  try {
    await registry.get("made-by-sdk");
  } catch (error) {
    gone = error.name;
  }
  const listed = all.map((device) => device.deviceId);
  return { keys_differ: key.primaryKey !== key.secondaryKey, listed, status: changed.status, gone };
};

// The registry of modules and the life of one.
const module_day = async ({ hub, deviceId, transport }) => {
  const registry = registryClient();
  const { responseBody: made } = await registry.addModule({ deviceId, moduleId: "m", managedBy: "someone" });
  const listed = (await registry.getModulesOnDevice(deviceId)).responseBody.map((module) => module.moduleId);
  const key = made.authentication.symmetricKey.primaryKey;
  const string = `HostName=${hub};DeviceId=${deviceId};ModuleId=m;SharedAccessKey=${key}`;
  const client = ModuleClient.fromConnectionString(string, transportOf({ transport }));
  await client.open();
  client.onMethod("getMaxMinReport", (request, response) =>
    response.send(201, { asked: request.payload, by: request.methodName }, () => {}),
  );
  const twin = await client.getTwin();
  const patches = patchesOf(twin);
  await report(twin, { maxTempSinceLastReboot: 10.96 });
  const { responseBody: atService } = await registry.getModuleTwin(deviceId, "m");
  await registry.updateModuleTwin(deviceId, "m", { properties: { desired: { targetTemperature: 42.5 } } }, "*");
  const patch = await patches.get();
  const response = await call(deviceId, "m");
  await client.sendEvent(new Message("hello"));
  await client.close();
  await registry.removeModule(deviceId, "m");
  let gone = null;
  try {
    await registry.getModule(deviceId, "m");
  } catch (error) {
    gone = error.response.headers["iothub-errorcode"];
  }
  return {
    listed,
    reported_at_service: atService.properties.reported.maxTempSinceLastReboot,
    patch,
    response,
    gone,
  };
};

const wrong_key = async (task) => {
  const refused = {};
  for (const [name, attempt] of Object.entries({ dps: provision, hub: connectedClient })) {
    try {
      await attempt(task);
      refused[name] = "accepted";
    } catch (error) {
      refused[name] = error.name;
    }
  }
  return refused;
};

const SCENARIOS = { day, renewal, takeover, registry, module_day, wrong_key };

// A scenario that hangs is ended, whatever the SDK waits for.
setTimeout(() => {
  console.error(`no end after ${4 * PATIENCE} s`);
  process.exit(1);
}, 4000 * PATIENCE).unref();

readline.createInterface({ input: process.stdin }).once("line", async (line) => {
  try {
    console.log(JSON.stringify(await SCENARIOS[process.argv[2]](JSON.parse(line))));
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
});
