//! A device and its hub over TLS and MQTT, with one thing going wrong between them or at the hub. In every one of these, what
//! the guest was told was accepted is compared with what the hub has stored: nothing lost, nothing out of order.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod dps;
mod hub;
mod network;
mod oracle;
mod power;
mod soak;
mod twin;
mod watched;

use std::time::Duration;

use serde_json::{Value, json};
use setpoint_emulator::state::{HubFault, When};
use watched::Watched;

const SECOND: Duration = Duration::from_secs(1);

fn document(value: Value) -> setpoint_protocol::twin::Document {
    value.as_object().unwrap().clone()
}
