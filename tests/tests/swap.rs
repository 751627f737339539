//! Another guest is swapped in: the same host runs a device of another model.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use serde_json::json;
use setpoint::sandbox::{THERMOSTAT, as_component};
use setpoint::testing::TestDevice;
use setpoint_tests::{COUNTER, Place};

#[test]
fn another_guest_runs_in_the_same_host() {
    let mut device = TestDevice::load(COUNTER).unwrap().start().unwrap();
    assert_eq!(device.hub().model_id().as_deref(), Some("dtmi:com:example:Counter;1"));
    device.advance(Duration::from_secs(2)).unwrap();
    assert_eq!(device.telemetry(), [json!({ "count": 1 }), json!({ "count": 2 })]);
    device.hub().desire(json!({ "step": 10 }).as_object().unwrap().clone());
    device.advance(Duration::from_secs(1)).unwrap();
    assert_eq!(device.telemetry(), [json!({ "count": 12 })]);
    assert_eq!(device.call("reset", b"").unwrap(), Some((200, json!(12))));
    device.advance(Duration::from_secs(1)).unwrap();
    assert_eq!(device.telemetry(), [json!({ "count": 10 })]);
    assert_eq!(device.hub().reported()["step"]["ac"], json!(200));
}

#[test]
fn a_module_and_the_component_made_of_it_behave_alike() {
    let component = as_component("thermostat", THERMOSTAT).unwrap();
    let run = |guest: &[u8]| {
        let mut device = TestDevice::load(guest).unwrap().start().unwrap();
        device.advance(Duration::from_secs(60)).unwrap();
        device.received()
    };
    assert_eq!(run(&component), run(THERMOSTAT));
}

#[tokio::test]
async fn the_other_guest_meets_a_real_hub_too() {
    let place = Place::new().await;
    let mut device = place.run(COUNTER, &[]);
    assert_eq!(device.delivered().await, json!({ "count": 1 }));
    let twin = place.emulator.hub().twin(place.identity.device_id()).unwrap();
    assert_eq!(twin["modelId"], json!("dtmi:com:example:Counter;1"));
    device.stop().await.unwrap();
}
