"""Devices as Microsoft's SDK for Python makes them, in the pattern of a fleet of thermostats: each sends every eight seconds.

Run as `clients.py` with the task, a JSON object, on standard input (bench/src/sdk.rs has its members). Starts clients in one
process with asyncio until there are enough, or memory or time is at its end, or one cannot connect; then lets them send for a while.
The last line on standard output is one JSON object with what that took.

The SDK's MQTT client, paho, waits with select(2), which takes no file beyond number 1,023. A client has three files, so some 340 fit
into one process, whatever memory there is; the next one's connect runs into its time-out.
"""

import asyncio
import base64
import hashlib
import hmac
import importlib.metadata
import json
import logging
import os
import platform
import sys
import threading
import time

from azure.iot.device import Message
from azure.iot.device.aio import IoTHubDeviceClient

# As the thermostat's, in seconds.
INTERVAL = 8

# Starts under way at one time: the SDK connects in threads of its own.
BEGINNING = 8


def proportional():
    """Bytes of memory of this process, each page counted once."""
    with open("/proc/self/smaps_rollup") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def resident():
    with open("/proc/self/statm") as line:
        return int(line.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Clients:
    def __init__(self, task):
        self.task = task
        self.next = task["first"]
        self.last = task["first"] + task["devices"] - 1
        self.started = []
        self.senders = []
        self.ended = "as many as were asked for"
        # Seconds from the moment a message was due until its PUBACK.
        self.latencies = []

    def key_of(self, device):
        group = base64.b64decode(self.task["groupKey"])
        return base64.b64encode(hmac.new(group, device.encode(), hashlib.sha256).digest()).decode()

    async def start(self, deadline):
        while self.next <= self.last:
            if time.monotonic() > deadline:
                self.ended = f"after {self.task['startSeconds']} s of starting"
                return
            if resident() > self.task["memory"]:
                self.ended = f"at {self.task['memory'] / 1e9:.0f} GB"
                return
            device = f"sim-{self.next:05}"
            self.next += 1
            client = IoTHubDeviceClient.create_from_symmetric_key(
                self.key_of(device), self.task["hub"], device, keep_alive=60, connection_retry=False
            )
            try:
                await client.connect()
            except Exception as error:
                self.ended = f"at {error!r}, after which no more are started"
                self.last = 0
                return
            self.started.append(client)
            self.senders.append(asyncio.create_task(self.send(client, time.monotonic())))

    async def send(self, client, due):
        while True:
            await asyncio.sleep(max(0, due - time.monotonic()))
            message = Message(json.dumps({"temperature": len(self.latencies) % 40}))
            message.content_type, message.content_encoding = "application/json", "utf-8"
            await client.send_message(message)
            self.latencies.append(time.monotonic() - due)
            due += INTERVAL


async def main(task):
    clients = Clients(task)
    before = proportional()
    deadline = time.monotonic() + task["startSeconds"]
    await asyncio.gather(*(clients.start(deadline) for _ in range(BEGINNING)))
    # What starting took is not counted.
    clients.latencies.clear()
    began, cpu = time.monotonic(), time.process_time()
    done, _ = await asyncio.wait(clients.senders, timeout=task["seconds"], return_when=asyncio.FIRST_EXCEPTION)
    for sender in done:
        sender.result()
    cpu, lasted = time.process_time() - cpu, time.monotonic() - began
    latencies = sorted(clients.latencies)
    return {
        "sdk": "azure-iot-device " + importlib.metadata.version("azure-iot-device"),
        "python": platform.python_version(),
        "devices": len(clients.started),
        "ended": clients.ended,
        "memoryBefore": before,
        "memory": proportional(),
        "threads": threading.active_count(),
        "messages": len(latencies),
        "cpu": cpu,
        "lasted": lasted,
        "p99": latencies[len(latencies) * 99 // 100] if latencies else None,
    }


logging.basicConfig(level=logging.ERROR)
print(json.dumps(asyncio.run(main(json.load(sys.stdin)))), flush=True)
# Thousands of clients that take their leave one by one are not what is measured.
os._exit(0)
