//! A guest that fails is started again, at ever longer intervals, and in the end left alone.

use std::time::Duration;

use serde_json::{Value, json};
use setpoint::cloud::Outgoing;
use setpoint::device::{GuestState, SessionError, Verdict};
use setpoint::sandbox::GuestError;
use setpoint::testing::{TestDevice, TestError};

use super::module::Module;
use super::provoke::{doing, load, logged, start};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Fails a second after every start.
fn failing() -> Module {
    doing("timer-fired", "(unreachable)")
}

fn verdicts(device: &mut TestDevice) -> Vec<Verdict> {
    device.failures().into_iter().map(|(_, verdict)| verdict).collect()
}

fn status_of(device: &mut TestDevice) -> u16 {
    device.call("anything", b"").unwrap().unwrap().0
}

#[test]
fn pauses_grow_to_five_minutes_and_then_it_is_parked() {
    let mut device = start(&failing());
    device.advance(s(3_600)).unwrap();
    let mut expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
        .map(|pause| Verdict::RestartIn(s(pause)))
        .to_vec();
    expected.push(Verdict::Parked);
    assert_eq!(verdicts(&mut device), expected);
    let status = device.status().unwrap();
    assert_eq!(
        (status.state, status.restarts, status.failures),
        (GuestState::Parked, 10, 11)
    );
}

#[test]
fn a_start_that_fails_after_a_failure_counts_like_any_other() {
    let refuse = "(i32.store8 (i32.const 1040) (i32.eq (local.get 0) (i32.const 1)))";
    let mut device = load(&failing().does("start", refuse)).restarts(2).start().unwrap();
    device.advance(s(60)).unwrap();
    let failures = device.failures();
    assert!(
        matches!(failures[0], (GuestError::Trapped { .. }, Verdict::RestartIn(_))),
        "{failures:?}"
    );
    assert!(
        matches!(failures[1], (GuestError::Refused { .. }, Verdict::RestartIn(_))),
        "{failures:?}"
    );
    assert!(
        matches!(failures[2], (GuestError::Refused { .. }, Verdict::Parked)),
        "{failures:?}"
    );
    assert_eq!(failures.len(), 3);
}

#[test]
fn a_minute_of_health_is_enough_to_be_forgiven() {
    let mut device = start(&failing().wakes(61_000));
    device.advance(s(1_000)).unwrap();
    let verdicts = verdicts(&mut device);
    assert_eq!(verdicts, vec![Verdict::RestartIn(s(1)); 16]);
}

#[test]
fn commands_are_answered_while_it_rests_and_while_it_is_parked() {
    let mut device = load(&failing()).restarts(1).start().unwrap();
    assert_eq!(status_of(&mut device), 200);
    device.advance(Duration::from_millis(1_500)).unwrap();
    assert_eq!(device.status().unwrap().state, GuestState::Restarting);
    assert_eq!(status_of(&mut device), 503);
    device.advance(s(1)).unwrap();
    assert_eq!(
        (device.status().unwrap().state, status_of(&mut device)),
        (GuestState::Running, 200)
    );
    device.advance(s(2)).unwrap();
    assert_eq!(
        (device.status().unwrap().state, status_of(&mut device)),
        (GuestState::Parked, 503)
    );
}

#[test]
fn an_open_command_is_answered_when_it_fails() {
    let mut device = start(&failing().does("invoke", "(i32.store8 (i32.const 1080) (i32.const 1))"));
    assert_eq!(device.call("anything", b"").unwrap(), None);
    device.advance(s(1)).unwrap();
    let received = device.received();
    assert!(
        matches!(received[..], [Outgoing::Response { status: 500, .. }]),
        "{received:?}"
    );
}

#[test]
fn it_learns_that_it_failed_and_is_told_every_desired_value_again() {
    // Logs the reason of the start (1: failure), then how many values it is told of.
    let module = failing()
        .does("start", "(call $digit (local.get 0))")
        .does("update", "(call $digit (local.get 1))");
    let mut device = start(&module);
    device
        .hub()
        .desire(json!({ "a": 1, "b": 2, "c": 3 }).as_object().unwrap().clone());
    device.advance(Duration::from_millis(1_500)).unwrap();
    device.hub().desire(json!({ "d": 4 }).as_object().unwrap().clone());
    device.advance(s(1)).unwrap();
    assert_eq!(logged(&mut device), ["0", "0", "3", "1", "4"]);
}

#[test]
fn messages_wait_for_the_next_instance() {
    let mut device = start(&failing().does("receive", "(drop (call $say))"));
    device.advance(Duration::from_millis(1_500)).unwrap();
    for _ in 0..3 {
        device.hub().message(b"text", Vec::new());
    }
    device.settle().unwrap();
    assert_eq!(device.telemetry(), Vec::<Value>::new());
    device.advance(Duration::from_millis(600)).unwrap();
    assert_eq!(device.telemetry(), vec![json!({ "n": 1 }); 3]);
}

#[test]
fn a_message_that_fails_it_does_so_once_and_the_others_are_kept() {
    // The body's length says whether it is the bad one.
    let receive = "(if (i32.eq (local.get 1) (i32.const 3)) (then (unreachable))) (drop (call $say))";
    let mut device = start(&Module::new().does("receive", receive));
    for body in [&b"bad"[..], b"good", b"good"] {
        device.hub().message(body, Vec::new());
    }
    device.advance(s(5)).unwrap();
    assert_eq!((verdicts(&mut device).len(), device.telemetry().len()), (1, 2));
}

#[test]
fn its_timers_end_with_it() {
    let starts = "(drop (call $every (i64.const 400)))";
    let module = Module::new()
        .does("start", starts)
        .does("receive", "(unreachable)")
        .does("timer-fired", "(drop (call $say))");
    let mut device = start(&module.wakes(3_600_000));
    device.advance(Duration::from_millis(500)).unwrap();
    device.hub().message(b"", Vec::new());
    device.advance(Duration::from_millis(900)).unwrap();
    assert_eq!(device.telemetry().len(), 1);
    device.advance(Duration::from_millis(600)).unwrap();
    assert_eq!(device.telemetry().len(), 1);
}

#[test]
fn one_that_is_stopped_while_parked_ends_with_its_error() {
    let mut device = load(&failing()).restarts(0).start().unwrap();
    device.advance(s(2)).unwrap();
    let stopped = device.stop();
    assert!(
        matches!(
            stopped,
            Err(TestError::Session(SessionError::Guest(GuestError::Trapped { .. })))
        ),
        "{stopped:?}"
    );
    assert!(device.has_stopped());
}

#[test]
fn the_connection_outlives_every_failure() {
    let mut device = start(&failing());
    device.advance(s(3_600)).unwrap();
    assert_eq!(device.hub().connections(), 1);
}
