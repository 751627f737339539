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
mod hub;
mod modules;
mod provisioning;
mod support;
mod websocket;
mod x509;
