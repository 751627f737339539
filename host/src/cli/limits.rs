//! What a guest may use: memory, time, and what the operator allows beside the contract.

use std::time::Duration;

use clap::Args;
use setpoint::sandbox::Limits;

use super::allow::Allowed;

/// Limits, for every command that starts a guest.
#[derive(Args)]
pub(crate) struct GuestLimits {
    /// Memory the guest may use, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=4096))]
    memory: u32,

    /// Time the guest may take for one event, in milliseconds; ten times that to start
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    budget: u64,

    #[command(flatten)]
    allowed: Allowed,
}

impl GuestLimits {
    /// For so many guests at a time as there are by default.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            memory: usize::try_from(self.memory).unwrap_or(usize::MAX) << 20,
            start: Duration::from_millis(self.budget.saturating_mul(10)),
            event: Duration::from_millis(self.budget),
            allow: self.allowed.permissions(),
            ..Limits::default()
        }
    }
}
