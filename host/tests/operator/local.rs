//! An emulator with a device in it, and the program pointed at it.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use setpoint_emulator::running::{self, Listing};
use setpoint_emulator::state::{Delivery, Hub, Link, Subscription};
use setpoint_emulator::{Emulator, Identity, Options};
use setpoint_protocol::{Endpoint, Key, PropertyBag, ServiceConnectionString};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// The device that is there.
pub(crate) const DEVICE: &str = "my-pnp-device";

/// How often the device sends.
const TELEMETRY_INTERVAL: Duration = Duration::from_millis(50);

pub(crate) struct Local {
    pub(crate) identity: Arc<Identity>,
    https: SocketAddr,
    data: TempDir,
    /// Gone once stopped.
    running: Mutex<Option<(Emulator, Listing, JoinHandle<()>)>>,
}

/// What the program left behind.
pub(crate) struct Answer {
    pub(crate) code: i32,
    stdout: String,
    pub(crate) stderr: String,
}

impl Local {
    pub(crate) async fn start() -> Local {
        let data = tempfile::tempdir().unwrap();
        let identity = Arc::new(Identity::open(data.path()).unwrap());
        setpoint_test_logs::start();
        setpoint_test_logs::identities(data.path());
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (emulator, listing) = emulator(&data, &identity, any).await;
        let device = tokio::spawn(live(connect(emulator.hub())));
        Local {
            identity,
            https: emulator.https_address(),
            data,
            running: Mutex::new(Some((emulator, listing, device))),
        }
    }

    /// The emulator once more, at the same address and with what it had kept, but without the device.
    pub(crate) async fn start_again(&self) -> Arc<Hub> {
        let (emulator, listing) = emulator(&self.data, &self.identity, self.https).await;
        let hub = Arc::clone(emulator.hub());
        *self.running.lock().unwrap() = Some((emulator, listing, tokio::spawn(std::future::ready(()))));
        hub
    }

    pub(crate) async fn stop(&self) {
        let running = self.running.lock().unwrap().take();
        if let Some((emulator, listing, device)) = running {
            device.abort();
            drop(listing);
            emulator.stop().await;
        }
    }

    /// The service's, with another key if one is given.
    pub(crate) fn connection_string(&self, key: Option<&Key>) -> String {
        let host = Endpoint {
            host: self.identity.host().to_owned(),
            port: Some(self.https.port()),
        };
        let policy = self.identity.service_policy().to_owned();
        setpoint_test_logs::keys(key);
        ServiceConnectionString {
            host,
            policy,
            key: key.unwrap_or(self.identity.service_key()).clone(),
        }
        .to_text()
    }

    /// The program with these arguments, in an environment that names no hub and no further authority.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_setpoint"));
        command.args(arguments).env("SETPOINT_DATA", self.data.path());
        command
            .env_remove("IOTHUB_CONNECTION_STRING")
            .env_remove("SSL_CERT_FILE")
            .env_remove("SSL_CERT_DIR");
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Answer {
        answer(self.command(arguments)).await
    }
}

async fn emulator(data: &TempDir, identity: &Arc<Identity>, https: SocketAddr) -> (Emulator, Listing) {
    let options = Options {
        mqtt: SocketAddr::from(([127, 0, 0, 1], 0)),
        https,
        identity: Arc::clone(identity),
        data: Some(data.path().to_owned()),
    };
    let emulator = Emulator::start(options).await.unwrap();
    let (mqtt, https) = (emulator.mqtt_address(), emulator.https_address());
    let listing = running::announce(data.path(), mqtt, https, None, data.path(), false).unwrap();
    (emulator, listing)
}

pub(crate) async fn answer(mut command: Command) -> Answer {
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    let answer = Answer {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    setpoint_test_logs::printed(&answer.stdout);
    setpoint_test_logs::printed(&answer.stderr);
    answer
}

impl Answer {
    /// What it printed.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {:?} {}", self.stdout, self.stderr))
    }

    /// The one line on standard error.
    #[track_caller]
    pub(crate) fn line(&self) -> &str {
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        self.stderr.trim_end()
    }
}

fn connect(hub: &Arc<Hub>) -> Link {
    let mut link = hub.connect(DEVICE, true, None).unwrap();
    link.subscribe(Subscription::Methods, Some(0));
    link.subscribe(Subscription::Desired, Some(0));
    link
}

/// A device that says back what it is called with, refuses what is called `unknown` or `refused`, and ignores `ignored`.
async fn live(mut link: Link) {
    let mut tick = tokio::time::interval(TELEMETRY_INTERVAL);
    loop {
        tokio::select! {
            delivery = link.next() => match delivery {
                Delivery::Method { name, rid, payload } => {
                    let payload: Value = serde_json::from_slice(&payload).unwrap_or_default();
                    let status = if name == "unknown" { 404 } else { 200 };
                    link.respond(&rid, status, json!({"name": name, "payload": payload}).to_string().into_bytes());
                }
                Delivery::Desired { patch, version } => {
                    for (name, value) in patch.iter().filter(|(name, _)| *name != "ignored") {
                        let status = if name == "refused" { 400 } else { 200 };
                        let report = json!({ name: {"value": value, "ac": status, "av": version, "ad": "said"} });
                        link.report(report.as_object().unwrap()).unwrap();
                    }
                }
                _ => return,
            },
            _ = tick.tick() => {
                let _ = link.telemetry(PropertyBag::default(), b"{\"temperature\": 22}".to_vec());
            }
        }
    }
}
