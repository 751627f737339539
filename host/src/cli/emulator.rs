//! `setpoint emulator`: the local Azure IoT alone.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use clap::Args;
use setpoint_emulator::running::{self, Running};
use setpoint_emulator::{Identity, paste};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Usage;
use super::local::{Data, Local, listings};
use super::logging::Logging;
use super::page::Page;

/// Runs the local Azure IoT: DPS and IoT Hub for devices, the service API for everybody else
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint emulator                             prints what to paste for an SDK, then serves until Ctrl-C;
                                                the second line has the link to its page for a browser
  eval \"$(setpoint emulator --env)\"             the same block into this shell, beside a running emulator
  setpoint emulator --listen 127.0.0.1:0 --https 127.0.0.1:0 --data ./azure")]
pub(crate) struct Emulator {
    /// Where devices connect, with MQTT over TLS
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8883")]
    listen: SocketAddr,

    /// Where services connect, with HTTPS
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    https: SocketAddr,

    #[command(flatten)]
    page: Page,

    #[command(flatten)]
    data: Data,

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
        let addresses = [self.listen, self.https].into_iter().chain(self.page.named());
        for address in addresses.filter(|address| !address.ip().is_loopback()) {
            eprintln!(
                "setpoint: warning: {address} can be reached from other machines; whoever has the keys can use it"
            );
        }
        // Before anything is printed that somebody may answer with a signal.
        let mut signals = Signals::listen().context("signals cannot be waited for")?;
        let mut local = Local::start(folder, self.listen, self.https, false).await?;
        let page = self.page.start(&mut local.emulator).await?;
        let (mqtt, https) = (local.emulator.mqtt_address(), local.emulator.https_address());
        let block = block(&local.identity, mqtt.port(), https.port())?;
        let mut out = io::stdout();
        // The block is what `eval` takes, so everything else here is a comment too.
        write!(out, "# MQTT on {mqtt}, HTTPS on {https}; Ctrl-C ends it\n{page}{block}").and_then(|()| out.flush())?;
        signals.received().await;
        local.emulator.stop().await;
        Ok(())
    }

    /// The ports of the emulator that runs on this data folder, or those it would have.
    fn print_environment(&self, folder: &Path) -> anyhow::Result<()> {
        let identity = Identity::open(folder)?;
        let running = running::list(&listings(folder)).with_context(|| folder.display().to_string())?;
        let ours = identity.directory().map(std::path::absolute).transpose()?;
        // Not one inside a device: it ends with that, and most SDKs cannot be told its port.
        let alone = |running: &&Running| !running.embedded && Some(&running.identity) == ours.as_ref();
        let (mqtt, https) = match running.iter().find(alone) {
            Some(running) => (running.mqtt, running.https),
            None => (self.listen, self.https),
        };
        if mqtt.port() == 0 || https.port() == 0 {
            let message = "port 0 is known only once an emulator runs; start it first, or name the ports";
            return Err(Usage(message.to_owned()).into());
        }
        Ok(io::stdout().write_all(block(&identity, mqtt.port(), https.port())?.as_bytes())?)
    }
}

fn block(identity: &Identity, mqtt: u16, https: u16) -> anyhow::Result<String> {
    let ca = identity.ca_path().context("the certificate authority is in no file")?;
    let ca = std::path::absolute(&ca).with_context(|| ca.display().to_string())?;
    Ok(paste::environment(identity, mqtt, https, &ca))
}

/// The signals that end a command: Ctrl-C, and SIGTERM as service managers send it.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From now on they no longer kill the process. Needs a runtime around it.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the first one.
    pub(super) async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
