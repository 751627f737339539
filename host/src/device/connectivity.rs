//! How a device's connection is, for whoever asks or watches.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a device's connection is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum ConnectionState {
    /// The first one of this process is being made.
    #[default]
    Connecting,
    /// The device listens to its hub.
    Up,
    /// It is replaced by one with a new token, before the old one ends.
    Renewing,
    /// There is none.
    #[serde(rename_all = "camelCase")]
    Down {
        /// What kind of trouble it is.
        cause: Cause,
        /// What went wrong last.
        reason: String,
        /// The pause before the next attempt, from when this was said.
        retry_in: Duration,
    },
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The network, or the service at its other end.
    Network,
    /// The hub closes each connection soon after it was made, as it does when another client has the same identity.
    ThrownOut,
    /// The hub does not take the device's credentials.
    Refused,
    /// The provisioning service does not assign the device to a hub.
    NotAssigned,
}

impl fmt::Display for ConnectionState {
    /// In few words, for a table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectionState::Connecting => f.write_str("connecting"),
            ConnectionState::Up => f.write_str("up"),
            ConnectionState::Renewing => f.write_str("renewing"),
            ConnectionState::Down { cause, .. } => f.write_str(match cause {
                Cause::Network => "down",
                Cause::ThrownOut => "thrown out",
                Cause::Refused => "refused",
                Cause::NotAssigned => "not assigned",
            }),
        }
    }
}
