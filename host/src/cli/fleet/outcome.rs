//! Why a fleet does not end well, in words and as an exit code.

use std::fmt;

use setpoint::fleet::Obstacle;
use setpoint::fleet::report::{Devices, Report};

use crate::cli::exit::{FAILED, GUEST_FAILED, PROVISIONING_REFUSED, TERMINATED};

/// A fleet that was cut short, or of which not every device ran.
#[derive(Debug, thiserror::Error)]
pub(crate) struct Outcome {
    /// Seconds it lasted and should have lasted, when it was told to end before.
    cut_short: Option<(f64, f64)>,
    devices: Devices,
    reasons: Vec<setpoint::fleet::NotRun>,
    all_ran: bool,
}

impl Outcome {
    /// Of a fleet that has ended; `meant_to_last`: its duration in seconds, when SIGTERM came before that was over.
    ///
    /// # Errors
    /// When it did not end well.
    pub(super) fn of(report: &Report, meant_to_last: Option<f64>) -> Result<(), Self> {
        let outcome = Self {
            cut_short: meant_to_last.map(|meant| (report.fleet.lasted, meant)),
            devices: report.devices,
            reasons: report.not_run.clone(),
            all_ran: report.all_ran(),
        };
        if outcome.all_ran && outcome.cut_short.is_none() {
            return Ok(());
        }
        Err(outcome)
    }

    /// As for one device, if it was the same for all of them.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.cut_short.is_some() {
            return TERMINATED;
        }
        match self.reasons.as_slice() {
            [only] if self.devices.ran == 0 => match only.why {
                Obstacle::Provisioning => PROVISIONING_REFUSED,
                Obstacle::Guest => GUEST_FAILED,
                Obstacle::Hub | Obstacle::Certificate | Obstacle::Network => FAILED,
            },
            _ => FAILED,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((lasted, meant)) = self.cut_short {
            write!(f, "SIGTERM after {lasted:.0} s of {meant:.0} s cut the fleet short; ")?;
        }
        let Devices {
            planned,
            ran,
            ended,
            parked,
            abandoned,
            ..
        } = self.devices;
        write!(f, "{ran} of {planned} devices ran")?;
        if self.all_ran {
            return Ok(());
        }
        write!(
            f,
            "; {ended} ended by themselves, {parked} have a guest that failed too often, {abandoned} did not take their leave in time"
        )?;
        let mut known = 0;
        for (place, reason) in self.reasons.iter().enumerate() {
            known += reason.devices;
            write!(f, "; {} did not run because {}", reason.devices, reason.why)?;
            // The commonest reason in full; the report has the others.
            if place == 0 {
                write!(f, ", such as {}: {}", reason.device, reason.error)?;
            }
        }
        match planned.saturating_sub(ran).saturating_sub(known) {
            0 => Ok(()),
            others => write!(f, "; the fleet ended before {others} had begun"),
        }
    }
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
