//! What goes in and out of a device's guest, written down as it happens, and played to a guest again.
//!
//! A [`Tape`] listens at the edge of the sandbox, through which everything passes: each call with its arguments and its quota,
//! what the guest read of clock and randomness meanwhile, what it did, and how the call ended. So a [`Replay`] needs no hub,
//! no network and no waiting, and whatever differs, differs because of the guest. A record is a file of JSON lines, which
//! docs/recording.md describes.
//!
//! It holds what the guest was given and nothing else: the operator's configuration, desired values, commands and messages,
//! but no key and no token, since a guest never sees one.
//!
//! ```
//! use setpoint::record::{Cast, Record, Replay, Tape};
//! use setpoint::sandbox::THERMOSTAT;
//! use setpoint::testing::TestDevice;
//! use std::time::Duration;
//!
//! let folder = tempfile::tempdir()?;
//! let file = folder.path().join("thermostat.jsonl");
//!
//! let tape = Tape::create(&file)?;
//! let mut device = TestDevice::load(THERMOSTAT)?.recorder(tape.recorder()).start()?;
//! device.advance(Duration::from_secs(80))?;
//! device.stop()?;
//! assert_eq!(tape.finish().because, None);
//!
//! // The same guest does the same again.
//! let mut record = Record::open(&file)?;
//! let mut replay = Replay::new(Cast::default(), None);
//! while let Some(entry) = record.next_entry()? {
//!     assert!(replay.play(&entry)?.is_empty());
//! }
//! // model-id, start, the first update, ten timers, and save when it is stopped.
//! assert_eq!(replay.summary().calls, 14);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | holds |
//! | --- | --- |
//! | `line.rs` | the lines of a record |
//! | `tape.rs` | writes them, beside the device |
//! | `reader.rs` | reads them, one at a time |
//! | `cast.rs` | which guest plays which recorded one |
//! | `script.rs` | the recorded clock and randomness, for a guest that is replayed |
//! | `replay.rs` | plays a record to guests |
//! | `difference.rs` | where what they do differs |

mod cast;
mod difference;
mod line;
mod reader;
mod replay;
mod script;
mod tape;

pub use cast::Cast;
pub use difference::Difference;
pub use line::{Ending, FORMAT, Header};
pub use reader::{Entry, Record, RecordError};
pub use replay::{Replay, ReplayError, Summary};
pub use tape::{Tape, new_file};
