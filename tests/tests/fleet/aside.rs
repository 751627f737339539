//! Instances put aside, in virtual time.

use std::time::Duration;

use serde_json::{Value, json};
use setpoint::cloud::Outgoing;
use setpoint::sandbox::THERMOSTAT;
use setpoint::testing::{Setup, TestDevice};
use setpoint_protocol::twin::Document;
use setpoint_tests::{ROGUE, TEMPERATURE_CONTROLLER};

const MINUTE: Duration = Duration::from_secs(60);

fn document(value: Value) -> Document {
    value.as_object().unwrap().clone()
}

/// The same numbers in every run.
fn random() -> impl FnMut() -> u64 + Send + 'static {
    let mut state = 7_u64;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state
    }
}

/// What the hub receives of a device in some minutes in which everything happens, in order.
fn minutes(setup: Setup) -> (Vec<Outgoing>, Document, u64) {
    let mut device = setup.random(random()).start().unwrap();
    device.hub().desire(document(json!({ "targetTemperature": 30 })));
    device.advance(MINUTE).unwrap();
    device.hub().desire(document(json!({ "targetTemperature": 31.5 })));
    device.settle().unwrap();
    device.advance(MINUTE).unwrap();
    device.hub().call("getMaxMinReport", b"\"2024-01-01T00:00:00Z\"");
    device.hub().message(b"hello", Vec::new());
    device.settle().unwrap();
    // The same value again: whoever set it waits for an acknowledgement of this version.
    device.hub().desire(document(json!({ "targetTemperature": 31.5 })));
    device.advance(MINUTE).unwrap();
    let reported = device.hub().reported();
    (device.received(), reported, device.times_put_aside())
}

fn without_ids(received: Vec<Outgoing>) -> Vec<Outgoing> {
    received
        .into_iter()
        .filter(|outgoing| !matches!(outgoing, Outgoing::GetTwin))
        .collect()
}

#[test]
fn the_hub_sees_no_difference() {
    for guest in [THERMOSTAT, TEMPERATURE_CONTROLLER] {
        let (live, reported, never) = minutes(TestDevice::load(guest).unwrap());
        let (aside, same, times) = minutes(TestDevice::load(guest).unwrap().put_aside());
        assert_eq!(never, 0);
        assert!(times > 20, "put aside {times} times");
        assert_eq!(reported, same);
        let (live, aside) = (without_ids(live), without_ids(aside));
        assert!(live.len() > 20, "{live:?}");
        assert_eq!(live, aside);
    }
}

#[test]
fn a_guest_that_has_no_state_to_give_stays() {
    let setup = TestDevice::load(ROGUE).unwrap().config("does", "promise");
    let mut device = setup.put_aside().start().unwrap();
    device.advance(Duration::from_millis(55)).unwrap();
    assert_eq!(device.telemetry().len(), 5);
    assert_eq!(device.times_put_aside(), 0);
}

#[test]
fn a_guest_that_cannot_take_up_its_state_is_started_again_and_stays() {
    let setup = TestDevice::load(ROGUE).unwrap().config("does", "refuse-resumed");
    let mut device = setup.put_aside().start().unwrap();
    // Its timer is due after a second: it is resumed, refuses, and is started again a second later.
    device.advance(Duration::from_millis(1_500)).unwrap();
    let failures = device.failures();
    assert!(
        failures.len() == 1 && failures[0].0.to_string().contains("does not want to"),
        "{failures:?}"
    );
    device.advance(Duration::from_secs(2)).unwrap();
    assert_eq!(device.telemetry(), [json!({ "woke": true })]);
    assert_eq!((device.times_put_aside(), device.failures().len()), (1, 0));
}

#[test]
fn a_guest_that_is_put_aside_hands_its_state_over() {
    let mut device = TestDevice::load(THERMOSTAT)
        .unwrap()
        .put_aside()
        .random(random())
        .start()
        .unwrap();
    device.advance(MINUTE).unwrap();
    let before = device.call("getMaxMinReport", b"\"2024-01-01T00:00:00Z\"").unwrap();
    assert!(device.swap(THERMOSTAT).unwrap().state);
    assert_eq!(
        device.call("getMaxMinReport", b"\"2024-01-01T00:00:00Z\"").unwrap(),
        before
    );
    let status = device.status().unwrap();
    assert!(status.memory_peak > 0 && status.failures == 0, "{status:?}");
}

#[test]
fn another_hub_is_told_everything_again() {
    let mut device = TestDevice::load(THERMOSTAT).unwrap().put_aside().start().unwrap();
    device.advance(MINUTE).unwrap();
    device.received();
    device.hub().cut();
    device.advance(MINUTE).unwrap();
    let reports = |received: Vec<Outgoing>| {
        let reports = received
            .into_iter()
            .filter(|outgoing| matches!(outgoing, Outgoing::Report(_)));
        reports.count()
    };
    assert_eq!(reports(device.received()), 2, "the maximum and the target");
    device.advance(MINUTE).unwrap();
    assert_eq!(reports(device.received()), 0, "once, and not with each instance");
}
