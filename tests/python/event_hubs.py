"""What a service does over AMQP with Microsoft's own SDKs, unmodified: azure-eventhub, and azure-iot-hub for what it sends to devices.

Run as `event_hubs.py NAME`. Where the emulator is comes from the environment; its authority from SSL_CERT_FILE. The last line on
standard output is one JSON object with what was seen, which event_hubs.rs compares with what the hub knows.
"""

import asyncio
import json
import os
import queue
import signal
import sys
import threading

import certifi

# uamqp, on which the service SDK sends messages to devices, trusts what certifi names and nothing else.
certifi.where = lambda: os.environ["SSL_CERT_FILE"]

from azure.eventhub import EventHubConsumerClient, TransportType  # noqa: E402
from azure.iot.device.aio import IoTHubDeviceClient  # noqa: E402
from azure.iot.hub import IoTHubRegistryManager  # noqa: E402

PATIENCE = 60


def consumer(group="$Default", **options):
    return EventHubConsumerClient.from_connection_string(
        os.environ["EVENTHUB_CONNECTION_STRING"],
        consumer_group=group,
        connection_verify=os.environ["SSL_CERT_FILE"],
        **options,
    )


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def shown(event):
    annotations = {text(name): text(value) for name, value in event.system_properties.items()}
    return {
        "body": event.body_as_str(),
        "sequence": event.sequence_number,
        "offset": event.offset,
        "enqueued": event.enqueued_time.timestamp(),
        "system": {name: str(value) for name, value in annotations.items()},
        "application": {text(name): text(value) for name, value in (event.properties or {}).items()},
    }


def receive(count, batch=False, client_options=None, **options):
    """The next `count` events, from every partition unless told otherwise."""
    events, enough = [], threading.Event()
    client = consumer(**(client_options or {}))
    failures = []

    def on_events(_, batch_of_events):
        events.extend(event for event in batch_of_events if event)
        if len(events) >= count:
            enough.set()

    def on_event(context, event):
        on_events(context, [event])

    def on_error(_, error):
        failures.append(repr(error))

    def run():
        if batch:
            client.receive_batch(on_events, max_batch_size=50, on_error=on_error, **options)
        else:
            client.receive(on_event, on_error=on_error, **options)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    found = enough.wait(PATIENCE)
    client.close()
    thread.join(PATIENCE)
    if not found:
        raise TimeoutError(f"{len(events)} of {count} events, {failures}")
    return events


def properties():
    with consumer() as client:
        hub = client.get_eventhub_properties()
        partitions = [client.get_partition_properties(id) for id in client.get_partition_ids()]
    return {
        "name": hub["eventhub_name"],
        "ids": hub["partition_ids"],
        "created": hub["created_at"].timestamp(),
        "partitions": [
            {
                "id": each["id"],
                "empty": each["is_empty"],
                "first": each["beginning_sequence_number"],
                "last": each["last_enqueued_sequence_number"],
                "offset": each["last_enqueued_offset"],
            }
            for each in partitions
        ],
    }


def earliest():
    return [shown(event) for event in receive(int(os.environ["COUNT"]), starting_position="-1")]


def batches():
    events = receive(int(os.environ["COUNT"]), batch=True, starting_position="-1", prefetch=200)
    return [event.body_as_str() for event in events]


def positions():
    """By offset, sequence number and time, each after the first event of the one partition that has some."""
    partition = os.environ["PARTITION"]
    everything = receive(int(os.environ["COUNT"]), starting_position="-1", partition_id=partition)
    first = everything[0]
    rest = len(everything) - 1
    from_here = {"partition_id": partition}
    inclusive = {"starting_position_inclusive": True, **from_here}
    sequences = lambda events: [event.sequence_number for event in events]
    return {
        "all": sequences(everything),
        "offset": sequences(receive(rest, starting_position=first.offset, **from_here)),
        "sequence": sequences(receive(rest, starting_position=first.sequence_number, **from_here)),
        "inclusive": sequences(receive(rest + 1, starting_position=first.sequence_number, **inclusive)),
        "time": sequences(receive(rest + 1, starting_position=first.enqueued_time, **inclusive)),
    }


async def latest():
    """Only what a device sends after the reader has come; the device is azure-iot-device."""
    ready = threading.Event()
    found = {}

    def read():
        with consumer(track_last_enqueued_event_properties=True) as client:
            def on_event(context, event):
                # Without an event: the link is attached, and there was nothing.
                ready.set()
                if event:
                    found["event"] = shown(event)
                    newest = context.last_enqueued_event_properties
                    found["newest"] = newest and newest["sequence_number"]
                    threading.Thread(target=client.close).start()

            client.receive(
                on_event,
                starting_position="@latest",
                partition_id=os.environ["PARTITION"],
                max_wait_time=1,
                track_last_enqueued_event_properties=True,
            )

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    await asyncio.to_thread(ready.wait, PATIENCE)
    device = IoTHubDeviceClient.create_from_connection_string(os.environ["IOTHUB_DEVICE_CONNECTION_STRING"])
    await device.connect()
    await device.send_message("after")
    await device.shutdown()
    await asyncio.to_thread(thread.join, PATIENCE)
    return found


def refusals():
    """What the SDK makes of a wrong key, a consumer group and a partition that are not there."""
    seen = {}

    def read(name, client, **options):
        done = threading.Event()

        def on_error(_, error):
            seen[name] = type(error).__name__
            done.set()

        def run():
            try:
                client.receive(lambda *_: done.set(), on_error=on_error, **options)
            except Exception as error:
                on_error(None, error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        done.wait(PATIENCE)
        client.close()
        thread.join(PATIENCE)

    right = os.environ["EVENTHUB_CONNECTION_STRING"]
    quick = {"retry_total": 0, "auth_timeout": 10}
    read("group", consumer("nobody", **quick), partition_id="0")
    read("partition", consumer(**quick), partition_id="99")
    parts = [part for part in right.split(";") if not part.startswith("SharedAccessKey=")]
    os.environ["EVENTHUB_CONNECTION_STRING"] = ";".join([*parts, "SharedAccessKey=" + "A" * 43 + "="])
    read("key", consumer(**quick), partition_id="0")
    return seen


def owners():
    """A reader with a higher owner level takes the place of another."""
    partition = os.environ["PARTITION"]
    lost, begun = threading.Event(), threading.Event()
    seen = {}
    first = consumer(retry_total=0)

    def on_error(_, error):
        seen["first"] = type(error).__name__
        lost.set()

    def read():
        first.receive(
            lambda *_: begun.set(),
            on_error=on_error,
            partition_id=partition,
            owner_level=0,
            starting_position="-1",
        )

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    begun.wait(PATIENCE)
    events = receive(1, starting_position="-1", partition_id=partition, owner_level=1)
    lost.wait(PATIENCE)
    first.close()
    thread.join(PATIENCE)
    return {"second": len(events) > 0, **seen}


def websocket():
    """All events, through nothing but WebSockets to the port of the service API."""
    service = dict(part.split("=", 1) for part in os.environ["IOTHUB_CONNECTION_STRING"].split(";"))
    options = {"transport_type": TransportType.AmqpOverWebsocket, "custom_endpoint_address": "sb://" + service["HostName"]}
    with consumer(**options) as client:
        ids = client.get_partition_ids()
    # Of one partition: the SDK looks at each in turn, and waits a second for one that has nothing.
    from_here = {"partition_id": os.environ["PARTITION"], "starting_position": "-1"}
    events = receive(int(os.environ["COUNT"]), client_options=options, **from_here)
    return {"ids": ids, "events": len(events)}


async def to_device():
    """A message from the service SDK reaches azure-iot-device."""
    device = IoTHubDeviceClient.create_from_connection_string(os.environ["IOTHUB_DEVICE_CONNECTION_STRING"])
    # The SDK calls from a thread of its own.
    messages = queue.Queue()
    device.on_message_received = messages.put
    await device.connect()
    registry = IoTHubRegistryManager.from_connection_string(os.environ["IOTHUB_CONNECTION_STRING"])
    options = {"messageId": "m-1", "contentType": "application/json", "contentEncoding": "utf-8", "colour": "red & blue"}
    send = registry.send_c2d_message
    await asyncio.to_thread(send, os.environ["IOTHUB_DEVICE_DPS_DEVICE_ID"], '{"hello": 1}', options)
    message = await asyncio.to_thread(messages.get, timeout=PATIENCE)
    await device.shutdown()
    return {
        "body": text(message.data),
        "id": message.message_id,
        "type": message.content_type,
        "encoding": message.content_encoding,
        "properties": message.custom_properties,
    }


SCENARIOS = {each.__name__: each for each in [properties, earliest, batches, positions, latest, refusals, owners, websocket, to_device]}

if __name__ == "__main__":
    # A scenario that hangs is ended by the system, whatever the SDK's threads do.
    signal.alarm(4 * PATIENCE)
    outcome = SCENARIOS[sys.argv[1]]()
    if asyncio.iscoroutine(outcome):
        outcome = asyncio.run(outcome)
    print(json.dumps(outcome), flush=True)
    # Without waiting for the SDK's background threads.
    os._exit(0)
