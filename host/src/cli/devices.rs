//! `setpoint devices`: the devices that run on this machine.

use std::io::{self, Write};

use clap::Args;
use setpoint::device::{GuestState, Status};
use setpoint::printable;

use super::output::print_json;
use super::running::list;

/// Lists the devices that run on this machine: their guests, how those are, and the memory they have used
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint devices
  setpoint devices --json | jq '.[] | select(.state == \"parked\")'")]
pub(crate) struct Devices {
    /// Prints everything that is known of each, as JSON
    #[arg(long)]
    json: bool,
}

impl Devices {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let found: Vec<Status> = list()?.into_iter().map(|reachable| reachable.status).collect();
        if self.json {
            print_json(&serde_json::to_value(found)?)?;
            return Ok(());
        }
        match table(&mut io::stdout().lock(), &found) {
            // Somebody who has read enough of it is no error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }
}

fn table(out: &mut impl Write, found: &[Status]) -> io::Result<()> {
    let header = [
        "device",
        "guest",
        "state",
        "connection",
        "memory",
        "restarts",
        "queued",
        "model",
    ]
    .map(str::to_owned);
    let rows: Vec<_> = std::iter::once(header).chain(found.iter().map(row)).collect();
    for row in &rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max();
            line += &format!("{cell:<width$}  ", width = width.unwrap_or(0));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    for failed in found {
        if let Some(failure) = &failed.last_failure {
            writeln!(out, "{}: {}", printable(&failed.device), printable(failure))?;
        }
    }
    Ok(())
}

fn row(status: &Status) -> [String; 8] {
    let state = match (status.state, status.restarts_in) {
        (GuestState::Running, _) => "running".to_owned(),
        (GuestState::Restarting, Some(pause)) => format!("restarts in {} s", pause.as_secs() + 1),
        (GuestState::Restarting, None) => "restarting".to_owned(),
        (GuestState::Parked, _) => "parked".to_owned(),
    };
    [
        printable(&status.device),
        printable(&status.guest),
        state,
        status.connection.to_string(),
        format!("{:.1} MiB", status.memory_peak as f64 / f64::from(1 << 20)),
        status.restarts.to_string(),
        status.queued.to_string(),
        printable(&status.model_id),
    ]
}
