"""What a device and an operator do with Microsoft's own SDKs, unmodified, against the emulator.

Run as `scenarios.py NAME`. Where the emulator is comes from the environment, under the names that Microsoft's samples use;
its authority from SSL_CERT_FILE and REQUESTS_CA_BUNDLE. The last line on standard output is one JSON object with what was
seen, which foreign_sdk/main.rs compares with what the hub knows. Nothing here asserts: a scenario that cannot go on raises.
"""

import json
import os
import queue
import signal
import sys
import threading

from azure.iot.device import IoTHubDeviceClient, Message, MethodResponse, ProvisioningDeviceClient
from azure.iot.device.exceptions import ClientError
from azure.iot.hub import IoTHubRegistryManager
from azure.iot.hub.models import CloudToDeviceMethod, Twin, TwinProperties

MODEL = "dtmi:com:example:Thermostat;1"

# Seconds to wait for what must come; long, because machines that run tests are busy.
PATIENCE = 30


def provision():
    client = ProvisioningDeviceClient.create_from_symmetric_key(
        provisioning_host=os.environ["IOTHUB_DEVICE_DPS_ENDPOINT"],
        registration_id=os.environ["IOTHUB_DEVICE_DPS_DEVICE_ID"],
        id_scope=os.environ["IOTHUB_DEVICE_DPS_ID_SCOPE"],
        symmetric_key=os.environ["IOTHUB_DEVICE_DPS_DEVICE_KEY"],
    )
    client.provisioning_payload = {"modelId": MODEL}
    return client.register()


def provisioned():
    """Provisioning alone."""
    result = provision()
    state = result.registration_state
    return {
        "status": result.status,
        "hub": getattr(state, "assigned_hub", None),
        "device": getattr(state, "device_id", None),
        "payload": getattr(state, "response_payload", None),
    }


def connected_client(**options):
    client = IoTHubDeviceClient.create_from_connection_string(
        os.environ["IOTHUB_DEVICE_CONNECTION_STRING"], product_info=MODEL, **options
    )
    client.connect()
    return client


def thermostat():
    """The reference device's whole day: provision, connect, report, take a desired property, answer a command, send telemetry."""
    state = provision().registration_state
    client = IoTHubDeviceClient.create_from_symmetric_key(
        symmetric_key=os.environ["IOTHUB_DEVICE_DPS_DEVICE_KEY"],
        hostname=state.assigned_hub,
        device_id=state.device_id,
        product_info=MODEL,
    )
    client.connect()
    patches = queue.Queue()
    client.on_twin_desired_properties_patch_received = patches.put

    def answer(request):
        payload = {"asked": request.payload, "by": request.name}
        client.send_method_response(MethodResponse.create_from_method_request(request, 201, payload))

    client.on_method_request_received = answer
    client.patch_twin_reported_properties({"maxTempSinceLastReboot": 10.96})
    twin = client.get_twin()

    registry = IoTHubRegistryManager.from_connection_string(os.environ["IOTHUB_CONNECTION_STRING"])
    reported = registry.get_twin(state.device_id)
    change = Twin(properties=TwinProperties(desired={"targetTemperature": 42.5}))
    updated = registry.update_twin(state.device_id, change, reported.etag)
    patch = patches.get(timeout=PATIENCE)
    client.patch_twin_reported_properties(
        {"targetTemperature": {"value": 42.5, "ac": 200, "av": patch["$version"], "ad": "Successfully executed patch"}}
    )
    call = CloudToDeviceMethod(method_name="getMaxMinReport", payload="2026-01-01T00:00:00Z", response_timeout_in_seconds=30)
    response = registry.invoke_device_method(state.device_id, call)

    message = Message(json.dumps({"temperature": 22}))
    message.content_type = "application/json"
    message.content_encoding = "utf-8"
    message.custom_properties["a colour"] = "red & blue"
    client.send_message(message)
    client.shutdown()
    return {
        "twin_at_device": twin,
        "reported_at_service": reported.properties.reported["maxTempSinceLastReboot"],
        "desired_at_service": updated.properties.desired["targetTemperature"],
        "patch": patch,
        "response": {"status": response.status, "payload": response.payload},
    }


def registry():
    """The identity registry: make, read, list, change and remove a device, with keys of the hub's making."""
    manager = IoTHubRegistryManager.from_connection_string(os.environ["IOTHUB_CONNECTION_STRING"])
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


def takeover():
    """A second connection of the same device drops the first."""
    first = connected_client(connection_retry=False)
    dropped = threading.Event()

    def watch():
        if not first.connected:
            dropped.set()

    first.on_connection_state_change = watch
    second = connected_client()
    seen = dropped.wait(PATIENCE)
    second.send_message("still here")
    result = {"first_dropped": seen, "second_connected": second.connected}
    second.shutdown()
    first.shutdown()
    return result


def reconnect():
    """After a drop the SDK connects again and does not subscribe again: the hub must have kept the session."""
    client = connected_client()
    patches = queue.Queue()
    client.on_twin_desired_properties_patch_received = patches.put
    dropped, back = threading.Event(), threading.Event()

    def watch():
        if not client.connected:
            dropped.set()
        elif dropped.is_set():
            back.set()

    client.on_connection_state_change = watch
    # Another client of the same device throws this one out, and is thrown out in turn when this one comes back.
    other = connected_client(connection_retry=False)
    returned = back.wait(PATIENCE)
    manager = IoTHubRegistryManager.from_connection_string(os.environ["IOTHUB_CONNECTION_STRING"])
    device = os.environ["IOTHUB_DEVICE_DPS_DEVICE_ID"]
    manager.update_twin(device, Twin(properties=TwinProperties(desired={"targetTemperature": 7})), "*")
    patch = patches.get(timeout=PATIENCE)
    client.shutdown()
    other.shutdown()
    return {"returned": returned, "patch": patch}


def wrong_key():
    """DPS and the hub refuse a key that is not the device's."""
    refused = {}
    for name, attempt in [("dps", provision), ("hub", connected_client)]:
        try:
            outcome = attempt()
            refused[name] = "accepted: " + str(outcome)
        except ClientError as error:
            refused[name] = type(error).__name__
    return refused


SCENARIOS = {scenario.__name__: scenario for scenario in [provisioned, thermostat, registry, takeover, reconnect, wrong_key]}

if __name__ == "__main__":
    # A scenario that hangs is ended by the system, whatever the SDK's threads do.
    signal.alarm(4 * PATIENCE)
    outcome = SCENARIOS[sys.argv[1]]()
    print(json.dumps(outcome), flush=True)
    # Without waiting for the SDK's background threads, some of which a refused connection leaves behind.
    os._exit(0)
