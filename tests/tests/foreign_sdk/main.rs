//! The emulator and Microsoft's Python SDKs, unmodified: clients that share none of this project's code.
//!
//! The device SDK knows one port, 8883. So each test has its own emulator on an address of its own out of the 16 million of
//! 127/8, which on Linux are all this machine's, and the certificate covers that address.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

mod service;
mod venv;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use setpoint_emulator::state::{DeviceEvent, EventKind};
use setpoint_emulator::{Emulator, Identity, Options, StartError};
use setpoint_protocol::{DeviceConnectionString, Endpoint, Key, ServiceConnectionString};
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;

/// The port the device SDK connects to.
const MQTT_PORT: u16 = 8883;

/// How long the hub may take to notice that a process has ended.
const PATIENCE: Duration = Duration::from_secs(30);

/// One emulator, and the way to it for the SDKs.
struct Place {
    emulator: Emulator,
    identity: Arc<Identity>,
    events: Receiver<Arc<DeviceEvent>>,
    folder: TempDir,
}

/// Who the device says it is.
struct Credentials {
    device_id: String,
    key: Key,
}

impl Place {
    async fn new() -> Place {
        loop {
            let address = loopback_address();
            let identity = Arc::new(Identity::temporary().unwrap().with_host(&address.to_string()));
            setpoint_test_logs::start();
            let hub_keys = identity.device_keys().iter().chain([identity.service_key()]);
            setpoint_test_logs::keys(identity.group_keys().iter().chain(hub_keys));
            let options = Options {
                mqtt: SocketAddr::new(address, MQTT_PORT),
                https: SocketAddr::new(address, 0),
                identity: Arc::clone(&identity),
            };
            match Emulator::start(options).await {
                // Another program's address: take another.
                Err(StartError::PortInUse { .. }) => continue,
                started => {
                    let emulator = started.unwrap();
                    let events = emulator.hub().subscribe();
                    return Place {
                        emulator,
                        identity,
                        events,
                        folder: tempfile::tempdir().unwrap(),
                    };
                }
            }
        }
    }

    /// The device that is enrolled from the start.
    fn device(&self) -> Credentials {
        let [key, _] = self.identity.device_keys();
        Credentials {
            device_id: self.identity.device_id().to_owned(),
            key: key.clone(),
        }
    }

    /// Runs a scenario of `scenarios.py`; what it saw.
    async fn run(&self, scenario: &str, device: &Credentials) -> Value {
        self.run_script("scenarios.py", scenario, device).await
    }

    /// Runs a scenario of a script beside that one.
    async fn run_script(&self, script: &str, scenario: &str, device: &Credentials) -> Value {
        setpoint_test_logs::keys([&device.key]);
        let host = self.identity.host().to_owned();
        let authority = self.folder.path().join("ca.pem");
        std::fs::write(&authority, self.identity.ca_pem()).unwrap();
        let at_hub = DeviceConnectionString {
            host: Endpoint::new(&host),
            device_id: device.device_id.clone(),
            module_id: None,
            key: Some(device.key.clone()),
            gateway: None,
        };
        let operator = ServiceConnectionString {
            host: Endpoint {
                host: host.clone(),
                port: Some(self.emulator.https_address().port()),
            },
            policy: self.identity.service_policy().to_owned(),
            key: self.identity.service_key().clone(),
        };
        let environment = [
            ("IOTHUB_DEVICE_DPS_ENDPOINT", host),
            ("IOTHUB_DEVICE_DPS_ID_SCOPE", self.identity.id_scope().to_owned()),
            ("IOTHUB_DEVICE_DPS_DEVICE_ID", device.device_id.clone()),
            ("IOTHUB_DEVICE_DPS_DEVICE_KEY", device.key.to_base64()),
            ("IOTHUB_DEVICE_CONNECTION_STRING", at_hub.to_text()),
            ("IOTHUB_CONNECTION_STRING", operator.to_text()),
            ("SSL_CERT_FILE", authority.to_string_lossy().into_owned()),
            ("REQUESTS_CA_BUNDLE", authority.to_string_lossy().into_owned()),
            // No proxy leads back to this machine.
            ("NO_PROXY", "*".to_owned()),
        ];
        let script = format!("{}/python/{script}", env!("CARGO_MANIFEST_DIR"));
        let name = scenario.to_owned();
        let running = move || {
            Command::new(venv::python())
                .args([&script, &name])
                .envs(environment)
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

    /// What the hub's listeners heard, up to when the device was gone for the last time: the hub may learn of that only after
    /// the SDK's process has ended.
    async fn heard(&mut self) -> Vec<Arc<DeviceEvent>> {
        let mut heard = Vec::new();
        while self.emulator.hub().devices().iter().any(|device| device.connected) {
            heard.push(
                tokio::time::timeout(PATIENCE, self.events.recv())
                    .await
                    .unwrap()
                    .unwrap(),
            );
        }
        heard.extend(std::iter::from_fn(|| self.events.try_recv().ok()));
        heard
    }
}

fn loopback_address() -> IpAddr {
    let random = RandomState::new().build_hasher().finish().to_be_bytes();
    // 127.0.x.y is left to what people run by hand, and the last part is neither network nor broadcast.
    IpAddr::V4(Ipv4Addr::new(127, random[0].max(1), random[1], random[2].clamp(1, 254)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_device_lives_its_whole_day() {
    let mut place = Place::new().await;
    let device = place.device();
    let seen = place.run("thermostat", &device).await;

    assert_eq!(
        seen["twin_at_device"]["reported"],
        json!({"maxTempSinceLastReboot": 10.96, "$version": 2})
    );
    assert_eq!(seen["twin_at_device"]["desired"], json!({"$version": 1}));
    assert_eq!(
        (&seen["reported_at_service"], &seen["desired_at_service"]),
        (&json!(10.96), &json!(42.5))
    );
    assert_eq!(seen["patch"], json!({"targetTemperature": 42.5, "$version": 2}));
    let answer = json!({"asked": "2026-01-01T00:00:00Z", "by": "getMaxMinReport"});
    assert_eq!(seen["response"], json!({"status": 201, "payload": answer}));

    let twin = place.emulator.hub().twin(&device.device_id).unwrap();
    assert_eq!(twin["modelId"], "dtmi:com:example:Thermostat;1");
    assert_eq!(twin["properties"]["reported"]["targetTemperature"]["av"], 2);
    let heard = place.heard().await;
    let kinds: Vec<_> = heard.iter().map(|event| event.kind).collect();
    use EventKind::{Connected, Disconnected, Reported, Telemetry};
    assert_eq!(kinds, [Connected, Reported, Reported, Telemetry, Disconnected]);
    let telemetry = &heard[3];
    assert_eq!(
        serde_json::from_slice::<Value>(&telemetry.body).unwrap(),
        json!({"temperature": 22})
    );
    assert!(
        telemetry
            .system
            .contains(&("content-type".to_owned(), "application/json".to_owned()))
    );
    assert!(
        telemetry
            .system
            .contains(&("content-encoding".to_owned(), "utf-8".to_owned()))
    );
    assert_eq!(
        telemetry.application,
        [("a colour".to_owned(), Some("red & blue".to_owned()))]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_of_the_group_is_assigned_under_its_own_name() {
    let place = Place::new().await;
    let key = place.identity.group_keys()[0].derive("sensor-7");
    let seen = place
        .run(
            "provisioned",
            &Credentials {
                device_id: "sensor-7".to_owned(),
                key: key.clone(),
            },
        )
        .await;
    assert_eq!(seen["status"], "assigned");
    assert_eq!(
        (&seen["hub"], &seen["device"]),
        (&json!(place.identity.host()), &json!("sensor-7"))
    );
    let device = place.emulator.hub().device("sensor-7").unwrap();
    assert_eq!(device.credentials.keys().unwrap()[0], key);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_sdk_keeps_the_registry() {
    let place = Place::new().await;
    let seen = place.run("registry", &place.device()).await;
    assert_eq!(seen["keys_differ"], true);
    assert_eq!(seen["listed"], json!(["made-by-sdk", "my-pnp-device"]));
    assert_eq!(seen["status"], "disabled");
    assert!(seen["gone"].as_str().unwrap().contains("Not Found"), "{seen}");
    assert!(place.emulator.hub().device("made-by-sdk").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_python_client_takes_over() {
    let mut place = Place::new().await;
    let seen = place.run("takeover", &place.device()).await;
    assert_eq!(seen, json!({"first_dropped": true, "second_connected": true}));
    let kinds: Vec<_> = place.heard().await.iter().map(|event| event.kind).collect();
    use EventKind::{Connected, Disconnected, Telemetry};
    assert_eq!(kinds, [Connected, Disconnected, Connected, Telemetry, Disconnected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_that_comes_back_still_hears_its_patches() {
    let place = Place::new().await;
    let seen = place.run("reconnect", &place.device()).await;
    assert_eq!(
        seen,
        json!({"returned": true, "patch": {"targetTemperature": 7, "$version": 2}})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused() {
    let mut place = Place::new().await;
    let device = Credentials {
        key: Key::from_bytes(vec![7; 32]),
        ..place.device()
    };
    let seen = place.run("wrong_key", &device).await;
    assert_eq!(seen, json!({"dps": "ClientError", "hub": "CredentialError"}));
    assert!(place.heard().await.is_empty());
}
