//! The local Azure IoT on this machine: its data folder, and the one that lives inside another command.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use setpoint::cloud::Trust;
use setpoint_emulator::running::{self, Listing};
use setpoint_emulator::{Declaration, Emulator, Identity, Options, StartError};
use setpoint_protocol::endpoint::Endpoint;

use super::Usage;
use super::environment::{Dps, Proof};

/// Where the local Azure IoT keeps what it is known by, and devices what their hub has not taken yet.
#[derive(Args)]
pub(crate) struct Data {
    /// Folder of the local Azure IoT's keys and certificate authority, the user's data folder when left out. When named,
    /// a device keeps its outbox there too, and delivers after a restart what it had accepted before; and an emulator all that
    /// its hub and DPS know
    #[arg(long, value_name = "DIR", env = "SETPOINT_DATA")]
    data: Option<PathBuf>,
}

impl Data {
    /// The folder, when one was named: then devices keep their outboxes in it.
    pub(crate) fn named(&self) -> Option<&Path> {
        self.data.as_deref()
    }

    /// The folder, which may not exist yet.
    pub(crate) fn folder(&self) -> Result<PathBuf, Usage> {
        let folder = self.data.clone().or_else(running::data_directory);
        folder.ok_or_else(|| Usage("there is no home folder to keep keys in; name one with --data DIR".to_owned()))
    }
}

/// Where an emulator listens.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) mqtt: SocketAddr,
    pub(crate) https: SocketAddr,
    /// None: it does not speak AMQP.
    pub(crate) amqp: Option<SocketAddr>,
}

/// An emulator in this process, which the operator's commands find.
pub(crate) struct Local {
    pub(crate) emulator: Emulator,
    pub(crate) identity: Arc<Identity>,
    _listing: Option<Listing>,
}

impl Ports {
    /// Any that are free on this machine, for devices in the same process.
    pub(crate) fn any() -> Ports {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ports {
            mqtt: any,
            https: any,
            amqp: None,
        }
    }
}

impl Local {
    /// Opens the identity in `folder` (made at the first time) and its ports; AMQP only with an address. With `data`, hub and
    /// DPS keep what they know there. `embedded`: in a device's own process.
    pub(crate) async fn start(
        folder: &Path,
        ports: Ports,
        data: Option<&Path>,
        embedded: bool,
    ) -> anyhow::Result<Self> {
        let (identity, nothing) = (Identity::open(folder)?, Declaration::default());
        Self::start_declared(folder, identity, &nothing, ports, data, embedded).await
    }

    /// The same with an identity that was opened and what a file declares.
    pub(crate) async fn start_declared(
        folder: &Path,
        identity: Identity,
        declaration: &Declaration,
        ports: Ports,
        data: Option<&Path>,
        embedded: bool,
    ) -> anyhow::Result<Self> {
        let Ports { mqtt, https, amqp } = ports;
        let identity = Arc::new(identity);
        let options = Options {
            mqtt,
            https,
            identity: Arc::clone(&identity),
            data: data.map(Path::to_owned),
        };
        let started = Emulator::start_declared(options, declaration).await;
        let mut emulator = started.map_err(|error| match error {
            // The file is the user's to mend, like an argument.
            StartError::Declaration(wrong) => Usage(wrong.to_string()).into(),
            other => anyhow::Error::from(other),
        })?;
        if let Some(address) = amqp {
            emulator.listen_amqp(address).await?;
        }
        let (mqtt, https, amqp) = (
            emulator.mqtt_address(),
            emulator.https_address(),
            emulator.amqp_address(),
        );
        let announce = |place: &Path| running::announce(place, mqtt, https, amqp, folder, embedded);
        // A service may have no home to write to; its own folder is then as good a place as any.
        let listing = announce(&listings(folder)).or_else(|_| announce(folder));
        let listing = listing
            .inspect_err(|error| tracing::warn!("the operator's commands will not find this emulator: {error}"))
            .ok();
        Ok(Self {
            emulator,
            identity,
            _listing: listing,
        })
    }

    /// How its own device registers. WebSockets are spoken on the port for HTTPS.
    pub(crate) fn device(&self, websockets: bool) -> Dps {
        let [key, _] = self.identity.device_keys();
        let address = if websockets {
            self.emulator.https_address()
        } else {
            self.emulator.mqtt_address()
        };
        let endpoint = Endpoint {
            host: self.identity.host().to_owned(),
            port: Some(address.port()),
        };
        Dps {
            endpoint,
            id_scope: self.identity.id_scope().to_owned(),
            registration_id: self.identity.device_id().to_owned(),
            proof: Proof::Key(key.clone()),
        }
    }

    /// Its certificate authority, and nobody else.
    pub(crate) fn trust(&self) -> anyhow::Result<Trust> {
        Ok(Trust::only(self.identity.ca_pem())?)
    }
}

/// Where running emulators are listed: one place for a user, whatever folder their keys are in, so that the operator's
/// commands find them all.
pub(crate) fn listings(folder: &Path) -> PathBuf {
    running::data_directory().unwrap_or_else(|| folder.to_owned())
}
