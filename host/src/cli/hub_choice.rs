//! Which hub an operator's command goes to: the one named by a connection string, or the emulator that runs on this machine.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use setpoint::cloud::Trust;
use setpoint_emulator::Identity;
use setpoint_emulator::running::{self, Running};
use setpoint_protocol::{Endpoint, ServiceConnectionString};

use super::Usage;
use super::service_client::{CallError, ServiceClient, is_loopback};

const VARIABLE: &str = "IOTHUB_CONNECTION_STRING";

/// What every operator's command takes.
#[derive(Args)]
pub(crate) struct HubChoice {
    /// A hub's service connection string; left out, the local Azure IoT that runs on this machine
    #[arg(long, value_name = "STRING", env = VARIABLE, hide_env_values = true)]
    connection_string: Option<String>,

    /// Trust this certificate authority (PEM) beside the system's and SSL_CERT_FILE
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl HubChoice {
    /// The hub to call about `device`. Of several emulators, the newest that knows the device; or, without a device, the newest.
    pub(crate) fn client(&self, device: Option<&str>) -> anyhow::Result<ServiceClient> {
        match self
            .connection_string
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty())
        {
            Some(text) => self.named(text),
            None => self.local(device),
        }
    }

    fn named(&self, text: &str) -> anyhow::Result<ServiceClient> {
        let hub: ServiceConnectionString = text
            .parse()
            .map_err(|error| Usage(format!("--connection-string or {VARIABLE}, a service's: {error}")))?;
        let mut further: Vec<PathBuf> = self.ca.iter().cloned().collect();
        if is_loopback(&hub.host.host) {
            further.extend(
                emulators()?
                    .iter()
                    .map(|emulator| emulator.identity.join("ca.pem"))
                    .filter(|ca| ca.exists()),
            );
        }
        self.connect(hub, &further)
    }

    fn local(&self, device: Option<&str>) -> anyhow::Result<ServiceClient> {
        let emulators = emulators()?;
        if emulators.is_empty() {
            let way = "start one with `setpoint run` or `setpoint emulator`";
            return Err(Usage(format!(
                "no local Azure IoT runs here; {way}, or name a hub with --connection-string"
            ))
            .into());
        }
        let mut failure = None;
        for emulator in emulators {
            let client = self.emulator(&emulator)?;
            let Some(device) = device else { return Ok(client) };
            match client.twin(device) {
                Ok(_) => return Ok(client),
                // One that does not know the device, or is just ending.
                Err(error @ (CallError::Refused(_) | CallError::Unreachable { .. } | CallError::NotAHub { .. })) => {
                    // The newest one's word is the one to pass on.
                    failure.get_or_insert(error);
                }
            }
        }
        match failure {
            Some(error) => Err(error).context("the local Azure IoT"),
            None => Err(anyhow::anyhow!("the local Azure IoT ended")),
        }
    }

    fn emulator(&self, emulator: &Running) -> anyhow::Result<ServiceClient> {
        let identity = Identity::open(&emulator.identity)?;
        // Its own name is in its certificate, whatever address it listens on.
        let host = Endpoint {
            host: identity.host().to_owned(),
            port: Some(emulator.https.port()),
        };
        let policy = identity.service_policy().to_owned();
        let hub = ServiceConnectionString {
            host,
            policy,
            key: identity.service_key().clone(),
        };
        let further: Vec<PathBuf> = self.ca.iter().cloned().chain(identity.ca_path()).collect();
        self.connect(hub, &further)
    }

    fn connect(&self, hub: ServiceConnectionString, further: &[PathBuf]) -> anyhow::Result<ServiceClient> {
        let further: Vec<&Path> = further.iter().map(PathBuf::as_path).collect();
        let authorities = Trust::authorities(&further).map_err(|error| Usage(error.to_string()))?;
        Ok(ServiceClient::new(hub, &authorities))
    }
}

/// The emulators of this user that run now, the newest first.
fn emulators() -> anyhow::Result<Vec<Running>> {
    let Some(data) = running::data_directory() else {
        return Ok(Vec::new());
    };
    running::list(&data).with_context(|| format!("cannot look for running emulators in {}", data.display()))
}
