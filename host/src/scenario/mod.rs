//! Scenarios: what a device is put through and what is expected of it, in a YAML file.
//!
//! A [`Scenario`] is a list of steps in time. Each does one thing to the device or to the world around it, and says what must
//! have happened then. [`play`] performs it on a [`Stage`]: the [`VirtualStage`], where a day takes less than a second, or
//! another one, such as the command's own on the emulator. docs/scenarios.md has the whole format.
//!
//! ```
//! use std::collections::BTreeMap;
//! use setpoint::sandbox::{Limits, Program, Sandbox, THERMOSTAT};
//! use setpoint::scenario::{Scenario, VirtualStage, play};
//!
//! let scenario = Scenario::parse("cold.yaml", "
//! steps:
//!   - at: 80s
//!     expect:
//!       - telemetry: { temperature: { between: [10, 49] } }
//!         count: 11
//! ")?;
//! let program = Program::load(&Sandbox::new(Limits::default(), None)?, "thermostat", THERMOSTAT)?;
//! let outcome = play(&scenario, |scenario| {
//!     Ok(Box::new(VirtualStage::set(&program, scenario, &BTreeMap::new())?))
//! });
//! assert!(outcome.passed(), "{outcome:?}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | holds |
//! | --- | --- |
//! | `document.rs` | the file as it is written |
//! | `read.rs`, `read_expectation.rs`, `moment.rs` | what it means, and what is wrong with it |
//! | `script.rs` | a scenario that has been read |
//! | `expected.rs`, `bound.rs` | what a value is expected to be |
//! | `happening.rs` | what a device did |
//! | `stage.rs`, `virtual_stage.rs` | where scenarios are played |
//! | `shifted_clock.rs` | a real clock with another wall time, for stages in real time |
//! | `play.rs`, `judge.rs` | playing them, and holding what came against what was expected |
//! | `loosened.rs` | what is expected where time cannot be told exactly |
//! | `complaint.rs`, `outcome.rs` | what was not as expected |
//! | `report/` | outcomes for people, as JUnit XML and as JSON |

mod bound;
mod complaint;
mod document;
mod expected;
mod happening;
mod judge;
mod loosened;
mod moment;
mod outcome;
mod play;
mod read;
mod read_expectation;
pub mod report;
mod script;
mod shifted_clock;
mod stage;
#[cfg(test)]
mod told;
mod virtual_stage;

pub use bound::{Bound, Type};
pub use expected::{Difference, Expected};
pub use happening::{Happening, Kind, Stream, What, json_or_text};
pub use outcome::{Closest, Failure, Outcome};
pub use play::play;
pub use read::ScenarioError;
pub use script::{Action, Draws, Expectation, Moment, Place, Scenario, Step, Wanted, Weather};
pub use shifted_clock::ShiftedClock;
pub use stage::{Stage, StageError};
pub use virtual_stage::VirtualStage;
