//! Guests that do what a device must not: each is held, the host says what happened, and where the guest may live on it
//! does.
//!
//! They are written as WebAssembly text, see `module.rs`, because a compiler keeps most of this from being written at all.
//! The rogue of `tests/guests`, which is in Rust, does what a Rust guest can: see `sandbox.rs`.
//!
//! | theme | guests | what they do |
//! | --- | --- | --- |
//! | `time.rs` | 14 | loop for ever, at each of 8 places, in calls of the host and in their allocator |
//! | `faults.rs` | 23 | abort and divide by zero at each place, reach beyond memory, call what is not there, or the host before they may |
//! | `memory.rs` | 14 | take memory, tables, and at each place stack |
//! | `floods.rs` | 15 | telemetry, reports, acknowledgements, log lines, timers, open commands, one megabyte named 100,000 times |
//! | `nonsense.rs` | 33 | results, names, statuses and documents that are none |
//! | `restarts.rs` | 8 | fail again and again |
//! | `secrets.rs` | 1 | search their whole memory for the device's key |
//! | `swaps.rs` | 10 | fail while they come or go |
//! | `wasi.rs` | 35 | use WASI where it is not allowed, and beyond what it gives where it is |
//!
//! The 8 places are the core module's own start function and the seven exports.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod faults;
mod floods;
mod memory;
mod module;
mod nonsense;
mod provoke;
mod restarts;
mod secrets;
mod swaps;
mod time;
mod wasi;
