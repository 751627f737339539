//! What a device does with telemetry that its hub does not take: how much it keeps, where, and what becomes of more.

use std::path::Path;

use clap::{Args, ValueEnum};
use setpoint::device::{Capacity, Device, Overflow, Store};

use super::environment::Cloud;

/// The outbox of `setpoint run`.
#[derive(Args)]
pub(super) struct OutboxOptions {
    /// Telemetry messages kept while the hub is away; with --data they survive a restart
    #[arg(long, value_name = "MESSAGES", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    outbox: u32,

    /// What becomes of telemetry for which there is no room
    #[arg(long, value_name = "POLICY", value_enum, default_value_t)]
    outbox_full: Policy,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Policy {
    /// The guest is told that the outbox is full
    #[default]
    Refuse,
    /// The oldest is given up for it, and counted
    DropOldest,
}

impl OutboxOptions {
    /// Gives the device its outbox; in `folder`, when there is one.
    pub(super) fn furnish(&self, device: Device, folder: Option<&Path>, cloud: &Identity) -> anyhow::Result<Device> {
        let capacity = Capacity {
            overflow: match self.outbox_full {
                Policy::Refuse => Overflow::RefuseNewest,
                Policy::DropOldest => Overflow::DropOldest,
            },
            ..Capacity::of(usize::try_from(self.outbox).unwrap_or(usize::MAX))
        };
        let device = device.capacity(capacity);
        let Some(folder) = folder else { return Ok(device) };
        let store = Store::open(&folder.join("outbox"), &cloud.name)?;
        if cloud.ends_with_the_process {
            store.forget_assignment();
        }
        Ok(device.keep_in(store)?)
    }
}

/// Which device it is, so that no other's outbox is taken for its own. Not the endpoint: that may move.
pub(super) struct Identity {
    name: String,
    /// Whether its hub is another one the next time, at another port.
    ends_with_the_process: bool,
}

impl Identity {
    pub(super) fn of(cloud: &Cloud) -> Self {
        let name = match cloud {
            Cloud::Local => "local".to_owned(),
            Cloud::Dps(dps) => format!("{}/{}", dps.id_scope, dps.registration_id),
            Cloud::Hub(hub, _) => format!("{}/{}", hub.host.host, hub.device_id),
        };
        Self {
            name,
            ends_with_the_process: matches!(cloud, Cloud::Local),
        }
    }
}
