//! DPS and Microsoft's Python SDKs, unmodified: the service's, with which devices are enrolled, and the device's, which registers.
//!
//! The device SDK knows two ports, 8883 and for WebSockets 443. So each test has its own emulator on addresses of its own out of the 16
//! million of 127/8, which on Linux are all this machine's, and the certificate covers them.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use setpoint_emulator::identity::{DeviceCertificate, PROVISIONING_POLICY};
use setpoint_emulator::state::{
    EnrolledCertificate, Enrollment, Group, Reprovisioning, Terms, Thumbprint, TrustedAuthority,
};
use setpoint_emulator::{Declaration, Emulator, Identity, Options, StartError};
use setpoint_protocol::{Endpoint, Key, ServiceConnectionString};
use setpoint_tests::{loopback_address, venv};
use tempfile::TempDir;

/// The port that the device SDK connects to.
const MQTT_PORT: u16 = 8883;

/// The port that it connects to for WebSockets.
const HTTPS_PORT: u16 = 443;

/// An emulator with a second hub.
struct Place {
    emulator: Emulator,
    identity: Arc<Identity>,
    /// The second hub's name.
    second: String,
    /// Whether WebSockets are where the SDK looks for them.
    websockets: bool,
    folder: TempDir,
}

impl Place {
    async fn new() -> Place {
        setpoint_test_logs::start();
        // Some systems keep port 443 for the administrator.
        let mut https_port = HTTPS_PORT;
        loop {
            let (first, second) = (loopback_address(), loopback_address().to_string());
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("azure.yaml");
            fs::write(&file, format!("hubs: [{second}]\n")).unwrap();
            let identity = Identity::temporary().unwrap().with_host(&first.to_string());
            let declaration = Declaration::open(&file, &identity).unwrap();
            let identity = Arc::new(identity.with_names(declaration.hubs()));
            let keys = identity.device_keys().iter().chain([identity.service_key()]);
            setpoint_test_logs::keys(identity.group_keys().iter().chain(keys));
            setpoint_test_logs::keys([&identity.provisioning_key()]);
            let options = Options {
                mqtt: SocketAddr::new(first, MQTT_PORT),
                https: SocketAddr::new(first, https_port),
                identity: Arc::clone(&identity),
                data: None,
            };
            match Emulator::start_declared(options, &declaration).await {
                // Another program's address: take another.
                Err(StartError::PortInUse { .. }) => continue,
                Err(StartError::Listen { address, .. }) if address.port() == HTTPS_PORT => https_port = 0,
                started => {
                    return Place {
                        emulator: started.unwrap(),
                        identity,
                        second,
                        websockets: https_port == HTTPS_PORT,
                        folder,
                    };
                }
            }
        }
    }

    /// Runs a scenario of `provisioning.py`; what it saw.
    async fn run(&self, scenario: &'static str, task: Value) -> Value {
        let service = ServiceConnectionString {
            host: Endpoint {
                host: self.identity.host().to_owned(),
                port: Some(self.emulator.https_address().port()),
            },
            policy: PROVISIONING_POLICY.to_owned(),
            key: self.identity.provisioning_key(),
        };
        let authority = self.file("ca.pem", self.identity.ca_pem());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/provisioning.py");
        let running = move || {
            Command::new(venv::python())
                .args([script, scenario])
                .env("TASK", task.to_string())
                .env("IOT_PROVISIONING_SERVICE_CONNECTION_STRING", service.to_text())
                .env("SSL_CERT_FILE", &authority)
                .env("REQUESTS_CA_BUNDLE", &authority)
                // No proxy leads back to this machine.
                .env("NO_PROXY", "*")
                .output()
        };
        let output = tokio::task::spawn_blocking(running).await.unwrap().unwrap();
        let (seen, said) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        let status = output.status;
        assert!(status.success(), "{scenario} ended with {status}: {seen}\n{said}");
        serde_json::from_str(seen.lines().last().unwrap()).unwrap()
    }

    /// A file of this place.
    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn certificate(&self, id: &str) -> DeviceCertificate {
        let certificate = self.identity.issue_device_certificate(id).unwrap();
        setpoint_test_logs::private_key(&certificate.key_pem);
        certificate
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_keeps_an_enrolment() {
    let place = Place::new().await;
    let seen = place.run("individual", json!({"hub": place.second})).await;
    let expected = json!({
        "made": true, "again": [409, 409_001], "read_without_keys": true,
        "tags": {"site": "shed"}, "desired": {"targetTemperature": 20}, "device": "Shed", "edge": true,
        "hubs": [place.second], "policy": ["static", false], "created": true,
        "changed": ["disabled", true], "stale": [[412, 412_001], [412, 412_001]], "gone": [404, 404_201],
    });
    assert_eq!(seen, expected);
    assert_eq!(place.emulator.enrollments().get("sdk-1"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_enrolls_certificates() {
    let place = Place::new().await;
    let device = place.certificate("cert-1").certificate_pem;
    let task = json!({"device": device, "authority": place.identity.ca_pem()});
    let seen = place.run("certificates", task).await;
    let thumbprint = Thumbprint::of_pem(&device).unwrap().to_string();
    assert_eq!((&seen["same"], &seen["thumbprint"]), (&json!(true), &json!(thumbprint)));
    assert_eq!(seen["subject"], "CN=cert-1");
    assert!(
        seen["authority"]
            .as_str()
            .unwrap()
            .starts_with("CN=Setpoint emulator authority"),
        "{seen}"
    );
    let info = EnrolledCertificate::from_pem(&device).unwrap().info.unwrap();
    assert_eq!(
        seen["ends"].as_str().unwrap().replace("+00:00", "Z"),
        info.not_after_utc
    );
    assert_eq!(seen["refused"], json!([[400, 400_004], [400, 400_004], [400, 400_004]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_lists_what_is_enrolled() {
    let place = Place::new().await;
    let seen = place.run("lists", json!({})).await;
    let expected = json!({
        "made": true, "again": [false, "bulk-0", 409_001],
        "listed": [["bulk-0", "bulk-1", "bulk-2", "bulk-3"], ["bulk-4", "my-pnp-device"]],
        "groups": [["setpoint", "setpoint-x509"]], "removed": true, "query": [400, 400_004],
    });
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_register_by_key_by_group_and_by_certificate_over_either_way() {
    let place = Place::new().await;
    let enrollments = place.emulator.enrollments();
    let keys = [7, 8].map(|byte| Key::from_bytes(vec![byte; 32]));
    setpoint_test_logs::keys(&keys);
    let there = Terms {
        hubs: vec![place.second.clone()],
        payload: Some(json!({"greeting": "hello"})),
        ..Terms::default()
    };
    let own = Enrollment {
        device_id: Some("Shed".to_owned()),
        terms: there,
        ..Enrollment::new("key-1", keys.clone())
    };
    enrollments.put(own).unwrap();
    let terms = Terms {
        hubs: vec![place.identity.host().to_owned()],
        reprovisioning: Some(Reprovisioning::NEVER),
        ..Terms::default()
    };
    let group = Group::new("keys", keys.clone());
    enrollments
        .put_group(Group {
            terms: terms.clone(),
            ..group
        })
        .unwrap();
    let authority = TrustedAuthority::from_pem(place.identity.ca_pem()).unwrap();
    enrollments.delete_group(setpoint_emulator::X509_GROUP);
    let group = Group::new("certs", authority);
    enrollments.put_group(Group { terms, ..group }).unwrap();
    let certificate = place.certificate("cert-1");
    let (pem, private) = (
        place.file("cert-1.pem", &certificate.certificate_pem),
        place.file("cert-1.key", &certificate.key_pem),
    );
    let member = keys[1].derive("member-1");
    setpoint_test_logs::keys([&member]);
    let websockets = place.websockets;
    let devices = json!([
        {"id": "key-1", "key": keys[0].to_base64()},
        {"id": "member-1", "key": member.to_base64(), "websockets": websockets},
        {"id": "cert-1", "certificate": pem, "private": private},
        {"id": "cert-1", "certificate": pem, "private": private, "websockets": websockets},
        {"id": "key-1", "key": member.to_base64()},
    ]);
    let task = json!({
        "host": place.identity.host(), "scope": place.identity.id_scope(), "group": "certs", "devices": devices,
    });
    let seen = place.run("devices", task).await;
    let here = place.identity.host();
    let result = |hub: &str, device: &str, substatus: &str, payload: Value| json!({"status": "assigned", "substatus": substatus, "hub": hub, "device": device, "payload": payload});
    let (sent, again) = (json!({"colour": "red"}), "reprovisionedToInitialAssignment");
    let results = seen["seen"].as_array().unwrap();
    // The SDK hands payloads over as text.
    let read = |result: &Value| {
        let mut result = result.clone();
        if let Some(text) = result["payload"].as_str() {
            result["payload"] = serde_json::from_str(text).unwrap();
        }
        result
    };
    let first = result(&place.second, "Shed", "initialAssignment", json!({"greeting": "hello"}));
    assert_eq!(read(&results[0]), first);
    assert_eq!(
        read(&results[1]),
        result(here, "member-1", "initialAssignment", sent.clone())
    );
    assert_eq!(
        read(&results[2]),
        result(here, "cert-1", "initialAssignment", sent.clone())
    );
    assert_eq!(read(&results[3]), result(here, "cert-1", again, sent));
    assert!(results[4]["error"].is_string(), "{}", results[4]);
    assert_eq!(seen["state"], json!(["assigned", place.second, "Shed"]));
    assert_eq!(seen["of_group"], json!(["cert-1"]));
    assert_eq!(
        (&seen["again"], &seen["anew"]),
        (&json!(again), &json!("initialAssignment"))
    );
    assert_eq!(seen["gone"], json!([404, 404_202]));
    let second = enrollments.linked(&place.second).unwrap();
    assert_eq!(second.device("Shed").unwrap().credentials, keys.into());
    assert!(place.emulator.hub().device("Shed").is_err());
}
