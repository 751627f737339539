//! An emulator on ports that SDKs know, and the way to it for them.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use setpoint_emulator::identity::DeviceCertificate;
use setpoint_emulator::state::DeviceEvent;
use setpoint_emulator::{Emulator, Identity, Options, StartError, paste};
use setpoint_protocol::{Endpoint, Key, ServiceConnectionString};
use setpoint_tests::loopback_address;
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;

use super::{Sdk, tunnel::Tunnels};

/// The port that device SDKs connect to.
const MQTT_PORT: u16 = 8883;

/// The port that they connect to for WebSockets, and Node's service SDK for HTTPS.
const HTTPS_PORT: u16 = 443;

/// How long the hub may take to notice that a process has ended.
const PATIENCE: Duration = Duration::from_secs(30);

/// One emulator.
pub(crate) struct Place {
    pub(crate) emulator: Emulator,
    pub(crate) identity: Arc<Identity>,
    events: Receiver<Arc<DeviceEvent>>,
    folder: TempDir,
}

/// What a scenario is given: who the device is, what it proves itself with, which way it goes.
#[derive(Clone)]
pub(crate) struct Task {
    pub(crate) device_id: String,
    members: Value,
}

impl Place {
    pub(crate) async fn new() -> Place {
        // Some systems keep port 443 for the administrator, and some of those let everybody have it within a container.
        let mut https_port = HTTPS_PORT;
        loop {
            let address = loopback_address();
            let identity = Arc::new(Identity::temporary().unwrap().with_host(&address.to_string()));
            setpoint_test_logs::start();
            let hub_keys = identity.device_keys().iter().chain([identity.service_key()]);
            setpoint_test_logs::keys(identity.group_keys().iter().chain(hub_keys));
            let options = Options {
                mqtt: SocketAddr::new(address, MQTT_PORT),
                https: SocketAddr::new(address, https_port),
                identity: Arc::clone(&identity),
                data: None,
            };
            match Emulator::start(options).await {
                // Another program's address: take another.
                Err(StartError::PortInUse { .. }) => continue,
                Err(StartError::Listen { address, .. }) if address.port() == HTTPS_PORT => https_port = 0,
                started => {
                    let emulator = started.unwrap();
                    emulator.hub().keep_connects(1000);
                    return Place {
                        events: emulator.hub().subscribe(),
                        emulator,
                        identity,
                        folder: tempfile::tempdir().unwrap(),
                    };
                }
            }
        }
    }

    /// A proxy that leads to the HTTPS port.
    pub(crate) async fn tunnels(&self) -> Tunnels {
        Tunnels::to(self.emulator.https_address()).await
    }

    /// The port that the HTTPS side has in place of [`HTTPS_PORT`], when it could not have that.
    fn other_https_port(&self) -> Option<u16> {
        Some(self.emulator.https_address().port()).filter(|port| *port != HTTPS_PORT)
    }

    /// A task for a device that has nothing to prove itself with yet.
    pub(crate) fn task(&self, device_id: &str) -> Task {
        Task {
            device_id: device_id.to_owned(),
            members: json!({"hub": self.identity.host(), "deviceId": device_id, "transport": "mqtt"}),
        }
    }

    /// A task for the device that is enrolled from the start.
    pub(crate) fn device(&self) -> Task {
        let [key, _] = self.identity.device_keys();
        self.task(self.identity.device_id()).with_key(key)
    }

    /// A folder of this place's own.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file of this place.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// The emulator's authority as a file.
    pub(crate) fn authority(&self) -> PathBuf {
        self.file("ca.pem", self.identity.ca_pem())
    }

    /// A scenario of a script, ready to be started.
    pub(crate) fn command(&self, script: &str, scenario: &str, task: &Task) -> Command {
        let sdk = Sdk::of(script);
        let mut command = sdk.command(&sdk.folder().join(script), self.folder());
        let service = ServiceConnectionString {
            host: Endpoint {
                host: self.identity.host().to_owned(),
                // Node's service SDK takes no port here, and gets to the right one in the way below.
                port: self.other_https_port().filter(|_| sdk == Sdk::Python),
            },
            policy: self.identity.service_policy().to_owned(),
            key: self.identity.service_key().clone(),
        };
        if let (Sdk::Node, Some(port)) = (sdk, self.other_https_port()) {
            let required = sdk.folder().join("other_port.js");
            command
                // In quotes, because a path may have spaces in it.
                .env("NODE_OPTIONS", format!("--require \"{}\"", required.display()))
                .env("HTTPS_PORT", port.to_string());
        }
        if task.members.get("key").is_some() {
            command.env("IOTHUB_DEVICE_CONNECTION_STRING", task.connection_string());
        }
        if let Some(amqp) = self.emulator.amqp_address() {
            // As it is printed to be pasted.
            let line = paste::amqp_environment(&self.identity, amqp.port());
            let (_, string) = line.split_once("EVENTHUB_CONNECTION_STRING=").unwrap();
            let string = string.lines().next().unwrap().trim_matches(['\'', '"']);
            command.env("EVENTHUB_CONNECTION_STRING", string);
        }
        let authority = self.authority();
        command
            .arg(scenario)
            .env("IOTHUB_CONNECTION_STRING", service.to_text())
            .env("IOTHUB_DEVICE_DPS_ENDPOINT", self.identity.host())
            .env("IOTHUB_DEVICE_DPS_DEVICE_ID", &task.device_id)
            .env("SSL_CERT_FILE", &authority)
            .env("REQUESTS_CA_BUNDLE", &authority)
            .env("NODE_EXTRA_CA_CERTS", &authority)
            // No proxy of this machine's leads back to it.
            .env("NO_PROXY", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a scenario that every SDK has; what it saw.
    pub(crate) async fn run(&self, sdk: Sdk, scenario: &str, task: &Task) -> Value {
        self.run_script(sdk.scenarios(), scenario, task).await
    }

    /// Runs a scenario of a script.
    pub(crate) async fn run_script(&self, script: &str, scenario: &str, task: &Task) -> Value {
        let mut task = task.clone();
        let over_websockets = task.members["transport"] == "websockets";
        // Where port 443 is not to be had, Python and C get there by a proxy.
        let tunnels = match self.other_https_port() {
            Some(_) if over_websockets && Sdk::of(script) != Sdk::Node => Some(self.tunnels().await),
            _ => None,
        };
        if let (Some(tunnels), None) = (&tunnels, task.members.get("proxy")) {
            task = task.through(tunnels);
        }
        let mut command = self.command(script, scenario, &task);
        let output = tokio::task::spawn_blocking(move || {
            let mut running = command.spawn().unwrap();
            running.stdin.take().unwrap().write_all(task.line().as_bytes()).unwrap();
            running.wait_with_output().unwrap()
        });
        seen(scenario, &output.await.unwrap())
    }

    /// What the hub's listeners heard, up to when every device was gone: the hub may learn of that only after the SDK's process
    /// has ended.
    pub(crate) async fn heard(&mut self) -> Vec<Arc<DeviceEvent>> {
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

impl Task {
    /// Tells the scenario something more.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Task {
        self.members[name] = value;
        self
    }

    /// The device provisions.
    pub(crate) fn provisioned(self, place: &Place) -> Task {
        let identity = &place.identity;
        self.with(
            "dps",
            json!({"endpoint": identity.host(), "idScope": identity.id_scope()}),
        )
    }

    /// It has a symmetric key.
    pub(crate) fn with_key(self, key: &Key) -> Task {
        setpoint_test_logs::keys([key]);
        self.with("key", json!(key.to_base64()))
    }

    /// It is given a connection string with the key that it has.
    pub(crate) fn with_connection_string(self) -> Task {
        let string = self.connection_string();
        self.with("connectionString", json!(string))
    }

    fn connection_string(&self) -> String {
        let text = |name: &str| self.members[name].as_str().unwrap();
        let (hub, key) = (text("hub"), text("key"));
        format!("HostName={hub};DeviceId={};SharedAccessKey={key}", self.device_id)
    }

    /// It has a certificate.
    pub(crate) fn with_certificate(self, place: &Place, certificate: &DeviceCertificate) -> Task {
        setpoint_test_logs::private_key(&certificate.key_pem);
        self.with(
            "certificate",
            json!(place.file("device.pem", &certificate.certificate_pem)),
        )
        .with("privateKey", json!(place.file("device.key", &certificate.key_pem)))
    }

    /// It speaks MQTT through a WebSocket.
    pub(crate) fn over_websockets(self) -> Task {
        self.with("transport", json!("websockets"))
    }

    /// It goes through a proxy.
    pub(crate) fn through(self, tunnels: &Tunnels) -> Task {
        let address = tunnels.address();
        self.with(
            "proxy",
            json!({"host": address.ip().to_string(), "port": address.port()}),
        )
    }

    /// The line that a scenario reads.
    pub(crate) fn line(&self) -> String {
        format!("{}\n", self.members)
    }
}

/// The object on the last line of a scenario that went well.
fn seen(scenario: &str, output: &Output) -> Value {
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

/// The first message of a device's day: its body, what the SDK says of that, and a property with a space and a sign in it.
pub(crate) fn assert_whole(telemetry: &DeviceEvent) {
    let body: Value = serde_json::from_slice(&telemetry.body).unwrap();
    assert_eq!(body, json!({"temperature": 22}));
    for (name, value) in [("content-type", "application/json"), ("content-encoding", "utf-8")] {
        let property = (name.to_owned(), value.to_owned());
        assert!(telemetry.system.contains(&property), "{:?}", telemetry.system);
    }
    let colour = [("a colour".to_owned(), Some("red & blue".to_owned()))];
    assert_eq!(telemetry.application, colour);
}
