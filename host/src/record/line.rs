//! The lines of a record.

use serde::{Deserialize, Serialize};

use crate::sandbox::{Called, Contract, Created, Event, Gone};

/// The version of the format that this program writes and reads.
pub const FORMAT: u32 = 1;

/// Bytes of the longest line: as many as a [`Tape`](super::Tape) lets wait, so that it writes none that cannot be read.
pub(super) const LONGEST: usize = 32 << 20;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// [`FORMAT`], in a record that this program can read.
    pub format: u32,
    /// Version of the program that wrote it.
    pub setpoint: String,
    /// The WIT package between guest and host.
    pub contract: String,
    /// When recording began, by the machine's clock: RFC 3339, UTC.
    pub started: String,
}

impl Header {
    /// Of a record that begins at this time.
    pub(super) fn new(started: String) -> Self {
        Self {
            format: FORMAT,
            setpoint: env!("CARGO_PKG_VERSION").to_owned(),
            contract: Contract::offered(),
            started,
        }
    }
}

/// The last line, unless the recording was cut short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ending {
    /// Calls in the record.
    pub calls: u64,
    /// Why it does not go on to where it should have ended; none when it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl Ending {
    /// Reads the last line of a record. None when it is another line.
    pub fn read(line: &[u8]) -> Option<Self> {
        match serde_json::from_slice(line) {
            Ok(Line::Ended(ending)) => Some(ending),
            _ => None,
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is mostly the largest"
)]
pub(super) enum Line {
    Record(Header),
    Created(Created),
    Called(Called),
    Gone(Gone),
    Ended(Ending),
}

impl From<Event> for Line {
    fn from(event: Event) -> Self {
        match event {
            Event::Created(created) => Self::Created(created),
            Event::Called(called) => Self::Called(called),
            Event::Gone(gone) => Self::Gone(gone),
        }
    }
}
