//! What the operator allows guests beside their contract.

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};
use setpoint::sandbox::Permission;

/// Permissions, for every command that loads guests.
#[derive(Args)]
pub(crate) struct Allowed {
    /// Gives guests more than the contract does
    #[arg(long, value_enum, value_name = "WHAT")]
    allow: Vec<Allow>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Allow {
    /// WASI's clocks, randomness and output; no files, sockets or variables
    Wasi,
}

impl Allowed {
    pub(crate) fn permissions(&self) -> BTreeSet<Permission> {
        let permission = |allow: &Allow| match allow {
            Allow::Wasi => Permission::Wasi,
        };
        self.allow.iter().map(permission).collect()
    }
}
