//! A running device is given another guest, again and again: nothing is lost, nothing comes twice, and the hub sees one
//! connection.
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
use setpoint::device::SwapError;
use setpoint::sandbox::{Limits, Program, Sandbox, THERMOSTAT};
use setpoint::testing::{TestDevice, TestError};
use setpoint_emulator::state::EventKind;
use setpoint_tests::{COUNTER, Observed, Place, ROGUE, THERMOSTATS, foreign_guest, sandbox, sandbox_within};

/// Swaps in each of the long tests.
const SWAPS: usize = 1_000;

/// The thermostat in each language it is written in, to take each other's place.
fn thermostats(sandbox: &Sandbox) -> Vec<Program> {
    let mut programs = vec![Program::load(sandbox, "thermostat", THERMOSTAT).unwrap()];
    for name in THERMOSTATS {
        programs.push(Program::load(sandbox, name, &foreign_guest(name)).unwrap());
    }
    programs
}

fn document(value: Value) -> setpoint_protocol::Document {
    value.as_object().unwrap().clone()
}

#[test]
fn a_thousand_swaps_in_virtual_time_lose_no_reading_and_double_none() {
    let sandbox = sandbox();
    let programs = thermostats(&sandbox);
    let mut n = 0;
    let random = move || {
        n += 1;
        n
    };
    let mut device = TestDevice::load_into(&sandbox, THERMOSTAT)
        .unwrap()
        .random(random)
        .config("window", "100000")
        .start()
        .unwrap();
    let mut passed = Duration::ZERO;
    let (mut telemetry, mut targets, mut answers) = (Vec::new(), Vec::new(), 0);
    for swap in 0..SWAPS {
        // Not a multiple of the interval, so that swaps fall everywhere between two readings.
        let pause = Duration::from_millis(3_700 + swap as u64 % 11 * 100);
        device.advance(pause).unwrap();
        passed += pause;
        if swap % 3 == 0 {
            device.hub().desire(document(json!({ "targetTemperature": swap })));
            targets.push(swap);
        }
        // On its way when the swap is ordered.
        device.hub().call("getMaxMinReport", b"");
        let program = programs[swap % programs.len()].clone();
        let swapped = device.swap_program(program).unwrap();
        assert!(swapped.state && swapped.model_id.is_none(), "{swapped:?}");
        for outgoing in device.received() {
            match outgoing {
                Outgoing::Telemetry { body, .. } => telemetry.push(body),
                Outgoing::Response { status, .. } => {
                    assert_eq!(status, 200);
                    answers += 1;
                }
                Outgoing::Report(_) | Outgoing::GetTwin => {}
            }
        }
    }
    let readings = passed.as_secs() / 8 + 1;
    let expected: Vec<_> = (1..=readings)
        .map(|n| json!({ "temperature": 10 + n % 40 }).to_string())
        .collect();
    assert_eq!(telemetry, expected);
    assert_eq!(answers, SWAPS);
    assert_eq!(device.hub().connections(), 1);
    let reported = device.hub().reported();
    assert_eq!(reported["targetTemperature"]["value"], json!(targets.last().unwrap()));
    // The last instance knows of every reading since the first.
    let (_, report) = device.call("getMaxMinReport", b"").unwrap().unwrap();
    assert_eq!(report["startTime"], json!("2024-01-01T00:00:00Z"));
    assert_eq!((&report["minTemp"], &report["maxTemp"]), (&json!(10), &json!(49)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_swaps_under_load_keep_the_connection_and_every_message() {
    let place = Place::new().await;
    let mut events = place.emulator.hub().subscribe();
    let heard = tokio::spawn(async move {
        let (mut stored, mut connections) = (Vec::new(), 0);
        loop {
            let event = events.recv().await.expect("the listener keeps up");
            match event.kind {
                EventKind::Telemetry => stored.push(String::from_utf8(event.body.clone()).unwrap()),
                EventKind::Connected => connections += 1,
                EventKind::Disconnected => return (stored, connections),
                EventKind::Reported => {}
            }
        }
    });
    // Each thermostat that comes reports its maximum and its target, and a thousand come within seconds.
    let mut limits = Limits::default();
    limits.rates.properties.burst = 10_000;
    let sandbox = sandbox_within(limits);
    let programs = thermostats(&sandbox);
    let mut device = place.run_in(&sandbox, THERMOSTAT, &[("interval", "0.02")]);
    device.started().await;
    let id = place.identity.device_id().to_owned();
    let hub = place.emulator.hub();
    let mut gaps = Vec::new();
    for swap in 0..SWAPS {
        if swap % 10 == 0 {
            let patch = json!({ "properties": { "desired": { "targetTemperature": swap } } });
            hub.patch_twin(&id, &document(patch), None).unwrap();
        }
        let swapped = device
            .operator
            .swap(programs[swap % programs.len()].clone())
            .await
            .unwrap();
        assert!(swapped.state, "{swapped:?}");
        gaps.push(swapped.gap);
    }
    let last = SWAPS - 10;
    place
        .reported(&id, |reported| {
            reported.pointer("/targetTemperature/value") == Some(&json!(last))
        })
        .await;
    gaps.sort();
    println!(
        "gap of {SWAPS} swaps: median {:?}, longest {:?}",
        gaps[SWAPS / 2],
        gaps[SWAPS - 1]
    );
    let operator = device.operator.clone();
    operator.stop().await;
    let (mut queued, mut delivered) = (Vec::new(), Vec::new());
    while let Some(observed) = device.observed().await {
        match observed {
            Observed::Queued(Outgoing::Telemetry { body, .. }) => queued.push(body),
            Observed::Delivered(Outgoing::Telemetry { body, .. }) => delivered.push(body),
            Observed::Lost(reason) => panic!("{reason}"),
            _ => {}
        }
    }
    assert!(queued.len() > 10, "{}", queued.len());
    assert_eq!(queued, delivered);
    let (stored, connections) = heard.await.unwrap();
    assert_eq!((stored, connections), (queued, 1));
}

#[test]
fn a_guest_that_does_not_start_leaves_the_old_one_at_work() {
    let mut device = TestDevice::load(ROGUE)
        .unwrap()
        .config("does", "refuse-replaced")
        .start()
        .unwrap();
    device.hub().desire(document(json!({ "a": 1 })));
    device.settle().unwrap();
    let before = device.status().unwrap();
    let Err(TestError::Swap(error @ SwapError::Guest(..))) = device.swap(ROGUE) else {
        panic!()
    };
    assert!(
        error.to_string().ends_with("device goes on with the guest it had"),
        "{error}"
    );
    let after = device.status().unwrap();
    assert_eq!((after.guest, after.failures), (before.guest, 0));
    // Its timer, set before, still fires.
    device.advance(Duration::from_secs(2)).unwrap();
    assert_eq!(device.telemetry(), [json!({ "woke": true })]);
}

#[test]
fn what_is_no_guest_leaves_the_old_one_at_work() {
    let mut device = TestDevice::load(COUNTER).unwrap().start().unwrap();
    assert!(matches!(device.swap(b"#!/bin/sh"), Err(TestError::Load(_))));
    device.advance(Duration::from_secs(1)).unwrap();
    assert_eq!(device.telemetry(), [json!({ "count": 1 })]);
}

#[test]
fn a_command_that_waits_is_answered_by_the_guest_that_took_over() {
    let mut device = TestDevice::load(setpoint_tests::TEMPERATURE_CONTROLLER)
        .unwrap()
        .start()
        .unwrap();
    assert_eq!(device.call("reboot", b"5").unwrap(), None);
    device.received();
    device.swap(setpoint_tests::TEMPERATURE_CONTROLLER).unwrap();
    device.advance(Duration::from_secs(6)).unwrap();
    let answers: Vec<_> = device
        .received()
        .into_iter()
        .filter(|outgoing| matches!(outgoing, Outgoing::Response { status: 200, .. }))
        .collect();
    assert_eq!(answers.len(), 1);
}

#[test]
fn a_guest_of_another_model_is_provisioned_anew() {
    let mut device = TestDevice::load(THERMOSTAT).unwrap().start().unwrap();
    let swapped = device.swap(COUNTER).unwrap();
    assert_eq!(swapped.model_id.as_deref(), Some("dtmi:com:example:Counter;1"));
    assert!(!swapped.state);
    device.settle().unwrap();
    assert_eq!(device.hub().model_id(), swapped.model_id);
    assert_eq!(device.hub().connections(), 2);
    device.received();
    device.advance(Duration::from_secs(2)).unwrap();
    assert_eq!(device.telemetry(), [json!({ "count": 1 }), json!({ "count": 2 })]);
    assert_eq!(device.status().unwrap().model_id, "dtmi:com:example:Counter;1");
}
