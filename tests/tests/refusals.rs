//! What a hub refuses, or never answers: for now, for good, at the start and later. In virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use serde_json::{Value, json};
use setpoint::cloud::memory::MemoryHub;
use setpoint::cloud::{ConnectError, Outgoing};
use setpoint::device::SessionError;
use setpoint::sandbox::THERMOSTAT;
use setpoint::testing::{TestDevice, TestError};

/// Longer than the pause before the first attempt to connect again, shorter than the pause between two readings.
const MOMENT: Duration = Duration::from_secs(2);

fn device(hub: &MemoryHub) -> Result<TestDevice, TestError> {
    TestDevice::load(THERMOSTAT)?.hub(hub).start()
}

/// A thermostat at work, of which everything sent so far has been seen.
fn running() -> TestDevice {
    let mut device = device(&MemoryHub::new()).unwrap();
    device.received();
    device
}

fn desire(device: &mut TestDevice, value: u64) {
    let patch = json!({ "targetTemperature": value });
    device.hub().desire(patch.as_object().unwrap().clone());
    device.settle().unwrap();
}

/// The values acknowledged among what the hub received.
fn acknowledged(device: &mut TestDevice) -> Vec<Value> {
    let answer = |outgoing: Outgoing| match outgoing {
        Outgoing::Report(patch) => Some(patch.get("targetTemperature")?["value"].clone()),
        _ => None,
    };
    device.received().into_iter().filter_map(answer).collect()
}

#[test]
fn a_report_refused_for_now_is_sent_again_after_a_pause() {
    for status in [429, 500, 503] {
        let mut device = running();
        device.hub().refuse(status);
        desire(&mut device, 30);
        assert_eq!(acknowledged(&mut device), [] as [Value; 0], "{status}");
        device.advance(2 * MOMENT).unwrap();
        assert_eq!(acknowledged(&mut device), [json!(30)], "{status}");
        assert_eq!(device.hub().connections(), 1, "it is no reason to connect again");
    }
}

#[test]
fn a_report_refused_for_good_is_dropped_and_holds_nothing_up() {
    for status in [400, 413] {
        let mut device = running();
        device.hub().refuse(status);
        desire(&mut device, 30);
        desire(&mut device, 31);
        device.advance(MOMENT).unwrap();
        assert_eq!(acknowledged(&mut device), [json!(31)], "{status}");
        assert_eq!(device.hub().connections(), 1);
    }
}

#[test]
fn a_twin_that_is_refused_after_a_reconnect_is_asked_for_again() {
    for status in [400, 429] {
        let mut device = running();
        device.hub().set_unreachable(true);
        device.hub().cut();
        device.settle().unwrap();
        desire(&mut device, 30);
        device.hub().refuse(status);
        device.hub().set_unreachable(false);
        device.advance(Duration::from_secs(60)).unwrap();
        assert_eq!(acknowledged(&mut device), [json!(30)], "{status}");
    }
}

#[test]
fn a_twin_that_is_never_shown_after_a_reconnect_is_asked_for_again() {
    let mut device = running();
    device.hub().set_silent(true);
    device.hub().cut();
    device.advance(Duration::from_secs(10)).unwrap();
    desire(&mut device, 30);
    device.hub().set_silent(false);
    device.advance(Duration::from_secs(60)).unwrap();
    assert!(acknowledged(&mut device).contains(&json!(30)));
    assert!(device.hub().connections() > 2);
}

fn reason(hub: &MemoryHub, wait: Duration) -> String {
    let started = device(hub).and_then(|mut device| device.advance(wait));
    match started {
        Err(TestError::Session(SessionError::Connect(ConnectError::Lost { reason, .. }))) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_the_first_twin_there_is_no_start_and_the_reason_is_said() {
    let hub = MemoryHub::new();
    hub.refuse(503);
    assert!(reason(&hub, Duration::ZERO).contains("503"));
    let hub = MemoryHub::new();
    hub.set_silent(true);
    assert!(reason(&hub, Duration::from_secs(31)).contains("within 30 s"));
}
