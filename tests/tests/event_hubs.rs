//! The emulator's AMQP and Microsoft's SDKs, unmodified: azure-eventhub reads what devices sent, azure-iot-hub sends to them.
//!
//! The service SDK knows one port for it, 5671, as the device SDK knows one for MQTT. So each test has its own emulator on an address
//! of its own out of the 16 million of 127/8, which on Linux are all this machine's, and the certificate covers that address.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use setpoint_emulator::{Emulator, Identity, Options, StartError, paste};
use setpoint_protocol::PropertyBag;
use setpoint_tests::{loopback_address, venv};
use tempfile::TempDir;

/// An emulator with AMQP at its usual port, and the way to it for the SDKs.
struct Place {
    emulator: Emulator,
    identity: Arc<Identity>,
    folder: TempDir,
}

impl Place {
    async fn new() -> Place {
        setpoint_test_logs::start();
        loop {
            match Place::at(loopback_address()).await {
                // Another program's address: take another.
                Err(StartError::PortInUse { .. }) => {}
                started => return started.unwrap(),
            }
        }
    }

    async fn at(address: IpAddr) -> Result<Place, StartError> {
        let identity = Arc::new(Identity::temporary().unwrap().with_host(&address.to_string()));
        let hub_keys = identity.device_keys().iter().chain([identity.service_key()]);
        setpoint_test_logs::keys(identity.group_keys().iter().chain(hub_keys));
        let mut emulator = Emulator::start(Options {
            mqtt: SocketAddr::new(address, paste::DEFAULT_MQTT_PORT),
            https: SocketAddr::new(address, 0),
            identity: Arc::clone(&identity),
            data: None,
        })
        .await?;
        emulator
            .listen_amqp(SocketAddr::new(address, paste::DEFAULT_AMQP_PORT))
            .await?;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), identity.ca_pem()).unwrap();
        Ok(Place {
            emulator,
            identity,
            folder,
        })
    }

    /// Has a device send `count` messages, each its number in JSON.
    fn send(&self, device_id: &str, count: usize) {
        let hub = self.emulator.hub();
        if hub.device(device_id).is_err() {
            hub.create_device(device_id, None).unwrap();
        }
        let link = hub
            .connect(device_id, true, Some("dtmi:com:example:Thermostat;1"))
            .unwrap();
        for number in 0..count {
            let properties = "%24.ct=application%2Fjson&%24.ce=utf-8&%24.mid=m-1&%24.sub=thermostat1&colour=red&none";
            let properties = PropertyBag::parse(properties).unwrap();
            link.telemetry(properties, json!({"number": number}).to_string().into_bytes())
                .unwrap();
        }
    }

    /// The partition of the identity's own device.
    fn partition(&self) -> usize {
        self.emulator.hub().endpoint().partition_of(self.identity.device_id())
    }

    /// Runs a scenario of `event_hubs.py`, which waits for `count` events; what it saw.
    async fn run(&self, scenario: &str, count: usize) -> Value {
        let authority = self.folder.path().join("ca.pem");
        let [mqtt, https, amqp] = [
            self.emulator.mqtt_address(),
            self.emulator.https_address(),
            self.emulator.amqp_address().unwrap(),
        ]
        .map(|address| address.port());
        // As an operator would: by pasting.
        let block = paste::environment(&self.identity, mqtt, https, &authority)
            + &paste::amqp_environment(&self.identity, amqp);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/event_hubs.py");
        let (name, partition) = (scenario.to_owned(), self.partition().to_string());
        let running = move || {
            Command::new("sh")
                .args(["-euc", "eval \"$1\"; shift; exec \"$@\"", "sh", &block])
                .arg(venv::python())
                .args([script, &name])
                .env("COUNT", count.to_string())
                .env("PARTITION", partition)
                // No proxy leads back to this machine.
                .env("NO_PROXY", "*")
                .output()
        };
        let output = tokio::task::spawn_blocking(running).await.unwrap().unwrap();
        let (seen, said) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(
            output.status.success(),
            "{scenario} ended with {}: {seen}\n{said}",
            output.status
        );
        serde_json::from_str(seen.lines().last().unwrap()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_hub_and_its_partitions_are_described() {
    let place = Place::new().await;
    place.send(place.identity.device_id(), 3);
    let seen = place.run("properties", 0).await;
    assert_eq!(
        (&seen["name"], &seen["ids"]),
        (&json!("iothub-ehub-setpoint"), &json!(["0", "1", "2", "3"]))
    );
    for (number, partition) in seen["partitions"].as_array().unwrap().iter().enumerate() {
        let own = number == place.partition();
        assert_eq!(partition["id"], number.to_string());
        assert_eq!(partition["empty"], !own);
        assert_eq!(
            (&partition["first"], &partition["last"]),
            (&json!(0), &json!(if own { 2 } else { -1 }))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_partition_is_read_from_the_beginning_with_all_properties() {
    let place = Place::new().await;
    let devices: Vec<_> = (0..12).map(|number| format!("sensor-{number}")).collect();
    devices.iter().for_each(|device| place.send(device, 10));
    let seen = place.run("earliest", 120).await;
    let seen = seen.as_array().unwrap();
    for device in &devices {
        let of_device = |event: &&Value| event["system"]["iothub-connection-device-id"] == json!(device);
        let bodies: Vec<_> = seen
            .iter()
            .filter(of_device)
            .map(|event| event["body"].as_str().unwrap())
            .collect();
        let expected: Vec<_> = (0..10).map(|number| format!("{{\"number\":{number}}}")).collect();
        assert_eq!(bodies, expected, "{device}: all, once and in order");
    }
    let first = &seen[0];
    let system = &first["system"];
    for (name, expected) in [
        ("content-type", "application/json"),
        ("content-encoding", "utf-8"),
        ("message-id", "m-1"),
        ("dt-dataschema", "dtmi:com:example:Thermostat;1"),
        ("dt-subject", "thermostat1"),
        ("iothub-message-source", "Telemetry"),
        (
            "iothub-connection-auth-method",
            r#"{"scope":"device","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}"#,
        ),
    ] {
        assert_eq!(system[name], expected, "{name}");
    }
    assert_eq!(first["application"], json!({"colour": "red", "none": null}));
    let device = place
        .emulator
        .hub()
        .device(system["iothub-connection-device-id"].as_str().unwrap())
        .unwrap();
    assert_eq!(system["iothub-connection-auth-generation-id"], device.generation_id);
    assert_eq!(system["iothub-enqueuedtime"], system["x-opt-enqueued-time"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_are_read_in_batches() {
    let place = Place::new().await;
    for number in 0..10 {
        place.send(&format!("sensor-{number}"), 300);
    }
    let seen = place.run("batches", 3000).await;
    assert_eq!(seen.as_array().unwrap().len(), 3000);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_begins_at_an_offset_a_number_or_a_time() {
    let place = Place::new().await;
    place.send(place.identity.device_id(), 5);
    let seen = place.run("positions", 5).await;
    let (all, rest) = (json!([0, 1, 2, 3, 4]), json!([1, 2, 3, 4]));
    let expected = json!({"all": all, "offset": rest, "sequence": rest, "inclusive": all, "time": all});
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_at_the_end_hears_what_a_device_sends_then() {
    let place = Place::new().await;
    place.send(place.identity.device_id(), 5);
    let seen = place.run("latest", 0).await;
    assert_eq!(
        (&seen["event"]["body"], &seen["event"]["sequence"]),
        (&json!("after"), &json!(5))
    );
    assert_eq!(seen["newest"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_knows_why_it_is_refused() {
    let seen = Place::new().await.run("refusals", 0).await;
    let expected = json!({"group": "ConnectionLostError", "partition": "ValueError", "key": "AuthenticationError"});
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_higher_owner_level_takes_over() {
    let place = Place::new().await;
    place.send(place.identity.device_id(), 1);
    let seen = place.run("owners", 0).await;
    assert_eq!(seen, json!({"second": true, "first": "ConnectionLostError"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_do_as_well() {
    let place = Place::new().await;
    place.send(place.identity.device_id(), 100);
    let seen = place.run("websocket", 100).await;
    assert_eq!(seen, json!({"ids": ["0", "1", "2", "3"], "events": 100}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_from_the_service_sdk_reaches_the_device_sdk() {
    let seen = Place::new().await.run("to_device", 0).await;
    let expected = json!({
        "body": "{\"hello\": 1}",
        "id": "m-1",
        "type": "application/json",
        "encoding": "utf-8",
        "properties": {"colour": "red & blue"},
    });
    assert_eq!(seen, expected);
}
