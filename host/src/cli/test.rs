//! `setpoint test`: scenarios.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use setpoint::sandbox::{Program, Sandbox};
use setpoint::scenario::{Outcome, Scenario, Stage, VirtualStage, play, report};

use super::Usage;
use super::exit::NotStarted;
use super::limits::GuestLimits;
use super::live::Live;
use super::run::{cache, key_value};

/// Plays scenarios with a guest, in virtual time or, with --live, against the local Azure IoT
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint test my-device.wasm scenarios/                        all *.yaml in the folder
  setpoint test my-device.wasm target.yaml --live                in real time, over MQTT and TLS
  setpoint test my-device.wasm scenarios/ --junit result.xml     for a build server
  setpoint test my-device.wasm scenarios/ --json - | jq .failed

Exit codes: 0 all passed, 1 one failed, 2 a scenario is wrong, 4 the guest cannot be started")]
pub(crate) struct Test {
    /// A component, or a core module that wit-bindgen made
    guest: PathBuf,

    /// A scenario, or a folder of them
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,

    /// Plays them in real time, each against a local Azure IoT of its own
    #[arg(long)]
    live: bool,

    /// Writes JUnit XML to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Writes JSON to this file, or to standard output when it is -
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Sets a value that the guest can read, whatever the scenarios say
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    config: Vec<(String, String)>,

    #[command(flatten)]
    limits: GuestLimits,
}

impl Test {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        // All are read before any is played: a mistake in the last should not cost the time of the others.
        let scenarios = self.read()?;
        let program = Program::open(&Sandbox::new(self.limits.limits(), cache())?, &self.guest)?;
        let config: BTreeMap<_, _> = self.config.iter().cloned().collect();
        let json_on_stdout = self.json.as_deref() == Some(Path::new("-"));
        let mut out: Box<dyn Write> = match json_on_stdout {
            true => Box::new(anstream::stderr()),
            false => Box::new(anstream::stdout()),
        };
        let mut outcomes = Vec::new();
        for scenario in &scenarios {
            let outcome = play(scenario, |scenario| {
                let stage: Box<dyn Stage> = match self.live {
                    true => Box::new(Live::set(&program, scenario, &config)?),
                    false => Box::new(VirtualStage::set(&program, scenario, &config)?),
                };
                Ok(stage)
            });
            shown(report::one(&outcome, &mut out))?;
            outcomes.push(outcome);
        }
        shown(report::summary(&outcomes, &mut out))?;
        self.write_reports(&outcomes, json_on_stdout)?;
        verdict(&outcomes)
    }

    fn read(&self) -> anyhow::Result<Vec<Scenario>> {
        let mut scenarios = Vec::new();
        for path in &self.scenarios {
            for file in files(path)? {
                scenarios.push(Scenario::open(&file).map_err(|error| Usage(error.to_string()))?);
            }
        }
        Ok(scenarios)
    }

    fn write_reports(&self, outcomes: &[Outcome], json_on_stdout: bool) -> anyhow::Result<()> {
        let guest = self.guest.display().to_string();
        let write = |file: &Path, text: String| std::fs::write(file, text).with_context(|| file.display().to_string());
        if let Some(file) = &self.junit {
            write(file, report::junit(&guest, outcomes)?)?;
        }
        let json = || format!("{:#}\n", report::json(&guest, outcomes));
        match &self.json {
            Some(_) if json_on_stdout => Ok(shown(io::stdout().write_all(json().as_bytes()))?),
            Some(file) => write(file, json()),
            None => Ok(()),
        }
    }
}

/// The file, or those of the folder in the order of their names.
fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.with_context(|| path.display().to_string())?;
    let files = entries.into_iter().map(|entry| entry.path());
    let is_scenario = |file: &PathBuf| {
        file.extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml")
    };
    let mut files: Vec<_> = files.filter(is_scenario).collect();
    files.sort();
    if files.is_empty() {
        let message = format!(
            "{}: there is no scenario in it; a scenario's name ends in .yaml",
            path.display()
        );
        return Err(Usage(message).into());
    }
    Ok(files)
}

/// A reader that has seen enough, as `head` has, is no error.
fn shown(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn verdict(outcomes: &[Outcome]) -> anyhow::Result<()> {
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    if failed == 0 {
        return Ok(());
    }
    let first = outcomes.iter().flat_map(|outcome| &outcome.failures).next();
    if let Some(first) = first
        && outcomes.iter().all(|outcome| !outcome.started)
    {
        return Err(NotStarted(first.reason.clone()).into());
    }
    bail!("{failed} of {} scenarios failed", outcomes.len())
}
