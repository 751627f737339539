//! Guests, held in their sandbox.
//!
//! A [`Sandbox`] is the wasmtime engine with its limits; it turns bytes into a [`Program`] (checked against the contract,
//! compiled, cached on disk), and a program into a [`Guest`]: one instance with its own memory. A guest is called from one
//! place at a time and everything it does comes back as a list of [`Effect`](crate::effect::Effect)s. It never sees a
//! credential, a socket or a file.
//!
//! | file | holds |
//! | --- | --- |
//! | `engine.rs` | the engine, its pool of instances |
//! | `ticker.rs` | the thread that counts guests' time |
//! | `footprint.rs` | what instances of a guest need of the pool |
//! | `contract.rs` | what a component imports and exports, and whether this host can give it |
//! | `load.rs` | bytes to program: core modules are wrapped, the contract is checked, then compiled |
//! | `cache.rs` | compiled code on disk |
//! | `guest.rs` | one instance and its exports |
//! | `budget.rs` | the time a call may take, and that it holds up nobody meanwhile |
//! | `held.rs` | memory an instance holds, and its high-water mark |
//! | `rates.rs` | how fast a guest may send, log and wake |
//! | `imports.rs` | what a guest may call |
//! | `json.rs` | whether what it sends is JSON |
//! | `versions.rs`, `v0_1.rs` | the versions of the contract, each with its bindings |
//! | `surroundings.rs` | what an instance is given: clock, randomness, configuration, assignment |
//! | `permission.rs` | what it may be given beside the contract |
//! | `wasi/` | WASI, for guests that are allowed it |
//! | `crossing.rs` | what passes between a guest and its host, as it is recorded |
//! | `tap.rs` | where a recorder listens to it |
//! | `builtin.rs` | the thermostat that is part of the program |

mod budget;
mod builtin;
mod cache;
mod contract;
mod crossing;
mod engine;
mod footprint;
mod guest;
mod held;
mod imports;
mod json;
mod load;
mod permission;
mod rates;
mod surroundings;
mod tap;
mod ticker;
mod v0_1;
mod versions;
mod wasi;

pub use builtin::THERMOSTAT;
pub use cache::Cache;
pub use contract::{Contract, Interface};
pub use crossing::{Assigned, Bytes, Call, Called, Created, Draw, Event, Failure, FailureKind, Given, Gone, Returned};
pub use engine::{Limits, Sandbox, SandboxError};
pub use footprint::Footprint;
pub use guest::{Guest, GuestError};
pub use load::{LoadError, Program, as_component, name_of, read};
pub use permission::Permission;
pub use rates::{Rate, Rates};
pub use surroundings::{Quota, Random, SharedRandom, Surroundings};
pub use tap::{Occupied, Recorder, Tap};
