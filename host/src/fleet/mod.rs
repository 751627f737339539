//! Fleets: many devices in one process, each with its identity, its sandbox, its session and its own connection.
//!
//! A [`Plan`] says which devices there are and where they go; [`run`] starts them at a steady rate, so that what they do at
//! intervals is spread in time, and ends them when it is told to. A device that fails ends nobody but itself. What all of them
//! did is counted in a [`Tally`], and comes back as a [`Report`](report::Report).
//!
//! | file | holds |
//! | --- | --- |
//! | `identities.rs` | what the devices are called, and which of them this process runs |
//! | `mix.rs` | which guest each of them runs |
//! | `member.rs` | one device, from its first attempt to its end |
//! | `watch.rs` | what a device tells the tally |
//! | `passage.rs` | which devices do not get through, and why |
//! | `tally.rs`, `spread.rs` | what all of them did: counters, and how times are spread |
//! | `launch.rs` | starting them, sampling, draining |
//! | `resources.rs` | what they need of the machine, checked before they are started |
//! | `process.rs` | what this process uses |
//! | `metrics.rs` | the tally as Prometheus reads it |
//! | `report/` | what is said at the end: a table, JSON, a page with plots |

mod identities;
mod launch;
mod member;
mod metrics;
mod mix;
mod passage;
mod process;
pub mod report;
mod resources;
mod spread;
mod tally;
mod watch;

pub use identities::{IdentityError, Pattern, Shard};
pub use launch::{Ending, Plan, Ramp, RampError, run};
pub use member::Group;
pub use metrics::exposition;
pub use mix::{Mix, MixError};
pub use passage::{NotRun, Obstacle};
pub use process::{Usage, proportional};
pub use resources::{Machine, Needs, Shortage};
pub use spread::{Spread, Summary};
pub use tally::{Count, Gauge, Sample, Tally};
