//! Guests that fail while one takes another's place.

use std::time::Duration;

use serde_json::json;
use setpoint::device::{GuestState, SwapError};
use setpoint::sandbox::GuestError;
use setpoint::testing::TestError;

use super::module::{Module, SAVED};
use super::provoke::{doing, load, logged, start};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Sends once a second.
fn sending() -> Module {
    Module::new()
        .wakes(3_600_000)
        .does("start", "(drop (call $every (i64.const 1000)))")
        .does("timer-fired", "(drop (call $say))")
}

#[test]
fn a_parked_device_is_brought_back() {
    let mut device = load(&doing("timer-fired", "(unreachable)"))
        .restarts(0)
        .start()
        .unwrap();
    device.advance(s(2)).unwrap();
    device.hub().message(b"held", Vec::new());
    device.settle().unwrap();
    assert_eq!(device.status().unwrap().state, GuestState::Parked);
    let swapped = device
        .swap(&sending().does("receive", "(call $digit (local.get 1))").bytes())
        .unwrap();
    assert!(!swapped.state);
    let status = device.status().unwrap();
    assert_eq!((status.state, status.last_failure), (GuestState::Running, None));
    device.advance(s(2)).unwrap();
    assert_eq!(
        (device.telemetry().len(), logged(&mut device)),
        (2, vec!["4".to_owned()])
    );
    device.stop().unwrap();
}

#[test]
fn one_that_fails_at_its_start_leaves_the_other_running_with_its_timers() {
    let mut device = start(&sending());
    device.advance(Duration::from_millis(500)).unwrap();
    for (place, statements) in [
        ("initialisation", "(unreachable)"),
        ("model-id", "(unreachable)"),
        ("start", "(unreachable)"),
        ("start", "(i32.store8 (i32.const 1040) (i32.const 1))"),
        ("start", "(loop $on (br $on))"),
        ("start", "(drop (call $dig (i64.const 1)))"),
    ] {
        match device.swap(&doing(place, statements).bytes()) {
            Err(TestError::Guest(_) | TestError::Swap(SwapError::Guest(..))) => {}
            other => panic!("{place}: {other:?}"),
        }
    }
    device.advance(Duration::from_millis(500)).unwrap();
    assert_eq!(device.telemetry(), [json!({ "n": 1 })]);
    assert!(device.failures().is_empty());
    assert_eq!(device.status().unwrap().guest, "guest");
}

#[test]
fn one_that_fails_at_its_first_desired_values_leaves_the_other_running() {
    let mut device = start(&sending());
    device.hub().desire(json!({ "a": 1 }).as_object().unwrap().clone());
    device.settle().unwrap();
    let swapped = device.swap(&doing("update", "(unreachable)").bytes());
    assert!(
        matches!(
            swapped,
            Err(TestError::Swap(SwapError::Guest(
                GuestError::Trapped { export: "update", .. },
                _
            )))
        ),
        "{swapped:?}"
    );
    device.advance(s(1)).unwrap();
    assert_eq!(device.telemetry().len(), 1);
}

#[test]
fn what_a_failed_start_asked_for_is_not_done() {
    let mut device = start(&sending());
    let loud = "(drop (call $say)) (drop (call $every (i64.const 1))) (unreachable)";
    assert!(device.swap(&doing("start", loud).bytes()).is_err());
    device.advance(s(1)).unwrap();
    assert_eq!(device.telemetry().len(), 1);
}

#[test]
fn a_state_as_large_as_half_the_memory_is_handed_over_or_fails_the_newcomer_alone() {
    let save = format!(
        "(i32.store8 (i32.const {SAVED}) (i32.const 1))
        (i32.store (i32.const {}) (i32.const 65536)) (i32.store (i32.const {}) (i32.const 8000000))",
        SAVED + 4,
        SAVED + 8
    );
    let mut device = start(&sending().pages(256).does("save", &save));
    // It has no room for it.
    assert!(device.swap(&sending().bytes()).is_err());
    device.advance(s(1)).unwrap();
    assert_eq!(device.telemetry().len(), 1);
    // This one has.
    assert!(device.swap(&sending().pages(256).bytes()).unwrap().state);
    device.advance(s(1)).unwrap();
    assert_eq!(device.telemetry().len(), 1);
}

#[test]
fn one_that_never_ends_to_save_is_replaced_all_the_same() {
    let mut device = start(&sending().does("save", "(loop $on (br $on))"));
    assert!(!device.swap(&sending().bytes()).unwrap().state);
    assert!(matches!(
        device.failures()[..],
        [(GuestError::OverBudget { export: "save", .. }, _)]
    ));
    device.advance(s(3)).unwrap();
    assert_eq!(
        (device.telemetry().len(), device.status().unwrap().state),
        (3, GuestState::Running)
    );
}
