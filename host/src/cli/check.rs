//! `setpoint check`: a guest against its model.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use setpoint::check::{Report, Verdict, check};
use setpoint::clock::SystemClock;
use setpoint::sandbox::{Guest, Program, Quota, Sandbox, SharedRandom, Surroundings, THERMOSTAT, Tap};
use setpoint_dtdl::Dtmi;

use super::Usage;
use super::limits::GuestLimits;
use super::models::Models;
use super::output::print_json;
use super::run::{cache, key_value};

/// Tries everything that a guest's model says of it, and reports which rules it keeps and breaks
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint check my-device.wasm                      its model lies in ./models
  setpoint check my-device.wasm --models ../models --config interval=1
  setpoint check my-device.wasm --json | jq '.rules[] | select(.verdict == \"breach\")'

Time is virtual and no cloud is needed. Models are written in DTDL 2 or 3.
Exit codes: 0 every rule is kept, 1 one is broken, 2 there is no such model or guest")]
pub(crate) struct Check {
    /// A component, or a core module that wit-bindgen made; the built-in thermostat when left out
    guest: Option<PathBuf>,

    #[command(flatten)]
    models: Models,

    /// Sets a value that the guest can read
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    config: Vec<(String, String)>,

    /// Prints the report as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    limits: GuestLimits,
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let program = self.program()?;
        let config: BTreeMap<_, _> = self.config.iter().cloned().collect();
        let model = self.models.read(&model_id(&program, &config)?)?;
        let report = check(&program, &model, &config)?;
        if self.json {
            print_json(&report.to_json())?;
        } else {
            print(&report)?;
        }
        let broken = report.with(Verdict::Broken);
        if !broken.is_empty() {
            let rules: Vec<&str> = broken.iter().map(|rule| rule.id()).collect();
            bail!(
                "{} breaks {}; docs/check.md says what is asked of a device",
                report.guest,
                rules.join(", ")
            );
        }
        Ok(())
    }

    fn program(&self) -> anyhow::Result<Program> {
        let sandbox = Sandbox::new(self.limits.limits(), cache())?;
        Ok(match &self.guest {
            Some(path) => Program::open(&sandbox, path)?,
            None => Program::load(&sandbox, "thermostat", THERMOSTAT)?,
        })
    }
}

/// The model the guest says it has.
fn model_id(program: &Program, config: &BTreeMap<String, String>) -> anyhow::Result<Dtmi> {
    let surroundings = Surroundings {
        clock: Arc::new(SystemClock::new()),
        random: SharedRandom::new(|| 0),
        config: Arc::new(config.clone()),
        assignment: None,
        tap: Tap::default(),
    };
    let mut guest = Guest::new(program, surroundings)?;
    guest.grant(Quota::UNLIMITED);
    let id = guest.model_id()?;
    let id = id
        .parse()
        .map_err(|error| Usage(format!("{}: {error}", program.name())))?;
    Ok(id)
}

/// A reader that has seen enough, as `head` has, is no error.
fn print(report: &Report) -> io::Result<()> {
    match write!(io::stdout(), "{report}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
