//! Fleets against an emulator of its own process: memory, processor time and latency of a device, beside a bare MQTT client and
//! Microsoft's SDK for Python in the same pattern, at growing numbers, put aside, flat out, and among devices that misbehave.
//!
//! `setpoint-bench fleet [DEVICES..]` runs it alone; each number of devices is measured live and, up to the file limit,
//! put aside.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use setpoint::fleet::report::Report;
use setpoint_tests::ROGUE;

use crate::azure::Azure;
use crate::figures::Table;
use crate::growth::{Growth, memory, processor};
use crate::sdk;

/// Seconds from the last start to the end: each device sends five times.
const STEADY: u64 = 40;

/// Starts a second.
const RAMP: u64 = 500;

/// Devices that send as fast as they can.
const FLAT_OUT: u64 = 20;

/// Turns that they and bare clients take, and seconds of each.
const TURNS: usize = 5;
const TURN: u64 = 15;

pub(crate) fn measure(program: &Path, folder: &Path, sizes: &[u64], table: &mut Table) -> anyhow::Result<()> {
    let azure = Azure::start(folder)?;
    let mut fleet = Fleet {
        program,
        folder,
        azure: &azure,
        table,
    };
    let mut growth = Growth::default();
    for devices in sizes {
        let live = fleet.run(&format!("{devices} devices"), *devices, &[])?;
        let bare = fleet.clients(&format!("{devices} bare MQTT clients"), "bare", *devices)?;
        fleet.table.quotient(
            &format!("{devices} devices: processor time / bare client's"),
            "1.5",
            live.process.cpu_per_message,
            bare.process.cpu_per_message,
        );
        let together = fleet.clients(
            &format!("{devices} bare MQTT clients, timers every 20 ms"),
            "bare-together",
            *devices,
        )?;
        fleet.table.quotient(
            &format!("{devices} devices: processor time / that client's"),
            "",
            live.process.cpu_per_message,
            together.process.cpu_per_message,
        );
        growth.live.push(live);
        growth.bare.push(bare);
    }
    if let Some(largest) = growth.live.last() {
        let (devices, cpu) = (largest.devices.planned, largest.process.cpu_per_message);
        sdk::measure(&azure, devices, STEADY, cpu, fleet.table)?;
    }
    for devices in sizes.iter().chain(&[18_000]) {
        let aside = fleet.run(&format!("{devices} devices put aside"), *devices, &["--put-aside"])?;
        growth.put_aside.push(aside);
    }
    for (what, reports) in [("live", &growth.live), ("put aside", &growth.put_aside)] {
        fleet.table.growth(
            &format!("growth of the cost of a device, {what}"),
            "the dearest size above the cheapest: few devices share what the process takes by itself",
            [memory, processor].map(|cost| Growth::spread(reports, cost)),
        );
        fleet.table.growth(
            &format!("growth of the cost of one more, {what}"),
            "the dearest step from size to size above the cheapest: many share wake-ups and caches",
            [memory, processor].map(|cost| Growth::spread_of_one_more(reports, cost)),
        );
    }
    growth.draw()?;
    fleet.flat_out()?;
    fleet.misbehaving()
}

struct Fleet<'a> {
    program: &'a Path,
    folder: &'a Path,
    azure: &'a Azure,
    table: &'a mut Table,
}

impl Fleet<'_> {
    /// `setpoint fleet`, in a process of its own.
    fn run(&mut self, what: &str, devices: u64, options: &[&str]) -> anyhow::Result<Report> {
        let mut command = Command::new(self.program);
        command.args(["fleet", "-n", &devices.to_string()]).args(options);
        self.finish(what, devices / RAMP + STEADY, command)
    }

    /// Clients of this program, in a process of their own.
    fn clients(&mut self, what: &str, name: &str, devices: u64) -> anyhow::Result<Report> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([name, &devices.to_string()]);
        self.finish(what, devices / RAMP + STEADY, command)
    }

    /// As fast as it goes, beside bare clients that do the same. The cloud has the same two cores, so what counts is how many
    /// messages a second of processor time is enough for.
    fn flat_out(&mut self) -> anyhow::Result<()> {
        let (mut per_core, mut per_second) = (Vec::new(), Vec::new());
        for turn in 1..=TURNS {
            let fleet = self.turn(&format!("{FLAT_OUT} devices flat out, turn {turn}"), "flat-out")?;
            let bare = self.turn(
                &format!("{FLAT_OUT} bare MQTT clients flat out, turn {turn}"),
                "bare-flat-out",
            )?;
            per_core.push(bare.process.cpu_per_message / fleet.process.cpu_per_message);
            per_second.push(fleet.messages.per_second / bare.messages.per_second);
        }
        self.table.quotients(
            &format!("{FLAT_OUT} devices flat out: messages a core / bare clients'"),
            "0.7",
            &mut per_core,
        );
        self.table.quotients(
            &format!("{FLAT_OUT} devices flat out: messages a second / bare clients'"),
            "",
            &mut per_second,
        );
        Ok(())
    }

    /// One that is flat out.
    fn turn(&mut self, what: &str, name: &str) -> anyhow::Result<Report> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([name, &FLAT_OUT.to_string()]);
        self.finish(what, TURN, command)
    }

    /// Runs this for so many seconds.
    fn finish(&mut self, what: &str, seconds: u64, mut command: Command) -> anyhow::Result<Report> {
        let file = self.folder.join("fleet.json");
        command
            .args(["--ramp", &format!("{RAMP}/s"), "--duration", &format!("{seconds}s")])
            .arg("--report")
            .arg(&file)
            .envs(self.azure.environment())
            .stdout(Stdio::null());
        let status = command.status().with_context(|| what.to_owned())?;
        anyhow::ensure!(file.is_file(), "{what}: {status}");
        let report: Report = serde_json::from_slice(&std::fs::read(&file)?)?;
        std::fs::remove_file(&file)?;
        self.table.fleet(what, &report);
        Ok(report)
    }

    /// Nine in ten are thermostats; what becomes of them while the tenth does what it must not.
    fn misbehaving(&mut self) -> anyhow::Result<()> {
        let (good, bad) = (self.folder.join("thermostat.wasm"), self.folder.join("rogue.wasm"));
        std::fs::write(&good, setpoint::sandbox::THERMOSTAT)?;
        std::fs::write(&bad, ROGUE)?;
        let mix = |path: &PathBuf, weight: u32| format!("{}={weight}", path.display());
        let mix = format!("{},{}", mix(&good, 90), mix(&bad, 10));
        for does in ["nothing", "loop", "trap", "flood"] {
            let does_so = format!("does={does}");
            let report = self.run(
                &format!("1000 devices, a tenth of them does {does}"),
                1_000,
                &["--mix", &mix, "--config", &does_so],
            )?;
            if let Some(others) = report.by_guest.first() {
                self.table.seconds(
                    &format!("of them the others': {does}"),
                    "twice nothing's",
                    others.timer_to_puback.p99,
                );
            }
        }
        Ok(())
    }
}
