//! The device in a host that keeps virtual time and records what the device does.

use setpoint_guest::mock::{Effect, MockHost, Trial};
use setpoint_guest::{Acknowledgement, Json, Level, Response, SendError, StartReason, json};
use std::time::Duration;
use {{module}}::Counter;

/// One that has been told its desired values, of which there are none.
fn device() -> Trial<Counter> {
    let mut device = Trial::power_on(MockHost::new()).unwrap();
    device.update(1, &json!({}));
    device.effects();
    device
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn counts(counts: &[u64]) -> Vec<Effect> {
    counts.iter().map(|count| Effect::telemetry(json!({ "count": count }))).collect()
}

/// Status, version and value in force of each acknowledgement.
fn acknowledged(device: &mut Trial<Counter>) -> Vec<(u16, u64, Json)> {
    let answers = device.effects().into_iter().filter_map(|effect| match effect {
        Effect::Acknowledgement(answer) => Some((answer.status, answer.version, answer.value.unwrap())),
        _ => None,
    });
    answers.collect()
}

#[test]
fn it_counts_every_five_seconds() {
    let mut device = device();
    device.advance(seconds(14));
    assert_eq!(device.effects(), counts(&[1, 2]));
}

#[test]
fn the_default_is_acknowledged_when_nothing_is_desired() {
    let mut device = Trial::<Counter>::power_on(MockHost::new()).unwrap();
    device.effects();
    device.update(1, &json!({}));
    let default = Acknowledgement::default_value("step", 1);
    assert_eq!(device.effects(), [Effect::Acknowledgement(default)]);
}

#[test]
fn a_step_is_taken_and_counted_by() {
    let mut device = device();
    for step in [i32::MIN, i32::MAX, 0, 10] {
        device.update(2, &json!({ "step": step }));
        assert_eq!(acknowledged(&mut device), [(200, 2, step.into())]);
    }
    device.advance(seconds(10));
    assert_eq!(device.effects(), counts(&[10, 20]));
}

#[test]
fn what_is_no_step_changes_nothing() {
    let mut device = device();
    for value in [json!(2147483648_i64), json!(2.5), json!("7"), json!([7]), json!(true)] {
        device.update(2, &json!({ "step": value }));
        assert_eq!(acknowledged(&mut device), [(400, 2, 1.into())], "{value}");
    }
    device.advance(seconds(5));
    assert_eq!(device.effects(), counts(&[1]));
}

#[test]
fn a_removed_step_is_the_default_again() {
    let mut device = device();
    device.update(2, &json!({ "step": 10 }));
    device.update(3, &json!({ "step": null }));
    assert_eq!(acknowledged(&mut device), [(200, 2, 10.into()), (203, 3, 1.into())]);
}

#[test]
fn unknown_names_are_refused() {
    let mut device = device();
    device.update(2, &json!({ "speed": 1, "part": { "__t": "c", "step": 1 } }));
    assert_eq!(acknowledged(&mut device), [(404, 2, 1.into()), (404, 2, 1.into())]);
    let refusal = Response::error(404, "this device has no command stop");
    assert_eq!(device.invoke("stop", ()), refusal.into());
}

#[test]
fn reset_answers_with_the_count_it_ended() {
    let mut device = device();
    device.advance(seconds(15));
    assert_eq!(device.invoke("reset", ()), Response::ok(3).into());
    assert_eq!(device.invoke("reset", ()), Response::ok(0).into());
}

#[test]
fn the_next_instance_goes_on() {
    let mut device = device();
    device.update(2, &json!({ "step": 10 }));
    device.advance(seconds(10));
    let mut device = device.restart(StartReason::Replaced).unwrap();
    device.effects();
    // Refused, so what is in force is what the last instance took.
    device.update(3, &json!({ "step": "more" }));
    assert_eq!(acknowledged(&mut device), [(400, 3, 10.into())]);
    device.advance(seconds(5));
    assert_eq!(device.effects(), counts(&[30]));
}

#[test]
fn a_state_that_cannot_be_read_is_ignored() {
    for saved in ["", "{}", "counting", r#"{"count": 7.5, "step": 1}"#, r#"{"count": 9007199254740992, "step": 1}"#] {
        let saved = Some(saved.as_bytes().to_vec());
        let mut device = Trial::<Counter>::start(MockHost::new(), StartReason::Replaced, saved).unwrap();
        assert!(matches!(device.effects()[..], [Effect::Log { level: Level::Warn, .. }, Effect::Every { .. }]));
        device.advance(seconds(5));
        assert_eq!(device.effects(), counts(&[1]));
    }
}

#[test]
fn counting_stops_where_numbers_are_no_longer_told_apart() {
    let saved = Some(br#"{"count": 9007199254740990, "step": 1}"#.to_vec());
    let mut device = Trial::<Counter>::start(MockHost::new(), StartReason::Resumed, saved).unwrap();
    device.effects();
    device.advance(seconds(10));
    assert_eq!(device.effects(), counts(&[9007199254740991, 9007199254740991]));
}

#[test]
fn what_cannot_be_sent_is_logged_and_counted() {
    let mut device = device();
    device.host().refuse(SendError::OutboxFull);
    device.advance(seconds(10));
    let refused = Effect::Log {
        level: Level::Warn,
        message: "a count was not sent: the outbox is full".to_owned(),
    };
    assert_eq!(device.effects(), [vec![refused], counts(&[2])].concat());
}
