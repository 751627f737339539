//! A device's connections over TLS: to the emulator, and to servers that do what the emulator does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

mod certificates;
mod endings;
mod gateways;
mod local;
mod messages;
mod provisioning;
mod proxies;
mod server;
mod time;
mod tunnels;
mod websockets;
