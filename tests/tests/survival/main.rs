//! A device and a year of bad days, in virtual time: what becomes of what it has accepted, and how often it asks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod clock;
mod identity;
mod network;
mod restart;
mod said;
mod throttling;
mod tokens;
mod twin;

use std::time::Duration;

use serde_json::{Value, json};
use setpoint::cloud::Outgoing;
use setpoint::cloud::memory::MemoryHub;
use setpoint::device::ConnectionState;
use setpoint::testing::{Setup, TestDevice};
use setpoint_protocol::twin::Document;
use setpoint_tests::COUNTER;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A counter, which sends 1, 2, 3 and so on, one each second.
fn counter(hub: &MemoryHub) -> Setup {
    TestDevice::load(COUNTER).unwrap().hub(hub)
}

/// A counter at work.
fn running() -> TestDevice {
    let mut device = counter(&MemoryHub::new()).start().unwrap();
    device.received();
    device
}

fn document(value: Value) -> Document {
    value.as_object().unwrap().clone()
}

/// The numbers among what was sent.
fn counts(messages: &[Outgoing]) -> Vec<i64> {
    let count = |message: &Outgoing| match message {
        Outgoing::Telemetry { body, .. } => serde_json::from_str::<Value>(body).ok()?["count"].as_i64(),
        _ => None,
    };
    messages.iter().filter_map(count).collect()
}

/// The patches among it.
fn reports(messages: &[Outgoing]) -> Vec<Value> {
    let patch = |message: &Outgoing| match message {
        Outgoing::Report(patch) => Some(Value::Object(patch.clone())),
        _ => None,
    };
    messages.iter().filter_map(patch).collect()
}

/// Each number once, the first time it came.
fn first_times(counts: &[i64]) -> Vec<i64> {
    let mut seen = std::collections::HashSet::new();
    counts.iter().copied().filter(|count| seen.insert(*count)).collect()
}

/// Lets time pass and ends the outage with it.
fn outage(device: &mut TestDevice, length: Duration) {
    device.hub().set_unreachable(true);
    device.hub().cut();
    device.advance(length).unwrap();
    device.hub().set_unreachable(false);
}

fn is_down(state: &ConnectionState) -> bool {
    matches!(state, ConnectionState::Down { .. })
}

fn set_step(step: i64) -> Document {
    document(json!({ "step": step }))
}
