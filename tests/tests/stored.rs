//! Guests that were built for an earlier version of the contract, and are kept as they were: see tests/stored.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use serde_json::{Value, json};
use setpoint::cloud::Outgoing;
use setpoint::sandbox::{Limits, LoadError, Program, Sandbox, THERMOSTAT};
use setpoint::testing::TestDevice;
use setpoint_tests::COUNTER;

const STORED_THERMOSTAT: &[u8] = include_bytes!("../stored/thermostat-0.1.0.wasm");
const STORED_COUNTER: &[u8] = include_bytes!("../stored/counter-0.1.0.wasm");

/// Ten minutes of a thermostat, with patches good and bad, commands, a message and a broken connection.
fn ten_minutes(guest: &[u8]) -> Vec<Outgoing> {
    let mut n = 0;
    let sevens = move || {
        n += 7;
        n
    };
    let mut device = TestDevice::load(guest)
        .unwrap()
        .config("window", "20")
        .random(sevens)
        .start()
        .unwrap();
    let minute = Duration::from_secs(60);
    for patch in [
        json!({ "targetTemperature": 42.5 }),
        json!({ "targetTemperature": "warm", "unknown": [1] }),
        json!({ "targetTemperature": null }),
    ] {
        device.advance(minute).unwrap();
        device.hub().desire(patch.as_object().unwrap().clone());
        device.settle().unwrap();
    }
    for (command, payload) in [
        ("getMaxMinReport", &b"\"2024-01-01T00:01:00Z\""[..]),
        ("getMaxMinReport", b""),
        ("reboot", b"{}"),
    ] {
        device.advance(minute).unwrap();
        device.hub().call(command, payload);
        device.settle().unwrap();
    }
    device
        .hub()
        .message(b"text", vec![("key".to_owned(), "value".to_owned())]);
    device.hub().cut();
    device.advance(4 * minute).unwrap();
    assert!(device.failures().is_empty());
    device.received()
}

#[test]
fn the_thermostat_of_0_1_0_does_what_todays_does() {
    let stored = ten_minutes(STORED_THERMOSTAT);
    let telemetry = stored.iter().filter(|sent| matches!(sent, Outgoing::Telemetry { .. }));
    assert_eq!(telemetry.count(), 76);
    let answers = stored.iter().filter(|sent| matches!(sent, Outgoing::Response { .. }));
    assert_eq!(answers.count(), 3);
    assert_eq!(stored, ten_minutes(THERMOSTAT));
}

#[test]
fn a_guest_of_0_1_0_hands_its_state_to_todays() {
    let mut device = TestDevice::load(STORED_COUNTER).unwrap().start().unwrap();
    device.advance(Duration::from_secs(3)).unwrap();
    assert!(device.swap(COUNTER).unwrap().state);
    device.advance(Duration::from_secs(1)).unwrap();
    assert_eq!(device.telemetry().last(), Some(&json!({ "count": 4 })));
    assert!(device.swap(STORED_COUNTER).unwrap().state);
    assert_eq!(device.call("reset", b"").unwrap(), Some((200, Value::from(4))));
}

/// A guest that says it was built for another version. Its numbers are as long as `0.1.0`.
fn built_for(version: &str) -> Vec<u8> {
    assert_eq!(version.len(), 5);
    let mut guest = STORED_COUNTER.to_vec();
    let (from, to) = (b"@0.1.0", format!("@{version}"));
    let found: Vec<_> = (0..guest.len() - from.len())
        .filter(|at| guest[*at..].starts_with(from))
        .collect();
    assert!(!found.is_empty());
    for at in found {
        guest[at..at + from.len()].copy_from_slice(to.as_bytes());
    }
    guest
}

#[test]
fn a_patch_of_the_contract_is_the_same_contract() {
    let mut device = TestDevice::load(&built_for("0.1.7")).unwrap().start().unwrap();
    device.advance(Duration::from_secs(2)).unwrap();
    assert_eq!(device.telemetry(), [json!({ "count": 1 }), json!({ "count": 2 })]);
}

#[test]
fn a_version_this_host_does_not_know_is_refused_with_those_it_does() {
    let sandbox = Sandbox::new(Limits::default(), None).unwrap();
    for version in ["0.2.0", "1.1.0", "0.0.9"] {
        let refused = Program::load(&sandbox, "counter", &built_for(version)).err().unwrap();
        assert!(matches!(refused, LoadError::OtherVersion { .. }), "{refused:?}");
        assert_eq!(
            refused.to_string(),
            format!(
                "counter: was built for setpoint:device@{version}, this host gives setpoint:device@0.1.0; \
                 build it again with the WIT package of this host"
            )
        );
    }
}
