//! Fleets: many devices in one process, over TLS and MQTT, and their instances put aside between two events.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod aside;
mod endings;
mod library;
mod process;
