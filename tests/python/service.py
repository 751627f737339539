"""What an operator does with Microsoft's own service SDK, unmodified, against the emulator: every call of the registry manager,
the digital twin client and the HTTP runtime manager that the emulator serves.

Run as `service.py NAME`, like scenarios.py. Device and module SDKs play the other side where one is needed.
"""

import json
import os
import queue
import signal
import sys

from azure.iot.device import IoTHubDeviceClient, IoTHubModuleClient, MethodResponse
from azure.iot.hub import DigitalTwinClient, IoTHubHttpRuntimeManager, IoTHubRegistryManager
from azure.iot.hub.models import (
    AuthenticationMechanism,
    CloudToDeviceMethod,
    ExportImportDevice,
    QuerySpecification,
    SymmetricKey,
    Twin,
    TwinProperties,
)

# Seconds to wait for what must come; long, because machines that run tests are busy.
PATIENCE = 30

OPERATOR = os.environ["IOTHUB_CONNECTION_STRING"]
HOST = os.environ["IOTHUB_DEVICE_DPS_ENDPOINT"]


def manager():
    return IoTHubRegistryManager.from_connection_string(OPERATOR)


def refusal(call, *arguments):
    """The status and the error's name a call is refused with."""
    try:
        call(*arguments)
    except Exception as error:  # msrest's, which is no part of the SDK's interface
        response = error.response
        return [response.status_code, response.headers.get("iothub-errorcode")]
    return None


def identities():
    """Devices of every kind: made, read, changed against their ETag, counted and removed."""
    hub = manager()
    thumbprints = ["0A" * 32, "0B" * 32]
    sas = hub.create_device_with_sas("sas", "", "", "enabled", status_reason="new")
    x509 = hub.create_device_with_x509("x509", thumbprints[0], thumbprints[1], "enabled")
    authority = hub.create_device_with_certificate_authority("ca", "enabled")
    edge = hub.create_device_with_sas("edge", "", "", "enabled", iot_edge=True)
    leaf = hub.create_device_with_sas("leaf", "", "", "enabled", device_scope=edge.device_scope)
    disabled = hub.update_device_with_x509("x509", x509.etag, thumbprints[1], thumbprints[0], "disabled", status_reason="lost")
    hub.update_device_with_certificate_authority("ca", authority.etag, "disabled")
    counted = hub.get_device_registry_statistics()
    listed = sorted(device.device_id for device in hub.get_devices(100))
    result = {
        "reason": sas.status_reason,
        "types": [device.authentication.type for device in [sas, x509, authority]],
        "swapped": disabled.authentication.x509_thumbprint.primary_thumbprint == thumbprints[1],
        "disabled": [disabled.status, disabled.status_reason],
        "scopes": leaf.parent_scopes == [edge.device_scope] and edge.capabilities.iot_edge,
        "counted": [counted.total_device_count, counted.enabled_device_count, counted.disabled_device_count],
        "connected": hub.get_service_statistics().connected_device_count,
        "listed": listed,
        "twice": refusal(hub.create_device_with_sas, "sas", "", "", "enabled"),
        "stale": refusal(hub.update_device_with_x509, "x509", x509.etag, *thumbprints, "enabled"),
        "stale_delete": refusal(hub.delete_device, "x509", x509.etag),
        "unknown": refusal(hub.get_device, "nobody"),
    }
    hub.delete_device("x509", disabled.etag)
    result["gone"] = refusal(hub.get_device, "x509")
    return result


def modules():
    """A module: its registry, twin, methods and telemetry, with the module SDK on the other side."""
    hub = manager()
    device = os.environ["IOTHUB_DEVICE_DPS_DEVICE_ID"]
    made = hub.create_module_with_sas(device, "m", "someone", "", "")
    key = made.authentication.symmetric_key
    changed = hub.update_module_with_sas(device, "m", "another", made.etag, key.primary_key, key.secondary_key)
    hub.create_module_with_x509(device, "x", "", "0A" * 32, "0B" * 32)
    hub.create_module_with_certificate_authority(device, "ca", "")
    listed = sorted(module.module_id for module in hub.get_modules(device))

    client = IoTHubModuleClient.create_from_connection_string(
        f"HostName={HOST};DeviceId={device};ModuleId=m;SharedAccessKey={key.primary_key}"
    )
    client.connect()
    patches = queue.Queue()
    client.on_twin_desired_properties_patch_received = patches.put

    def answer(request):
        client.send_method_response(MethodResponse.create_from_method_request(request, 201, {"asked": request.payload}))

    client.on_method_request_received = answer
    client.patch_twin_reported_properties({"speed": 3})
    twin = hub.get_module_twin(device, "m")
    change = Twin(properties=TwinProperties(desired={"speed": 4}), tags={"site": "north"})
    updated = hub.update_module_twin(device, "m", change, twin.etag)
    patch = patches.get(timeout=PATIENCE)
    replaced = hub.replace_module_twin(device, "m", Twin(properties=TwinProperties(desired={"level": 1})), updated.etag)
    second = patches.get(timeout=PATIENCE)
    call = CloudToDeviceMethod(method_name="spin", payload="fast", response_timeout_in_seconds=30)
    response = hub.invoke_device_module_method(device, "m", call)
    client.send_message("hello")
    found = hub.query_iot_hub(QuerySpecification(query="SELECT * FROM devices.modules WHERE properties.reported.speed = 3"))
    connected = hub.get_module(device, "m").connection_state
    client.shutdown()

    result = {
        "managed_by": [made.managed_by, changed.managed_by],
        "listed": listed,
        "reported": twin.properties.reported["speed"],
        "tags": updated.tags,
        "patches": [patch, second],
        "replaced": sorted(name for name in replaced.properties.desired if not name.startswith("$")),
        "response": [response.status, response.payload],
        "found": [[twin.device_id == device, twin.module_id] for twin in found.items],
        "connected": connected,
        "twice": refusal(hub.create_module_with_sas, device, "m", "", "", ""),
        "stale": refusal(hub.update_module_twin, device, "m", change, twin.etag),
        "of_nobody": refusal(hub.create_module_with_sas, "nobody", "m", "", "", ""),
    }
    hub.delete_module(device, "m", changed.etag)
    result["gone"] = refusal(hub.get_module, device, "m")
    return result


def bulk():
    """Many devices in one call, and what of it failed."""
    hub = manager()
    keys = AuthenticationMechanism(type="sas", symmetric_key=SymmetricKey(primary_key="AAAA", secondary_key="BBBB"))
    item = lambda id, mode, **more: ExportImportDevice(id=id, import_mode=mode, **more)
    made = hub.bulk_create_or_update_devices(
        [
            item("a", "create", status="enabled", authentication=keys, tags={"site": "north"}),
            item("b", "create", status="disabled", authentication=keys),
        ]
    )
    partly = hub.bulk_create_or_update_devices(
        [item("a", "create"), item("b", "update", status="enabled"), item("none", "delete")]
    )
    return {
        "made": [made.is_successful, made.errors],
        "partly": [partly.is_successful, [[error.device_id, error.error_code] for error in partly.errors]],
        "key": hub.get_device("a").authentication.symmetric_key.primary_key,
        "tags": hub.get_twin("a").tags,
        "status": hub.get_device("b").status,
    }


def queries():
    """Questions about twins, page by page."""
    hub = manager()
    for number in range(5):
        device = f"d{number}"
        hub.create_device_with_sas(device, "", "", "enabled")
        hub.update_twin(device, Twin(tags={"site": "north" if number % 2 == 0 else "south", "level": number}), "*")

    def ask(text, size=None):
        pages, token = [], None
        while True:
            page = hub.query_iot_hub(QuerySpecification(query=text), token, size)
            pages.append([item.as_dict() if hasattr(item, "as_dict") else item for item in page.items])
            token = page.continuation_token
            if not token:
                return page.type, pages

    kind, pages = ask("SELECT * FROM devices WHERE tags.site = 'north' AND tags.level > 0", 1)
    counted = hub.query_iot_hub(QuerySpecification(query="SELECT COUNT() AS number FROM devices WHERE is_defined(tags.site)"))
    wrong = QuerySpecification(query="SELECT * FROM devices WHERE tags.site == 'north'")
    return {
        "type": kind,
        "pages": [[twin["device_id"] for twin in page] for page in pages],
        "counted_type": counted.type,
        "items": len(counted.items),
        "wrong": refusal(hub.query_iot_hub, wrong),
    }


def twins():
    """A device's twin and digital twin, with ETags, and its commands."""
    hub, digital = manager(), DigitalTwinClient.from_connection_string(OPERATOR)
    device = os.environ["IOTHUB_DEVICE_DPS_DEVICE_ID"]
    client = IoTHubDeviceClient.create_from_connection_string(
        os.environ["IOTHUB_DEVICE_CONNECTION_STRING"], product_info="dtmi:com:example:TemperatureController;2"
    )
    client.connect()
    patches = queue.Queue()
    client.on_twin_desired_properties_patch_received = patches.put

    def answer(request):
        payload = {"name": request.name, "payload": request.payload}
        client.send_method_response(MethodResponse.create_from_method_request(request, 200, payload))

    client.on_method_request_received = answer
    client.patch_twin_reported_properties({"serialNumber": "abc", "thermostat1": {"__t": "c", "maxTempSinceLastReboot": 20}})

    before = hub.get_twin(device)
    first = hub.update_twin(device, Twin(properties=TwinProperties(desired={"a": 1, "b": 2}), tags={"site": "x"}), before.etag)
    patches.get(timeout=PATIENCE)
    deleted = hub.update_twin(device, Twin(properties=TwinProperties(desired={"a": None})), first.etag)
    patches.get(timeout=PATIENCE)
    replaced = hub.replace_twin(device, Twin(properties=TwinProperties(desired={"c": 3})), "*")
    patches.get(timeout=PATIENCE)

    digital.update_digital_twin(
        device, [{"op": "add", "path": "/thermostat1/targetTemperature", "value": 42.5}]
    )
    component = patches.get(timeout=PATIENCE)
    seen = digital.get_digital_twin(device)
    wanted = seen["thermostat1"]["$metadata"]["targetTemperature"]["desiredValue"]
    root = digital.invoke_command(device, "reboot", 5)
    inner = digital.invoke_component_command(device, "thermostat1", "getMaxMinReport", "since", 10, 30)
    client.shutdown()
    late = CloudToDeviceMethod(method_name="reboot", response_timeout_in_seconds=5, connect_timeout_in_seconds=0)
    hurried = CloudToDeviceMethod(method_name="reboot", response_timeout_in_seconds=1)
    properties = lambda twin: sorted(name for name in twin.properties.desired if not name.startswith("$"))
    return {
        "tags": first.tags,
        "properties": [properties(first), properties(deleted), properties(replaced)],
        "updated": "$lastUpdated" in replaced.properties.desired["$metadata"]["c"],
        "stale": refusal(hub.update_twin, device, Twin(tags={"site": "y"}), before.etag),
        "component": component["thermostat1"],
        "digital": [seen["$dtId"] == device, seen["$metadata"]["$model"], seen["serialNumber"], sorted(seen["thermostat1"]), wanted],
        "commands": [root, inner],
        "offline": refusal(hub.invoke_device_method, device, late),
        "hurried": refusal(hub.invoke_device_method, device, hurried),
        "bad_patch": refusal(digital.update_digital_twin, device, [{"op": "add", "path": "/nothing/there", "value": 1}]),
    }


def feedback():
    """A queue that is emptied, and feedback that is read and given back."""
    hub, runtime = manager(), IoTHubHttpRuntimeManager.from_connection_string(OPERATOR)
    device = os.environ["IOTHUB_DEVICE_DPS_DEVICE_ID"]
    # The managers hand on neither the count nor the batch; what they are built on does.
    purged = hub.protocol.cloud_to_device_messages.purge_cloud_to_device_message_queue(device)
    read = lambda: runtime.protocol.cloud_to_device_messages.receive_feedback_notification(raw=True).response
    batch = read()
    token = batch.headers["ETag"].strip('"')
    runtime.abandon_feedback_notification(token)
    again = read().headers["ETag"].strip('"')
    runtime.complete_feedback_notification(again)
    return {
        "purged": purged.total_messages_purged,
        "records": [[record["originalMessageId"], record["statusCode"]] for record in batch.json()],
        "twice": refusal(runtime.complete_feedback_notification, again),
        "then": read().status_code,
    }


SCENARIOS = {scenario.__name__: scenario for scenario in [identities, modules, bulk, queries, twins, feedback]}

if __name__ == "__main__":
    # A scenario that hangs is ended by the system, whatever the SDK's threads do.
    signal.alarm(4 * PATIENCE)
    outcome = SCENARIOS[sys.argv[1]]()
    print(json.dumps(outcome), flush=True)
    # Without waiting for the SDK's background threads.
    os._exit(0)
