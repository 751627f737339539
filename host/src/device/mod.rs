//! One device: the session that drives a guest.
//!
//! [`Device`] is the part without I/O: it calls the guest, applies what the guest did to timers and outbox, and knows the
//! twin's desired half. [`run`] is the loop around it: one task that waits for the hub, for timers and for the operator,
//! and keeps the connection up. Neither knows MQTT or wasmtime, and both take their time from a
//! [`Clock`](crate::clock::Clock), so that the same code runs for years or for a simulated day in a test.
//!
//! | file | holds |
//! | --- | --- |
//! | `session.rs` | the loop: provision, connect, read the twin, start, events until stopped |
//! | `link.rs` | the connection, as the session sees it: up, or on its way up again |
//! | `core.rs` | the guest with its timers, outbox and open commands |
//! | `commands.rs` | commands that are not answered yet |
//! | `desired.rs` | the desired properties, and what changed in them |
//! | `outbox.rs` | what the hub has not taken yet |
//! | `timers.rs` | when the guest wants to be woken |
//! | `report.rs` | properties and acknowledgements as twin patches |
//! | `notice.rs` | what a session tells whoever watches it |

mod commands;
mod core;
mod desired;
mod link;
mod notice;
mod outbox;
mod report;
mod session;
mod timers;

pub use self::core::Device;
pub use notice::{Notice, Observer};
pub use session::{Control, Session, SessionError, run};
