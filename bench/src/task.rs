//! What a process of clients is told: `setpoint-bench NAME DEVICES --ramp N/s --duration SECONDSs --report FILE`, with a fleet's
//! variables for the rest, so that it is started as `setpoint fleet` is.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use chrono::Utc;
use setpoint::fleet::report::Before;
use setpoint::fleet::{Pattern, Ramp, Usage, proportional};
use setpoint_protocol::{Endpoint, Key};

/// What it is told.
pub(crate) struct Task {
    pub(crate) devices: u64,
    pub(crate) pattern: Pattern,
    pub(crate) ramp: Ramp,
    pub(crate) duration: Duration,
    pub(crate) report: PathBuf,
    /// DPS, and the hub.
    pub(crate) endpoint: Endpoint,
    pub(crate) id_scope: String,
    /// The group's.
    pub(crate) key: Key,
}

impl Task {
    pub(crate) fn read(arguments: &[String]) -> anyhow::Result<Self> {
        let option = |name: &str| {
            let place = arguments.iter().position(|argument| argument == name);
            let value = place.and_then(|place| arguments.get(place + 1));
            value.with_context(|| format!("{name} is missing"))
        };
        let variable = |name: &str| std::env::var(name).with_context(|| name.to_owned());
        Ok(Self {
            devices: arguments.first().context("how many?")?.parse()?,
            pattern: "sim-{:05}".parse()?,
            ramp: option("--ramp")?.parse()?,
            duration: Duration::from_secs(option("--duration")?.trim_end_matches('s').parse()?),
            report: option("--report")?.into(),
            endpoint: variable("IOTHUB_DEVICE_DPS_ENDPOINT")?.parse()?,
            id_scope: variable("IOTHUB_DEVICE_DPS_ID_SCOPE")?,
            key: Key::from_base64(&variable("SETPOINT_GROUP_KEY")?)?,
        })
    }

    /// What a report begins with.
    pub(crate) fn before(&self, guest: &str) -> Before {
        Before {
            id: self.pattern.to_string(),
            devices: self.devices,
            shard: "0/1".to_owned(),
            ramp: self.ramp.to_string(),
            put_aside: false,
            guests: vec![guest.to_owned()],
            cloud: self.endpoint.to_string(),
            began: Utc::now(),
            usage: Usage::now(),
            memory: proportional(),
        }
    }
}
