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
//! | `first.rs` | the first connection, and the twin that the guest is started with |
//! | `link.rs` | the connection, as the session sees it: up, or on its way up again |
//! | `backoff.rs` | when to try again, and whether to be provisioned before |
//! | `token.rs` | when a connection is renewed |
//! | `connected.rs` | what becomes of the device when its connection does |
//! | `traffic.rs` | what goes to the hub and what comes from it |
//! | `connectivity.rs` | how the connection is, for whoever asks |
//! | `operator.rs` | orders to a running device: stop, swap, say how it is |
//! | `core.rs` | the guest with its timers, outbox and open commands |
//! | `life.rs`, `health.rs` | its instances, one after another; what follows a failure |
//! | `aside.rs` | its instance put aside between two events |
//! | `swap.rs` | another guest in the same device |
//! | `recording.rs` | recording it in mid-life |
//! | `calls.rs` | calls of the guest, and what comes of them |
//! | `quota.rs` | how much it may do now |
//! | `commands.rs` | commands that are not answered yet |
//! | `desired.rs` | the desired properties, and what changed in them |
//! | `outbox/` | what the hub has not taken yet, in memory and on disk |
//! | `timers.rs` | when the guest wants to be woken |
//! | `report.rs` | acknowledgements and components, as the twin has them |
//! | `notice.rs` | what a session tells whoever watches it |
//! | `status.rs` | how a device is, for whoever asks |
//! | `lengthy.rs` | work that would hold up the other devices of a thread |

mod aside;
mod backoff;
mod calls;
mod commands;
mod connected;
mod connectivity;
mod core;
mod desired;
mod first;
mod health;
mod lengthy;
mod life;
mod link;
mod notice;
mod operator;
mod outbox;
mod quota;
mod recording;
mod report;
mod session;
mod status;
mod swap;
mod timers;
mod token;
mod traffic;

pub use self::core::Device;
pub use connectivity::{Cause, ConnectionState};
pub use health::Verdict;
pub use notice::{Notice, Observer};
pub use operator::{Control, Operator};
pub use outbox::{Capacity, Overflow, Store, StoreError};
pub use recording::{Beginning, NotRecorded, Present};
pub use session::{Session, SessionError, run};
pub use status::{GuestState, Status};
pub use swap::{Replacement, SwapError, Swapped};
