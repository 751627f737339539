//! Ten minutes of the thermostat: the component in its sandbox, a hub in memory, virtual time. Everything it sends is
//! compared, in order.
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
use setpoint::sandbox::THERMOSTAT;
use setpoint::testing::TestDevice;

/// The n-th reading when the n-th random number is 7n: 10 + 7n mod 40.
fn temperature(n: u64) -> u64 {
    10 + 7 * n % 40
}

/// Randomness of which the thermostat makes [`temperature`].
fn sevens() -> impl FnMut() -> u64 + Send + 'static {
    let mut n = 0;
    move || {
        n += 1;
        7 * (n - 1)
    }
}

fn telemetry(n: u64) -> Outgoing {
    let body = json!({ "temperature": temperature(n) }).to_string();
    Outgoing::Telemetry {
        component: None,
        body,
        properties: Vec::new(),
    }
}

fn report(patch: Value) -> Outgoing {
    Outgoing::Report(patch.as_object().unwrap().clone())
}

fn acknowledged(value: Value, ac: u16, av: u64, ad: &str) -> Outgoing {
    report(json!({ "targetTemperature": { "value": value, "ac": ac, "av": av, "ad": ad } }))
}

fn response(rid: &str, status: u16, payload: Value) -> Outgoing {
    Outgoing::Response {
        rid: rid.to_owned(),
        status,
        payload: payload.to_string(),
    }
}

/// The readings `from..to`, with a report after each that is the highest so far. All temperatures are known after 40.
fn readings(from: u64, to: u64) -> Vec<Outgoing> {
    let mut expected = Vec::new();
    for n in from..to {
        expected.push(telemetry(n));
        let before = (0..n)
            .map(temperature)
            .max()
            .map_or(10.96, |highest| highest as f64)
            .max(10.96);
        if temperature(n) as f64 > before {
            expected.push(report(json!({ "maxTempSinceLastReboot": temperature(n) })));
        }
    }
    expected
}

#[test]
fn every_message_acknowledgement_and_report_of_ten_minutes() {
    let mut device = TestDevice::load(THERMOSTAT).unwrap().random(sevens()).start().unwrap();
    assert_eq!(
        device.hub().model_id().as_deref(),
        Some("dtmi:com:example:Thermostat;1")
    );
    let mut expected = vec![report(json!({ "maxTempSinceLastReboot": 10.96 }))];
    expected.extend(readings(0, 1));
    expected.push(acknowledged(json!(20), 203, 0, "the default is in force"));
    assert_eq!(device.received(), expected);

    // 100 s: the cloud wants 42.5.
    device.advance(Duration::from_secs(100)).unwrap();
    device
        .hub()
        .desire(json!({ "targetTemperature": 42.5 }).as_object().unwrap().clone());
    device.settle().unwrap();
    let mut expected = readings(1, 13);
    expected.push(acknowledged(json!(42.5), 200, 2, "Successfully executed patch"));
    assert_eq!(device.received(), expected);

    // 200 s: a wrong type, an unknown name and a nested null.
    device.advance(Duration::from_secs(100)).unwrap();
    let patch = json!({ "targetTemperature": "warm", "unknown": { "deep": null, "kept": [1] } });
    device.hub().desire(patch.as_object().unwrap().clone());
    device.settle().unwrap();
    let received = device.received();
    let (Some(Outgoing::Report(answers)), readings_before) = (received.last(), readings(13, 26)) else {
        panic!("{received:?}");
    };
    assert_eq!(received.split_last().unwrap().1, readings_before);
    assert_eq!(answers.len(), 2);
    let target = &answers["targetTemperature"];
    assert_eq!(
        (&target["ac"], &target["av"], &target["value"]),
        (&json!(400), &json!(3), &json!(42.5))
    );
    assert!(target["ad"].as_str().unwrap().contains("number of degrees"), "{target}");
    let unknown = &answers["unknown"];
    assert_eq!((&unknown["ac"], &unknown["av"]), (&json!(404), &json!(3)));
    assert_eq!(unknown["value"], json!({ "kept": [1] }));

    // 300 s: the report since 200 s, the report of everything, a wrong one, an unknown command.
    device.advance(Duration::from_secs(100)).unwrap();
    assert_eq!(device.received(), readings(26, 38));
    let since = device.hub().call("getMaxMinReport", br#""2024-01-01T00:03:20Z""#);
    let all = device.hub().call("getMaxMinReport", b"");
    let wrong = device.hub().call("getMaxMinReport", b"17");
    let unknown = device.hub().call("reboot", b"{}");
    let no_json = device.hub().call("getMaxMinReport", b"{");
    device.settle().unwrap();
    let received = device.received();
    let mean = |from: u64| (from..38).map(temperature).sum::<u64>() as f64 / (38 - from) as f64;
    let summary = |from: u64, start: &str| {
        json!({
            "avgTemp": mean(from), "endTime": "2024-01-01T00:05:00Z",
            "maxTemp": (from..38).map(temperature).max(), "minTemp": (from..38).map(temperature).min(), "startTime": start,
        })
    };
    assert_eq!(received[0], response(&since, 200, summary(25, "2024-01-01T00:03:20Z")));
    assert_eq!(received[1], response(&all, 200, summary(0, "2024-01-01T00:00:00Z")));
    let statuses = received[2..].iter().map(|outgoing| match outgoing {
        Outgoing::Response { rid, status, payload } => {
            let payload: Value = serde_json::from_str(payload).unwrap();
            assert!(payload["message"].is_string(), "{payload}");
            (rid.clone(), *status)
        }
        other => panic!("{other:?}"),
    });
    let statuses: Vec<_> = statuses.collect();
    // Bytes that are no JSON never reach the guest, so their refusal comes from the host, like the rest in order.
    assert_eq!(statuses, [(wrong, 400), (unknown, 404), (no_json, 400)]);

    // 400 s: the value is removed.
    device.advance(Duration::from_secs(100)).unwrap();
    device
        .hub()
        .desire(json!({ "targetTemperature": null }).as_object().unwrap().clone());
    device.settle().unwrap();
    let mut expected = readings(38, 51);
    expected.push(acknowledged(json!(20), 203, 4, "the default is in force"));
    assert_eq!(device.received(), expected);

    // To the end: 75 periods of 8 s and the reading at the start.
    device.advance(Duration::from_secs(200)).unwrap();
    assert_eq!(device.received(), readings(51, 76));
    device.stop().unwrap();
    assert!(device.has_stopped());
}

#[test]
fn a_value_that_was_there_before_the_device_is_applied_and_acknowledged() {
    let hub = setpoint::cloud::memory::MemoryHub::new();
    let setup = TestDevice::load(THERMOSTAT).unwrap().hub(&hub).random(sevens());
    let patch = json!({ "targetTemperature": 33 });
    hub.desire(patch.as_object().unwrap().clone());
    let mut device = setup.start().unwrap();
    assert_eq!(
        device.received().last(),
        Some(&acknowledged(json!(33), 200, 2, "Successfully executed patch"))
    );
}

#[test]
fn a_broken_connection_loses_and_reorders_nothing() {
    let mut device = TestDevice::load(THERMOSTAT).unwrap().random(sevens()).start().unwrap();
    device.received();
    device.hub().set_unreachable(true);
    device.hub().cut();
    // No hub for four minutes; the cloud changes its mind meanwhile.
    device.advance(Duration::from_secs(240)).unwrap();
    assert_eq!(device.received(), []);
    device
        .hub()
        .desire(json!({ "targetTemperature": 5 }).as_object().unwrap().clone());
    device.hub().set_unreachable(false);
    device.advance(Duration::from_secs(120)).unwrap();
    let received = device.received();
    assert_eq!(device.hub().connections(), 2);
    let sent: Vec<_> = received
        .iter()
        .filter(|one| matches!(one, Outgoing::Telemetry { .. }))
        .cloned()
        .collect();
    assert_eq!(sent, (1..46).map(telemetry).collect::<Vec<_>>());
    assert!(
        received.contains(&acknowledged(json!(5), 200, 2, "Successfully executed patch")),
        "{received:?}"
    );
}

#[test]
fn what_was_in_flight_when_the_connection_broke_is_sent_again() {
    let mut device = TestDevice::load(THERMOSTAT).unwrap().random(sevens()).start().unwrap();
    device.received();
    device.hub().set_silent(true);
    device.advance(Duration::from_secs(16)).unwrap();
    let unacknowledged: Vec<_> = device.received();
    assert!(unacknowledged.contains(&telemetry(2)));
    device.hub().cut();
    device.hub().set_silent(false);
    device.advance(Duration::from_secs(2)).unwrap();
    // Every message, and of each property its latest value: there were two.
    let maximum =
        |message: &Outgoing| matches!(message, Outgoing::Report(patch) if patch.contains_key("maxTempSinceLastReboot"));
    let outdated = unacknowledged.iter().position(maximum).unwrap();
    let mut latest = unacknowledged;
    latest.remove(outdated);
    assert!(latest.iter().any(maximum));
    assert_eq!(device.received(), latest);
}
