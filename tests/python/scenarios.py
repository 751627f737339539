"""What a device and an operator do with Microsoft's own SDKs, unmodified, against the emulator.

Run as `scenarios.py NAME` with the task, a JSON object, on standard input: who the device is, what it proves itself with and
which way it goes (foreign_sdk/place.rs has its members). The service's connection string comes from IOTHUB_CONNECTION_STRING,
the emulator's authority from SSL_CERT_FILE and REQUESTS_CA_BUNDLE. The last line on standard output is one JSON object with
what was seen, which the tests compare with what the hub knows; scenarios.js answers the same. Nothing here asserts: a scenario
that cannot go on raises.
"""

import json
import os
import queue
import signal
import sys
import threading

from azure.iot.device import (
    X509,
    IoTHubDeviceClient,
    Message,
    MethodResponse,
    ProvisioningDeviceClient,
    ProxyOptions,
)
from azure.iot.device.exceptions import ClientError, NoConnectionError
from azure.iot.hub import IoTHubRegistryManager
from azure.iot.hub.models import CloudToDeviceMethod, Twin, TwinProperties

MODEL = "dtmi:com:example:Thermostat;1"

# Seconds to wait for what must come; long, because machines that run tests are busy.
PATIENCE = 30

# A token that lasts so many seconds is renewed after three: the SDK does so 120 s before the end.
SHORT_LIVED = 123


def transport(task):
    """The options that say which way to go."""
    options = {"websockets": task["transport"] == "websockets"}
    if "proxy" in task:
        options["proxy_options"] = ProxyOptions("HTTP", task["proxy"]["host"], task["proxy"]["port"])
    return options


def certificate(task):
    return X509(task["certificate"], task["privateKey"])


def provision(task):
    ends = {"provisioning_host": task["dps"]["endpoint"], "registration_id": task["deviceId"], "id_scope": task["dps"]["idScope"]}
    if "key" in task:
        client = ProvisioningDeviceClient.create_from_symmetric_key(symmetric_key=task["key"], **ends, **transport(task))
    else:
        client = ProvisioningDeviceClient.create_from_x509_certificate(x509=certificate(task), **ends, **transport(task))
    client.provisioning_payload = {"modelId": MODEL}
    return client.register()


def device_client(task, hub, device, **options):
    options = {"product_info": MODEL, **transport(task), **options}
    if "connectionString" in task:
        return IoTHubDeviceClient.create_from_connection_string(task["connectionString"], **options)
    if "key" in task:
        return IoTHubDeviceClient.create_from_symmetric_key(task["key"], hub, device, **options)
    return IoTHubDeviceClient.create_from_x509_certificate(certificate(task), hub, device, **options)


def connected_client(task, **options):
    client = device_client(task, task["hub"], task["deviceId"], **options)
    client.connect()
    return client


def registry_manager():
    return IoTHubRegistryManager.from_connection_string(os.environ["IOTHUB_CONNECTION_STRING"])


def desire(manager, device, temperature):
    """Sets the desired property, whatever the twin's version."""
    change = Twin(properties=TwinProperties(desired={"targetTemperature": temperature}))
    return manager.update_twin(device, change, "*")


def call(manager, device):
    ask = CloudToDeviceMethod(
        method_name="getMaxMinReport",
        payload="2026-01-01T00:00:00Z",
        response_timeout_in_seconds=PATIENCE,
        connect_timeout_in_seconds=PATIENCE,
    )
    response = manager.invoke_device_method(device, ask)
    return {"status": response.status, "payload": response.payload}


def answer_methods(client):
    def answer(request):
        payload = {"asked": request.payload, "by": request.name}
        client.send_method_response(MethodResponse.create_from_method_request(request, 201, payload))

    client.on_method_request_received = answer


def day(task):
    """A device's whole day: provision, connect, report, take a desired property and a message, answer a command, send
    telemetry; lose the connection over the second message, come back and still hear what it did."""
    hub, device, assigned = task["hub"], task["deviceId"], None
    if "dps" in task:
        result = provision(task)
        state = result.registration_state
        hub, device = state.assigned_hub, state.device_id
        assigned = {"status": result.status, "hub": hub, "device": device}
    client = device_client(task, hub, device)
    client.connect()
    patches, messages = queue.Queue(), queue.Queue()
    client.on_twin_desired_properties_patch_received = patches.put
    client.on_message_received = messages.put
    answer_methods(client)
    client.patch_twin_reported_properties({"maxTempSinceLastReboot": 10.96})
    twin = client.get_twin()
    message = messages.get(timeout=PATIENCE)

    manager = registry_manager()
    reported = manager.get_twin(device).properties.reported
    desire(manager, device, 42.5)
    patch = patches.get(timeout=PATIENCE)
    client.patch_twin_reported_properties(
        {"targetTemperature": {"value": 42.5, "ac": 200, "av": patch["$version"], "ad": "Successfully executed patch"}}
    )
    response = call(manager, device)

    telemetry = Message(json.dumps({"temperature": 22}))
    telemetry.content_type = "application/json"
    telemetry.content_encoding = "utf-8"
    telemetry.custom_properties["a colour"] = "red & blue"
    client.send_message(telemetry)
    back = threading.Event()
    client.on_connection_state_change = lambda: client.connected and back.set()
    try:
        # The hub hangs up on this one.
        client.send_message("second")
    except NoConnectionError:
        # What the SDK says when that happens while it still sends; it sends it again all the same.
        pass
    back.wait(PATIENCE)
    desire(manager, device, 7)
    late_patch = patches.get(timeout=PATIENCE)
    late_response = call(manager, device)
    client.shutdown()
    return {
        "assigned": assigned,
        "twin_at_device": twin,
        "reported_at_service": reported["maxTempSinceLastReboot"],
        "patch": patch,
        "response": response,
        "message": {"body": message.data.decode(), "properties": message.custom_properties},
        "late_patch": late_patch,
        "late_response": late_response,
    }


def renewal(task):
    """The SDK connects again with a new token before the old one ends, and does not subscribe again. The hub says when it has
    done so often enough: by a desired property."""
    client = connected_client(task, sastoken_ttl=SHORT_LIVED)
    patches = queue.Queue()
    client.on_twin_desired_properties_patch_received = patches.put
    answer_methods(client)
    patch = patches.get(timeout=PATIENCE)
    response = call(registry_manager(), task["deviceId"])
    client.shutdown()
    return {"patch": patch, "response": response}


def takeover(task):
    """A second connection of the same device drops the first."""
    first = connected_client(task, connection_retry=False)
    dropped = threading.Event()

    def watch():
        if not first.connected:
            dropped.set()

    first.on_connection_state_change = watch
    second = connected_client(task)
    seen = dropped.wait(PATIENCE)
    second.send_message("still here")
    result = {"first_dropped": seen}
    second.shutdown()
    first.shutdown()
    return result


def fight(task):
    """Two clients of one device throw each other out until standard input ends."""
    clients = [connected_client(task), device_client(task, task["hub"], task["deviceId"])]
    clients[1].connect()
    print("fighting", flush=True)
    sys.stdin.read()
    return {}


def registry(task):
    """The identity registry: make, read, list, change and remove a device, with keys of the hub's making."""
    manager = registry_manager()
    made = manager.create_device_with_sas("made-by-sdk", "", "", "enabled")
    listed = [device.device_id for device in manager.get_devices(max_number_of_devices=10)]
    key = made.authentication.symmetric_key
    changed = manager.update_device_with_sas(
        "made-by-sdk", made.etag, key.primary_key, key.secondary_key, "disabled"
    )
    manager.delete_device("made-by-sdk")
    gone = None
    try:
        manager.get_device("made-by-sdk")
    except Exception as error:  # msrest's, which is no part of the SDK's interface
        gone = str(error)
    return {"keys_differ": key.primary_key != key.secondary_key, "listed": listed, "status": changed.status, "gone": gone}


def wrong_key(task):
    """DPS and the hub refuse a key that is not the device's."""
    refused = {}
    for name, attempt in [("dps", provision), ("hub", connected_client)]:
        try:
            outcome = attempt(task)
            refused[name] = "accepted: " + str(outcome)
        except ClientError as error:
            refused[name] = type(error).__name__
    return refused


SCENARIOS = {scenario.__name__: scenario for scenario in [day, renewal, takeover, fight, registry, wrong_key]}

if __name__ == "__main__":
    # A scenario that hangs is ended by the system, whatever the SDK's threads do.
    signal.alarm(4 * PATIENCE)
    outcome = SCENARIOS[sys.argv[1]](json.loads(sys.stdin.readline()))
    print(json.dumps(outcome), flush=True)
    # Without waiting for the SDK's background threads, some of which a refused connection leaves behind.
    os._exit(0)
