//! `setpoint replay`: a record, played to a guest.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use setpoint::printable;
use setpoint::record::{Cast, Difference, Record, Replay as Player, Summary};
use setpoint::sandbox::{GuestError, name_of, read};

use super::allow::Allowed;
use super::run::cache;

/// Plays a record to a guest and shows the first thing that it does differently
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint replay day.jsonl                       the recorded guest, when it is the built-in thermostat
  setpoint replay day.jsonl my-device.wasm        any other, or a changed one
  setpoint replay day.jsonl my-device.wasm --all
  setpoint replay day.jsonl --with old.wasm --with new.wasm     a record with a swap: each plays itself

The guest is given exactly what the recorded one was given: calls, configuration, time, random numbers and quotas. No hub is
needed, and a day takes seconds.

Exit codes: 0 it does the same, 1 it differs, 2 the file is no record, 4 it fails where the recorded one did not")]
pub(crate) struct Replay {
    /// A file that `setpoint record` or `setpoint run --record` wrote
    record: PathBuf,

    /// The guest that plays; the recorded one when left out
    guest: Option<PathBuf>,

    /// A guest that plays itself, wherever it is the recorded one; can be given several times
    #[arg(long = "with", value_name = "GUEST")]
    with: Vec<PathBuf>,

    /// Shows every difference, not only the first
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    allowed: Allowed,
}

/// What came of it.
#[derive(Default)]
struct Outcome {
    first: Option<u64>,
    failure: Option<GuestError>,
}

impl Replay {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let file = self.record.display().to_string();
        let mut record = Record::open(&self.record)?;
        let mut player = Player::new(self.cast()?, cache()).allow(self.allowed.permissions());
        let mut outcome = Outcome::default();
        while let Some(entry) = record.next_entry()? {
            let differences = player.play(&entry).with_context(|| file.clone())?;
            if self.show(differences, &mut outcome)? {
                return outcome.told(&file, player.summary(), self.all);
            }
        }
        match record.ending() {
            None => eprintln!("setpoint: note: {file} was cut short; what is there has been replayed"),
            Some(ending) => {
                if let Some(reason) = &ending.because {
                    eprintln!("setpoint: note: {file} ended early: {}", printable(reason));
                }
            }
        }
        outcome.told(&file, player.summary(), self.all)
    }

    fn cast(&self) -> anyhow::Result<Cast> {
        let mut cast = Cast::default();
        for guest in &self.with {
            cast = cast.with(&name_of(guest), read(guest)?);
        }
        Ok(match &self.guest {
            Some(guest) => cast.played_by(&name_of(guest), read(guest)?),
            None => cast,
        })
    }

    /// True when that is enough.
    fn show(&self, differences: Vec<Difference>, outcome: &mut Outcome) -> io::Result<bool> {
        for difference in differences {
            outcome.first.get_or_insert(difference.line);
            match writeln!(io::stdout(), "{difference}") {
                // Somebody who has read enough of it, as `head` has.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(true),
                other => other?,
            }
            if outcome.failure.is_none() {
                outcome.failure = difference.failure;
            }
            if !self.all {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Outcome {
    fn told(self, file: &str, summary: Summary, all: bool) -> anyhow::Result<()> {
        let Summary {
            calls,
            instances,
            differences,
            not_made,
        } = summary;
        let Some(line) = self.first else {
            println!("no difference in {calls} calls of {instances} instances");
            return Ok(());
        };
        if let Some(failure) = self.failure {
            let more = match not_made {
                0 => String::new(),
                _ => format!(" and {not_made} later calls could not be made"),
            };
            return Err(failure).context(format!(
                "{file}:{line}: the guest fails where the recorded one did not{more}"
            ));
        }
        if all {
            bail!("{file}: {differences} differences in {calls} calls, the first in line {line}");
        }
        bail!("{file}:{line}: the guest does something else than the recorded one did (--all shows every difference)");
    }
}
