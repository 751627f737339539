//! `setpoint fleet`: many devices in one process.
//!
//! | file | holds |
//! | --- | --- |
//! | `cloud.rs` | which enrolment group the devices belong to, and where |
//! | `outage.rs` | what is said of devices that do not get through |
//! | `outcome.rs` | why it does not end well, in words and as an exit code |
//! | `progress.rs` | how far they have come, while they run |
//! | `scrape.rs` | the port that Prometheus reads |

mod cloud;
mod outage;
mod outcome;
mod progress;
mod scrape;

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use setpoint::clock::{Clock, SystemClock};
use setpoint::cloud::{Access, Credential, TokenClock};
use setpoint::fleet::report::{Before, Report};
use setpoint::fleet::{
    Machine, Mix, Needs, Pattern, Plan, Ramp, Shard, Shortage, Tally, Usage as ProcessUsage, proportional, run,
};
use setpoint::sandbox::{Footprint, Limits, Program, Sandbox, THERMOSTAT, name_of, read};

use self::cloud::{Destination, GroupKey};
pub(crate) use self::outcome::Outcome;
use self::progress::Progress;
use super::Usage;
use super::emulator::{Signals, Told};
use super::limits::GuestLimits;
use super::local::Data;
use super::logging::Logging;
use super::run::{cache, key_value};
use super::way::Way;

/// Bytes of memory that a device with its connection and its instance is reckoned with: somewhat more than twice the 73,000 that
/// the thermostat took (docs/scale.md). The rest is for larger guests, for what outboxes hold in an outage, and for all devices
/// connecting at one time. Those put aside take less, but all may be at work at one time, and so they are reckoned with the same.
const MEMORY_EACH: u64 = 160_000;

/// How long a device of a fleet waits for others that are due: a message of one that is served alone takes three times the processor
/// time of one among many (bench/README.md), and nobody misses this of an interval of seconds.
const GRAIN: Duration = Duration::from_millis(20);

/// A guest that runs over its time holds its thread until it is stopped. With one thread a core, a few of them hold up everybody; of
/// more, the system gives each its turn (bench/README.md).
const THREADS_A_CORE: usize = 4;

/// Instances beside those that run: a device that is started again after a failure.
const SPARE: u64 = 16;

/// Instances at work at one time in a fleet that puts them aside: those that begin, and some for each thread.
const AT_WORK: u64 = 2_000;

/// Runs many devices in one process, each provisioned by its group's key and connected by itself
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint fleet -n 100                              a hundred thermostats against the local Azure IoT
  setpoint fleet my-device.wasm -n 10000 --ramp 500/s --duration 10m --report fleet.html
  setpoint fleet -n 1000 --mix good.wasm=90,bad.wasm=10 --id 'lab-{:04}' --metrics 127.0.0.1:9464
  setpoint fleet -n 1000000 --shard 3/100            the fourth of a hundred processes that run a fleet between them
  IOTHUB_DEVICE_SECURITY_TYPE=DPS IOTHUB_DEVICE_DPS_ID_SCOPE=.. SETPOINT_GROUP_KEY=.. setpoint fleet -n 100
                                                     against Azure, in the enrolment group with this key

Without these variables it goes to the `setpoint emulator` that runs on this machine; when none does, to one of its own.
On Ctrl-C or SIGTERM every device delivers what it has and takes its leave; the second time the fleet ends at once.
Ends with 0 when every device ran, and with 143 when SIGTERM came before --duration was over: then it has not done what it
was to do, and may be run again.")]
pub(crate) struct Fleet {
    /// A component, or a core module that wit-bindgen made; the built-in thermostat when left out
    guest: Option<PathBuf>,

    /// Devices of the fleet
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    devices: u64,

    /// What they are called: {} is the number, from 1, and {:05} the same in five digits
    #[arg(long, value_name = "PATTERN", default_value = "sim-{:05}")]
    id: Pattern,

    /// Several guests with their weights, in place of one
    #[arg(long, value_name = "GUEST=WEIGHT,..", conflicts_with = "guest")]
    mix: Option<Mix>,

    /// Starts a second, evenly spaced, so that what devices do at intervals is spread in time
    #[arg(long, value_name = "N/s", default_value = "500/s")]
    ramp: Ramp,

    /// Puts instances aside between two events: less memory for each device, and more processor time for each event. A guest
    /// that has no state to save stays
    #[arg(long)]
    put_aside: bool,

    /// Ends after this time, such as 90s or 10m
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    duration: Option<Duration>,

    /// Runs part I of N, from 0/N on: the parts of a fleet have no device in common
    #[arg(long, value_name = "I/N", default_value = "0/1", env = "SETPOINT_SHARD")]
    shard: Shard,

    #[command(flatten)]
    key: GroupKey,

    /// Sets a value that the guests can read
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    config: Vec<(String, String)>,

    /// Trusts the certificate authorities in this PEM file as well
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Shows Prometheus how the fleet is, on http://ADDRESS/metrics
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,

    /// Writes what it came to into this file, too: .html for a page with plots, .json for programs; can be given twice
    #[arg(long, value_name = "FILE", value_parser = report_file)]
    report: Vec<PathBuf>,

    #[command(flatten)]
    way: Way,

    #[command(flatten)]
    limits: GuestLimits,

    #[command(flatten)]
    data: Data,

    #[command(flatten)]
    logging: Logging,
}

fn report_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html" | "json") => Ok(path),
        _ => Err("ends in .html or .json".to_owned()),
    }
}

/// A guest's name and its bytes.
type Source = (String, Vec<u8>);

impl Fleet {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        self.logging.start()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(cores * THREADS_A_CORE)
            .enable_all()
            .build()
            .context("no threads")?;
        let (report, meant_to_last) = runtime.block_on(self.live())?;
        runtime.shutdown_timeout(Duration::from_millis(100));
        // A reader that has gone does not make the fleet a failure.
        let _ = std::io::stdout().write_all(report.table().as_bytes());
        for file in &self.report {
            let text = if is_page(file) { report.page() } else { report.json() };
            std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(Outcome::of(&report, meant_to_last)?)
    }

    /// What it came to; and, when SIGTERM ended it before its duration was over, how many seconds that was.
    async fn live(&self) -> anyhow::Result<(Report, Option<f64>)> {
        let mut signals = Signals::listen().context("signals cannot be waited for")?;
        let destination = Destination::find(&self.key, &self.data, self.way.websockets)?;
        let numbers = self.shard.numbers(self.devices);
        let devices = numbers.end - numbers.start;
        let (mix, footprint) = self.guests()?;
        self.check(devices, &footprint, &destination)?;
        let programs = self.programs(mix, footprint, devices)?;
        let names = programs.guests().map(|program| program.name().to_owned()).collect();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::in_grains(GRAIN));
        let settled = destination
            .settle(&self.data, self.ca.as_deref(), self.way.websockets)
            .await?;
        let credential = Credential::Key(settled.group.key.clone());
        let access = Access::new(credential, &settled.trust).clock(TokenClock::new(Arc::clone(&clock)));
        let tally = Arc::new(Tally::default());
        let scraped = match self.metrics {
            Some(address) => Some(scrape::serve(address, Arc::clone(&tally)).await?),
            None => None,
        };
        let before = Before {
            id: self.id.to_string(),
            devices: self.devices,
            shard: self.shard.to_string(),
            ramp: self.ramp.to_string(),
            put_aside: self.put_aside,
            guests: names,
            cloud: settled.name(),
            began: clock.now(),
            usage: ProcessUsage::now(),
            memory: proportional(),
        };
        let plan = Plan {
            pattern: self.id.clone(),
            devices: self.devices,
            shard: self.shard,
            mix: programs,
            config: self.config.iter().cloned().collect(),
            group: settled.group.clone(),
            access: self.way.apply(access)?,
            put_aside: self.put_aside,
            ramp: self.ramp,
            duration: self.duration,
            clock,
        };
        let mut progress = Progress::new(devices);
        let (stops, mut stopped) = tokio::sync::mpsc::unbounded_channel();
        let listening = tokio::spawn(async move {
            loop {
                let told = signals.next().await;
                if stops.send(told).is_err() {
                    return;
                }
            }
        });
        // The fleet waits first for what ends it, then for what ends its draining.
        let (mut waits, mut cut_short) = (0, false);
        let stopped = async || {
            waits += 1;
            let first = waits == 1;
            match stopped.recv().await {
                Some(told) => cut_short = cut_short || (first && told == Told::Terminate),
                None => std::future::pending().await,
            }
        };
        let ending = run(plan, Arc::clone(&tally), stopped, |tally, sample| {
            progress.show(tally, sample)
        })
        .await;
        listening.abort();
        progress.finish();
        drop(scraped);
        if let Some(local) = settled.local {
            local.emulator.stop().await;
        }
        // Without a duration it is the normal end, and a person who types Ctrl-C knows what is missing.
        let meant_to_last = self
            .duration
            .filter(|_| cut_short)
            .map(|duration| duration.as_secs_f64());
        Ok((Report::of(before, &ending, &tally), meant_to_last))
    }

    /// The guests' bytes, and what they need of a pool that has room for any of them.
    fn guests(&self) -> anyhow::Result<(Mix<Source>, Footprint)> {
        let mix = match (&self.mix, &self.guest) {
            (Some(mix), _) => mix.clone().try_map(|path| load(&path))?,
            (None, Some(path)) => Mix::only(load(path)?),
            (None, None) => Mix::only(("thermostat".to_owned(), THERMOSTAT.to_vec())),
        };
        let mut footprint = Footprint::default();
        for (name, bytes) in mix.guests() {
            footprint = footprint.or(Footprint::of(name, bytes)?);
        }
        Ok((mix, footprint))
    }

    /// What is short is known before anything is started.
    fn check(&self, devices: u64, footprint: &Footprint, destination: &Destination) -> anyhow::Result<()> {
        let machine = Machine::here();
        let needs = Needs {
            devices,
            // Those that are put aside have none; how many are not at one time is known only while they run.
            instances: if self.put_aside { devices.min(AT_WORK) } else { devices } + SPARE,
            mappings_each: footprint.mappings(),
            memory_each: MEMORY_EACH,
            cloud_here: destination.is_here(),
            cloud_on_this_machine: destination.is_on_this_machine(),
        };
        let (unsure, shortages): (Vec<_>, Vec<_>) = needs
            .shortages(&machine)
            .into_iter()
            .partition(|shortage| matches!(shortage, Shortage::Ports { .. }));
        if !shortages.is_empty() {
            let said: Vec<_> = shortages.iter().map(ToString::to_string).collect();
            return Err(Usage(said.join("; ")).into());
        }
        // Which hubs the devices get, and how many addresses these have, is known only when they have them.
        for shortage in unsure {
            tracing::warn!("{shortage}");
        }
        needs
            .raise(&machine)
            .context("the limit of open files cannot be raised")
    }

    fn programs(&self, mix: Mix<Source>, footprint: Footprint, devices: u64) -> anyhow::Result<Mix<Program>> {
        let limits = Limits {
            instances: u32::try_from(devices + SPARE).unwrap_or(u32::MAX),
            footprint,
            ..self.limits.limits()
        };
        let sandbox = Sandbox::new(limits, cache())?;
        Ok(mix.try_map(|(name, bytes)| Program::load(&sandbox, &name, &bytes))?)
    }
}

fn load(path: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    Ok((name_of(path), read(path)?))
}

fn is_page(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "html")
}
