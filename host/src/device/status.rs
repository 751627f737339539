//! How a device is, for whoever asks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::connectivity::ConnectionState;
use super::core::Device;

/// What a device has counted since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) delivered: u64,
    pub(super) connections: u64,
    pub(super) log_lines_dropped: u64,
}

/// What the guest is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestState {
    /// Its instance runs.
    Running,
    /// It has failed, and a new instance is started after a pause.
    Restarting,
    /// It has failed too often, and is not started again.
    Parked,
}

/// A device at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Its identity in the hub.
    pub device: String,
    /// The guest's name.
    pub guest: String,
    /// Its model.
    pub model_id: String,
    /// What the guest is doing.
    pub state: GuestState,
    /// Until the next instance is started.
    pub restarts_in: Option<Duration>,
    /// Instances started after a failure.
    pub restarts: u64,
    /// Instances that have failed.
    pub failures: u64,
    /// What the last of them said.
    pub last_failure: Option<String>,
    /// Most linear memory that an instance of this guest has held, in bytes.
    pub memory_peak: usize,
    /// How its connection is.
    pub connection: ConnectionState,
    /// Connections made.
    pub connections: u64,
    /// What the hub has taken: telemetry, and patches of reported properties.
    pub delivered: u64,
    /// What it has not taken yet: telemetry, and reported properties.
    pub queued: usize,
    /// Telemetry given up for newer, when the outbox drops the oldest.
    pub dropped: u64,
    /// Log lines that were over the guest's quota.
    pub log_lines_dropped: u64,
}

impl Device {
    pub(super) fn status(&self) -> Status {
        let due = self.life.restart_due();
        let state = match (self.life.parked(), due) {
            (Some(_), _) => GuestState::Parked,
            (None, Some(_)) => GuestState::Restarting,
            (None, None) => GuestState::Running,
        };
        Status {
            device: self.device_id.clone(),
            guest: self.life.name().to_owned(),
            model_id: self.model_id.clone(),
            state,
            restarts_in: due.map(|due| due.saturating_sub(self.clock.monotonic())),
            restarts: self.life.restarts(),
            failures: self.life.failures(),
            last_failure: self.life.last_failure().map(ToString::to_string),
            memory_peak: self.life.memory_peak(),
            connection: self.connection.clone(),
            connections: self.counters.connections,
            delivered: self.counters.delivered,
            queued: self.outbox.len(),
            dropped: self.outbox.dropped(),
            log_lines_dropped: self.counters.log_lines_dropped,
        }
    }
}
