//! `setpoint run`: one device.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use setpoint::clock::{Clock, SystemClock};
use setpoint::cloud::{
    Access, AzureConnector, ConnectionString, Connector, Credential, DpsProvisioner, Provisioner, TokenClock, Trust,
};
use setpoint::device::{Device, Operator, Session, run};
use setpoint::record::Tape;
use setpoint::sandbox::{Cache, Limits, Program, Random, Sandbox, SharedRandom, Surroundings, THERMOSTAT, Tap};

use super::Usage;
use super::console::Console;
use super::emulator::Signals;
use super::environment::{Cloud, Dps, Proof};
use super::limits::GuestLimits;
use super::local::{Data, Local, Ports};
use super::logging::Logging;
use super::outbox::{Identity, OutboxOptions};
use super::record::unwritable;
use super::running::Served;
use super::watch::Watch;
use super::way::Way;

/// Runs one device, against the local Azure IoT or the one the environment names
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint run                                       the thermostat, with a local Azure IoT inside
  setpoint run --config interval=2                   a temperature every 2 s
  setpoint run my-device.wasm --log guest=debug,warn
  setpoint run --record day.jsonl                    for `setpoint replay`; it holds the configuration, secrets too
  setpoint run --watch my-device.wasm                swaps it in again whenever it is built
  eval \"$(setpoint emulator --env)\"; setpoint run    against an emulator that runs elsewhere
  IOTHUB_DEVICE_SECURITY_TYPE=DPS IOTHUB_DEVICE_DPS_ID_SCOPE=.. IOTHUB_DEVICE_DPS_DEVICE_ID=.. \\
    IOTHUB_DEVICE_DPS_DEVICE_KEY=.. setpoint run     against Azure, with the variables of Microsoft's samples;
                                                     X509_CERT_FILE=.. X509_KEY_FILE=.. in place of the key
  HTTPS_PROXY=http://proxy:3128 setpoint run --websockets
                                                     out of a network that lets nothing but HTTPS through

Ends on q and Enter, Ctrl-C or SIGTERM.")]
pub(crate) struct Run {
    /// A component, or a core module that wit-bindgen made; the built-in thermostat when left out
    guest: Option<PathBuf>,

    /// Swaps the guest whenever its file changes, while the connection stays
    #[arg(long, requires = "guest")]
    watch: bool,

    /// Sets a value that the guest can read; the thermostat knows interval (seconds) and window (readings)
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    config: Vec<(String, String)>,

    /// Trusts the certificate authorities in this PEM file as well
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Restarts of a guest that fails, in a row and with growing pauses; after them it is parked
    #[arg(long, value_name = "N", default_value_t = 10)]
    restarts: u32,

    /// Writes what goes in and out of the guest to this new file, from power-on to the end
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    #[command(flatten)]
    way: Way,

    #[command(flatten)]
    limits: GuestLimits,

    #[command(flatten)]
    outbox: OutboxOptions,

    #[command(flatten)]
    data: Data,

    #[command(flatten)]
    logging: Logging,
}

pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("takes KEY=VALUE, for example interval=2".to_owned()),
    }
}

/// Which hub, and how it is reached.
struct Route {
    provisioner: Arc<dyn Provisioner>,
    connector: Arc<dyn Connector>,
    /// Whether a provisioning service is asked.
    provisioned: bool,
    /// The embedded emulator, to be kept while the device runs.
    local: Option<Local>,
}

impl Run {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let cloud = Cloud::from_environment(|name| std::env::var(name).ok())?;
        self.logging.start()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            // One for the device, one for the hub beside it.
            .worker_threads(2)
            .enable_all()
            .build()
            .context("no threads")?;
        let signals = runtime
            .block_on(async { Signals::listen() })
            .context("signals cannot be waited for")?;
        let program = self.program()?;
        let ended = runtime.block_on(self.device(cloud, &program, signals));
        // A thread that still waits for the keyboard must not keep the process.
        runtime.shutdown_timeout(Duration::from_millis(100));
        ended
    }

    fn program(&self) -> anyhow::Result<Program> {
        let limits = Limits {
            // The one that runs, and two that are about to take its place.
            instances: 3,
            ..self.limits.limits()
        };
        let sandbox = Sandbox::new(limits, cache())?;
        Ok(match &self.guest {
            Some(path) => Program::open(&sandbox, path)?,
            None => Program::load(&sandbox, "thermostat", THERMOSTAT)?,
        })
    }

    async fn device(&self, cloud: Cloud, program: &Program, signals: Signals) -> anyhow::Result<()> {
        let identity = Identity::of(&cloud);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let route = self.route(cloud, TokenClock::new(Arc::clone(&clock))).await?;
        let surroundings = Surroundings {
            clock: Arc::clone(&clock),
            random: SharedRandom::new(secure_random()?),
            config: Arc::new(self.config.iter().cloned().collect::<BTreeMap<_, _>>()),
            assignment: None,
            tap: Tap::default(),
        };
        let tape = self.tape(&surroundings.tap)?;
        let (operator, control) = Operator::new(surroundings.clone());
        let console = Console::new(std::io::stdout(), operator.clone(), route.provisioned);
        let device = Device::new(program, surroundings, Box::new(console))?.restarts(self.restarts);
        let device = self.outbox.furnish(device, self.data.named(), &identity)?;
        listen_to_keyboard(operator.clone())?;
        let served = Served::start(operator.clone(), program.sandbox().clone())
            .inspect_err(|error| tracing::warn!("setpoint devices and swap will not find this device: {error}"))
            .ok();
        let _watch = match &self.guest {
            Some(guest) if self.watch => Some(Watch::start(guest, operator.clone(), program.sandbox().clone())?),
            _ => None,
        };
        let signals = tokio::spawn(stop_on_signal(signals, operator));
        let session = Session {
            device,
            provisioner: route.provisioner,
            connector: route.connector,
            clock,
            random: Box::new(secure_random()?),
            control,
        };
        let ended = run(session).await;
        signals.abort();
        if let Some(served) = served {
            served.finish().await;
        }
        // Had it ended before its time, that would have been said then.
        drop(tape);
        if let Some(local) = route.local {
            local.emulator.stop().await;
        }
        Ok(ended?)
    }

    /// Takes everything down from the first instance on, when that was asked for.
    fn tape(&self, tap: &Tap) -> anyhow::Result<Option<Tape>> {
        let Some(file) = &self.record else { return Ok(None) };
        let tape = Tape::create(file).map_err(|error| unwritable(file, &error))?;
        tap.attach(tape.recorder())?;
        Ok(Some(tape))
    }

    async fn route(&self, cloud: Cloud, clock: TokenClock) -> anyhow::Result<Route> {
        match cloud {
            Cloud::Local => {
                let local = Local::start(&self.data.folder()?, Ports::any(), None, true).await?;
                let dps = local.device(self.way.websockets);
                let access = self.access(&dps.proof, &local.trust()?, clock)?;
                let route = by_provisioning(dps, access);
                Ok(Route {
                    local: Some(local),
                    ..route
                })
            }
            Cloud::Dps(dps) => {
                let access = self.access(&dps.proof, &self.trust()?, clock)?;
                Ok(by_provisioning(dps, access))
            }
            Cloud::Hub(string, proof) => {
                let access = self.access(&proof, &self.trust()?, clock)?;
                let hidden = string.key.as_ref().map_or("x509=true", |_| "SharedAccessKey=***");
                let shown = format!("HostName={};DeviceId={};{hidden}", string.host, string.device_id);
                let string = ConnectionString::new(string).map_err(usage)?;
                // As everywhere: a reader that has gone is noticed by the console.
                let _ = writeln!(std::io::stdout(), "Connecting using Connection String {shown}");
                let connector = string.connector(access);
                let (provisioner, connector) = (Arc::new(string), Arc::new(connector));
                Ok(Route {
                    provisioner,
                    connector,
                    provisioned: false,
                    local: None,
                })
            }
        }
    }

    fn trust(&self) -> Result<Trust, Usage> {
        Trust::system(self.ca.as_deref()).map_err(usage)
    }

    /// How a device that proves itself so reaches its cloud.
    fn access(&self, proof: &Proof, trust: &Trust, clock: TokenClock) -> Result<Access, Usage> {
        let credential = match proof {
            Proof::Key(key) => Credential::Key(key.clone()),
            Proof::Certificate(files) => {
                let certificate = files.open().map_err(usage)?;
                if let Some(concern) = certificate.concern(clock.now()) {
                    tracing::warn!("{concern}");
                }
                Credential::Certificate(certificate)
            }
        };
        self.way.apply(Access::new(credential, trust).clock(clock))
    }
}

fn usage(error: impl std::error::Error) -> Usage {
    Usage(error.to_string())
}

fn by_provisioning(dps: Dps, access: Access) -> Route {
    let provisioner = DpsProvisioner::new(dps.endpoint, dps.id_scope, dps.registration_id, access.clone());
    Route {
        provisioner: Arc::new(provisioner),
        connector: Arc::new(AzureConnector::new(access)),
        provisioned: true,
        local: None,
    }
}

/// Compiled guests in the user's cache folder. Without it every start compiles.
pub(super) fn cache() -> Option<Cache> {
    let folders = directories::ProjectDirs::from("", "", "setpoint")?;
    let opened = Cache::open(folders.cache_dir());
    opened
        .inspect_err(|error| tracing::warn!("compiled guests are not kept: {error}"))
        .ok()
}

/// A generator seeded by the system.
fn secure_random() -> anyhow::Result<impl Random + 'static> {
    let mut generator = StdRng::try_from_rng(&mut rand::rngs::SysRng).context("the system gives no randomness")?;
    Ok(move || generator.next_u64())
}

/// q and Enter stop the device. The end of standard input does not: a device runs on without a keyboard.
fn listen_to_keyboard(operator: Operator) -> anyhow::Result<()> {
    let listen = move || {
        // By bytes: what is no text is no q, and no reason to stop listening.
        for line in std::io::stdin().lock().split(b'\n').map_while(Result::ok) {
            if line.trim_ascii().eq_ignore_ascii_case(b"q") {
                // That nobody reads it is no reason not to stop.
                let _ = writeln!(std::io::stdout(), "Quitting...");
                operator.stop_now();
                return;
            }
        }
    };
    let keyboard = std::thread::Builder::new().name("keyboard".to_owned());
    keyboard.spawn(listen).context("no thread for the keyboard")?;
    Ok(())
}

async fn stop_on_signal(mut signals: Signals, operator: Operator) {
    signals.received().await;
    operator.stop().await;
}
