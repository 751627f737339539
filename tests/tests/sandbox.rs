//! Guests that do what a device must not: each is held, and the host says what happened.
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
use setpoint::device::{SessionError, Verdict};
use setpoint::sandbox::GuestError;
use setpoint::testing::{TestDevice, TestError};
use setpoint_tests::ROGUE;

/// Runs the rogue until it has done it.
fn rogue(does: &str, place: &str) -> Result<TestDevice, TestError> {
    let mut device = TestDevice::load(ROGUE)?
        .config("does", does)
        .config("in", place)
        .start()?;
    device.advance(Duration::from_secs(2))?;
    Ok(device)
}

/// How the rogue failed: at start, which ends the session, or later, which does not.
fn failure(does: &str, place: &str) -> GuestError {
    match rogue(does, place) {
        Err(TestError::Session(SessionError::Guest(error))) => error,
        Ok(mut device) => match device.failures().into_iter().next() {
            Some((error, Verdict::RestartIn(pause))) => {
                assert_eq!(pause, Duration::from_secs(1));
                error
            }
            other => panic!("{other:?}"),
        },
        Err(other) => panic!("{other}"),
    }
}

/// What the rogue was told by the host.
fn told(does: &str) -> String {
    let told = rogue(does, "event").unwrap().telemetry();
    let [Value::Object(told)] = told.as_slice() else {
        panic!("{told:?}")
    };
    told["told"].as_str().unwrap().to_owned()
}

#[test]
fn a_loop_is_stopped_at_its_budget() {
    let GuestError::OverBudget { export, budget, guest } = failure("loop", "event") else {
        panic!()
    };
    assert_eq!(
        (export, budget, guest.as_str()),
        ("timer-fired", Duration::from_millis(100), "guest")
    );
    let GuestError::OverBudget { export, budget, .. } = failure("loop", "start") else {
        panic!()
    };
    assert_eq!((export, budget), ("start", Duration::from_secs(1)));
}

#[test]
fn an_abort_ends_the_instance() {
    assert!(matches!(
        failure("trap", "event"),
        GuestError::Trapped {
            export: "timer-fired",
            ..
        }
    ));
    assert!(matches!(
        failure("trap", "start"),
        GuestError::Trapped { export: "start", .. }
    ));
}

#[test]
fn memory_and_stack_have_an_end() {
    assert!(matches!(failure("memory", "event"), GuestError::Trapped { .. }));
    assert!(matches!(failure("stack", "event"), GuestError::Trapped { .. }));
}

#[test]
fn timers_have_an_end() {
    let GuestError::Trapped { reason, .. } = failure("timers", "event") else {
        panic!()
    };
    assert!(reason.contains("more timers"), "{reason}");
}

#[test]
fn a_flood_fills_the_outbox_and_no_more() {
    let mut device = rogue("flood", "event").unwrap();
    let telemetry = device.telemetry();
    // The default acknowledgement of nothing, no report: the whole outbox was the flood's.
    assert_eq!(telemetry.len(), 1000);
    assert_eq!(telemetry.last(), Some(&json!({ "n": 999 })));
}

#[test]
fn a_guest_that_refuses_to_start_says_why_on_one_line() {
    let GuestError::Refused { reason, .. } = failure("refuse", "start") else {
        panic!()
    };
    assert_eq!(reason, "does not want to");
}

#[test]
fn a_command_may_be_answered_late_but_not_too_late() {
    let mut device = rogue("", "start").unwrap();
    assert_eq!(device.call("wait", b"299").unwrap(), None);
    assert_eq!(device.call("wait", b"301").unwrap(), None);
    device.advance(Duration::from_secs(299)).unwrap();
    assert_eq!(device.telemetry(), [json!({ "waitedFor": true })]);
    let [
        Outgoing::Response {
            rid,
            status: 200,
            payload,
        },
    ] = &device.received()[..]
    else {
        panic!()
    };
    assert_eq!((rid.as_str(), payload.as_str()), ("1", "\"late\""));
    device.advance(Duration::from_secs(2)).unwrap();
    assert_eq!(device.telemetry(), [json!({ "waitedFor": false })]);
    assert_eq!(device.received(), []);
}

#[test]
fn what_the_hub_would_not_take_is_refused_with_the_reason() {
    assert!(told("large").contains("262144"), "{}", told("large"));
    assert!(told("property").contains("32768"), "{}", told("property"));
    assert!(told("properties").contains("61440"), "{}", told("properties"));
    assert!(told("name").contains("no.such name"), "{}", told("name"));
    assert!(told("array").contains("JSON object"), "{}", told("array"));
}
