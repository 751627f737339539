//! `setpoint emulator`: the local Azure IoT alone.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use setpoint_emulator::running::{self, Running};
use setpoint_emulator::state::Limit;
use setpoint_emulator::{Declaration, Identity, paste};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Usage;
use super::local::{Data, Local, Ports, listings};
use super::logging::Logging;
use super::page::Page;

/// Runs the local Azure IoT: DPS and IoT Hub for devices, the service API for everybody else
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint emulator                             prints what to paste for an SDK, then serves until Ctrl-C;
                                                the second line has the link to its page for a browser
  eval \"$(setpoint emulator --env)\"             the same block into this shell, beside a running emulator
  setpoint emulator --config azure.yaml         with the hubs, devices and enrollments of a file
  setpoint emulator --listen 127.0.0.1:0 --https 127.0.0.1:0 --amqp 127.0.0.1:0 --data ./azure")]
pub(crate) struct Emulator {
    /// Where devices connect, with MQTT over TLS
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8883")]
    listen: SocketAddr,

    /// Where services connect, with HTTPS
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    https: SocketAddr,

    /// A file in YAML that declares hubs, devices, enrollments and groups to begin with
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Where services speak AMQP: the built-in endpoint for Event Hubs SDKs, and messages for devices
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5671")]
    amqp: SocketAddr,

    #[command(flatten)]
    page: Page,

    #[command(flatten)]
    data: Data,

    /// Holds devices and services to throttles of the real hub, which are off otherwise: `s1` for all that tier S1 has, or
    /// connects, sends, twin-reads, twin-updates, cloud-to-device, methods, registry, queries. Each hub has its own, also those
    /// that a file declares; it may say others for them
    #[arg(long, value_name = "LIMITS", value_delimiter = ',')]
    throttle: Vec<Limit>,

    /// Prints the block to paste as export lines and exits
    #[arg(long)]
    env: bool,

    #[command(flatten)]
    logging: Logging,
}

impl Emulator {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let folder = self.data.folder()?;
        if self.env {
            return self.print_environment(&folder);
        }
        self.logging.start()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("no threads")?;
        runtime.block_on(self.serve(&folder))
    }

    async fn serve(self, folder: &Path) -> anyhow::Result<()> {
        let addresses = [self.listen, self.https, self.amqp]
            .into_iter()
            .chain(self.page.named());
        for address in addresses.filter(|address| !address.ip().is_loopback()) {
            eprintln!(
                "setpoint: warning: {address} can be reached from other machines; whoever has the keys can use it"
            );
        }
        // Before anything is printed that somebody may answer with a signal.
        let mut signals = Signals::listen().context("signals cannot be waited for")?;
        let identity = Identity::open(folder)?;
        let declaration = self.declaration(&identity)?;
        let identity = identity.with_names(declaration.hubs());
        let ports = Ports {
            mqtt: self.listen,
            https: self.https,
            amqp: Some(self.amqp),
        };
        let mut local = Local::start_declared(folder, identity, &declaration, ports, self.data.named(), false).await?;
        let page = self.page.start(&mut local.emulator).await?;
        local.emulator.throttle(&self.throttle);
        let (mqtt, https) = (local.emulator.mqtt_address(), local.emulator.https_address());
        let amqp = local.emulator.amqp_address().unwrap_or(self.amqp);
        let block = block(
            &local.identity,
            &declaration,
            mqtt.port(),
            https.port(),
            Some(amqp.port()),
        )?;
        let mut out = io::stdout();
        // The block is what `eval` takes, so everything else here is a comment too.
        write!(
            out,
            "# MQTT on {mqtt}, HTTPS on {https}, AMQP on {amqp}; Ctrl-C ends it\n{page}{block}"
        )
        .and_then(|()| out.flush())?;
        signals.received().await;
        local.emulator.stop().await;
        Ok(())
    }

    /// What the file declares; nothing without one.
    fn declaration(&self, identity: &Identity) -> Result<Declaration, Usage> {
        let Some(path) = &self.config else {
            return Ok(Declaration::default());
        };
        Declaration::open(path, identity).map_err(|error| Usage(error.to_string()))
    }

    /// The ports of the emulator that runs on this data folder, or those it would have.
    fn print_environment(&self, folder: &Path) -> anyhow::Result<()> {
        let identity = Identity::open(folder)?;
        let declaration = self.declaration(&identity)?;
        let running = running::list(&listings(folder)).with_context(|| folder.display().to_string())?;
        let ours = identity.directory().map(std::path::absolute).transpose()?;
        // Not one inside a device: it ends with that, and most SDKs cannot be told its port.
        let alone = |running: &&Running| !running.embedded && Some(&running.identity) == ours.as_ref();
        let (mqtt, https, amqp) = match running.iter().find(alone) {
            Some(running) => (running.mqtt, running.https, running.amqp),
            None => (self.listen, self.https, Some(self.amqp)),
        };
        let ports = [Some(mqtt), Some(https), amqp];
        if ports.into_iter().flatten().any(|address| address.port() == 0) {
            let message = "port 0 is known only once an emulator runs; start it first, or name the ports";
            return Err(Usage(message.to_owned()).into());
        }
        let amqp = amqp.map(|amqp| amqp.port());
        let block = block(&identity, &declaration, mqtt.port(), https.port(), amqp)?;
        Ok(io::stdout().write_all(block.as_bytes())?)
    }
}

fn block(
    identity: &Identity,
    declaration: &Declaration,
    mqtt: u16,
    https: u16,
    amqp: Option<u16>,
) -> anyhow::Result<String> {
    let ca = identity.ca_path().context("the certificate authority is in no file")?;
    let ca = std::path::absolute(&ca).with_context(|| ca.display().to_string())?;
    let declared = paste::declared(identity, declaration, mqtt);
    let amqp = amqp
        .map(|port| paste::amqp_environment(identity, port))
        .unwrap_or_default();
    Ok(paste::environment(identity, mqtt, https, &ca) + &amqp + &declared)
}

/// The signals that end a command: Ctrl-C, and SIGTERM as service managers send it.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signals {
    /// From now on they no longer kill the process. Needs a runtime around it.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub(super) async fn received(&mut self) {
        self.next().await;
    }

    /// Waits for the next one, and says which.
    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.interrupt.recv() => Told::Interrupt,
            _ = self.terminate.recv() => Told::Terminate,
        }
    }
}
