//! The emulator's MQTT, on its own port and over WebSockets, driven over TLS with bytes written by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod client;
mod connection;
mod dps_faults;
mod faults;
mod hostile;
mod hub;
mod injected;
mod modules;
mod provisioning;
mod raw;
mod raw_bytes;
mod support;
mod throttles;
mod websocket;
mod x509;

// What the raw cases know the emulator's state by.
use setpoint_emulator::state;
