//! `setpoint inspect`: what a guest may do.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use setpoint::clock::SystemClock;
use setpoint::sandbox::{
    Contract, Guest, Interface, Program, Quota, Sandbox, SharedRandom, Surroundings, THERMOSTAT, Tap, as_component,
    name_of, read,
};

use super::limits::GuestLimits;
use super::run::cache;

/// Shows a guest's model id, its imports and its exports: what it may do
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint inspect my-device.wasm
  setpoint inspect --allow wasi my-device.wasm   one that was built for wasm32-wasip2")]
pub(crate) struct Inspect {
    /// A component, or a core module that wit-bindgen made; the built-in thermostat when left out
    guest: Option<PathBuf>,

    #[command(flatten)]
    limits: GuestLimits,
}

impl Inspect {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let (name, bytes) = match &self.guest {
            Some(path) => (name_of(path), read(path)?),
            None => ("thermostat".to_owned(), THERMOSTAT.to_vec()),
        };
        let component = as_component(&name, &bytes)?;
        let contract = Contract::read(&name, &component)?;
        let mut out = std::io::stdout().lock();
        list(&mut out, "imports", &contract.imports)?;
        list(&mut out, "exports", &contract.exports)?;
        // After the lists, so that they show what is wrong with a guest that cannot be loaded.
        let program = Program::load(&Sandbox::new(self.limits.limits(), cache())?, &name, &bytes)?;
        let surroundings = Surroundings {
            clock: Arc::new(SystemClock::new()),
            random: SharedRandom::new(|| 0),
            config: Arc::new(BTreeMap::new()),
            assignment: None,
            tap: Tap::default(),
        };
        let mut guest = Guest::new(&program, surroundings)?;
        guest.grant(Quota::default());
        writeln!(out, "model id  {}", guest.model_id()?)?;
        Ok(())
    }
}

fn list(out: &mut impl Write, title: &str, interfaces: &[Interface]) -> std::io::Result<()> {
    let width = interfaces
        .iter()
        .map(|interface| interface.name.len())
        .max()
        .unwrap_or(0);
    for (line, interface) in interfaces.iter().enumerate() {
        let title = if line == 0 { title } else { "" };
        let purpose = match interface.needs {
            Some(needs) => format!("{} (--allow {})", interface.purpose.unwrap_or_default(), needs.name()),
            None => interface.purpose.unwrap_or_default().to_owned(),
        };
        writeln!(
            out,
            "{}",
            format!("{title:<8}  {:<width$}  {purpose}", interface.name).trim_end()
        )?;
    }
    if interfaces.is_empty() {
        writeln!(out, "{title:<8}  nothing")?;
    }
    Ok(())
}
