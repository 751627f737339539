//! A guest that was changed: the first difference is the one that was made.

use std::time::Duration;

use serde_json::{Value, json};
use setpoint::record::{Cast, Difference, ReplayError};
use setpoint::sandbox::{GuestError, THERMOSTAT};
use setpoint_tests::{COUNTER, ROGUE};

use super::shelf::{edited, record, replay, themselves, try_replay};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The record of a counter that had another name for what it counts.
fn renamed(record: &str) -> String {
    record.replace(r#"{\"count\":"#, r#"{\"total\":"#)
}

fn counted() -> String {
    record(COUNTER, |setup| setup, |device| device.advance(s(3)).unwrap())
}

/// Paths, what was expected and what was got.
fn told(differences: &[Difference]) -> Vec<(&str, Option<Value>, Option<Value>)> {
    let told = |difference: &'_ Difference| (difference.expected.clone(), difference.got.clone());
    differences
        .iter()
        .map(|difference| {
            let (expected, got) = told(difference);
            (difference.path.as_str(), expected, got)
        })
        .collect()
}

/// The line changed where it speaks of the configuration.
fn configured(record: &str, key: &str, value: &str) -> String {
    edited(record, |line| {
        if let Some(created) = line.get_mut("created") {
            created["config"][key] = value.into();
        }
    })
}

#[test]
fn what_it_sends_is_compared_member_by_member() {
    let cast = Cast::default().played_by("today's", COUNTER.to_vec());
    let (differences, summary) = replay(&renamed(&counted()), cast);
    assert_eq!(
        told(&differences)[..2],
        [
            ("effects[0].telemetry.body.count", None, Some(json!(1))),
            ("effects[0].telemetry.body.total", Some(json!(1)), None),
        ]
    );
    assert_eq!((summary.differences, summary.calls), (6, 6));
    assert_eq!(
        differences[0].to_string(),
        "line 6: call 4, timer-fired 1, instance 1 of today's, 2024-01-01T00:00:01Z\n  \
         effects[0].telemetry.body.count\n    expected  nothing\n    got       1"
    );
}

#[test]
fn another_configuration_is_a_difference_where_it_shows() {
    let written = record(THERMOSTAT, |setup| setup, |device| device.advance(s(10)).unwrap());
    let (differences, _) = replay(&configured(&written, "interval", "2"), Cast::default());
    assert_eq!(
        told(&differences),
        [("effects[1].every.milliseconds", Some(json!(8_000)), Some(json!(2_000)))]
    );
}

#[test]
fn another_model_is_the_first_difference() {
    let (differences, _) = replay(&counted(), Cast::default().played_by("thermostat", THERMOSTAT.to_vec()));
    let expected = json!("dtmi:com:example:Counter;1");
    let got = json!("dtmi:com:example:Thermostat;1");
    assert_eq!(told(&differences)[0], ("returned.modelId", Some(expected), Some(got)));
}

#[test]
fn one_that_draws_more_or_less_is_told_of_by_what_it_draws() {
    let written = record(THERMOSTAT, |setup| setup, |device| device.advance(s(10)).unwrap());
    let mut last = None;
    let fewer = edited(&written, |line| {
        if let Some(drawn) = line.pointer_mut("/called/drawn") {
            last = Some(drawn.clone());
            *drawn = json!([]);
        }
    });
    let drawn = last.unwrap();
    assert!(drawn.to_string().contains("random"), "{drawn}");
    let (differences, _) = replay(&fewer, Cast::default());
    let paths: Vec<_> = differences.iter().map(|difference| difference.path.as_str()).collect();
    assert_eq!(paths[0], "readings of the wall clock");
    assert!(paths.contains(&"random numbers drawn"), "{paths:?}");

    let more = edited(&written, |line| {
        if let Some(drawn) = line.pointer_mut("/called/drawn") {
            drawn.as_array_mut().unwrap().push(json!({ "monotonic": 1 }));
        }
    });
    let (differences, _) = replay(&more, Cast::default());
    assert_eq!(
        told(&differences)[0],
        ("readings of the monotonic clock", Some(json!(1)), Some(json!(0)))
    );
}

#[test]
fn one_that_fails_where_the_recorded_one_did_not_is_not_called_again() {
    let written = record(
        ROGUE,
        |setup| setup,
        |device| {
            device.advance(s(2)).unwrap();
            device.call("anything", b"1").unwrap();
            device.advance(s(2)).unwrap();
        },
    );
    let (differences, summary) = replay(&configured(&written, "does", "trap"), themselves());
    let [difference] = &differences[..] else {
        panic!("{differences:?}")
    };
    assert_eq!(difference.path, "returned");
    assert_eq!(difference.expected, Some(json!("nothing")));
    assert!(
        matches!(&difference.failure, Some(GuestError::Trapped { guest, .. }) if guest == "rogue"),
        "{difference:?}"
    );
    assert_eq!(summary.not_made, 2, "the command and its timer");
}

#[test]
fn one_that_goes_on_where_the_recorded_one_failed_is_told_of_too() {
    let written = record(
        ROGUE,
        |setup| setup.config("does", "trap").restarts(0),
        |device| device.advance(s(2)).unwrap(),
    );
    let (differences, _) = replay(&configured(&written, "does", ""), themselves());
    assert_eq!(differences[0].path, "returned");
    assert_eq!(differences[0].got, Some(json!("nothing")));
    assert!(differences[0].failure.is_none());
}

#[test]
fn a_guest_that_is_not_known_is_named_with_its_digest() {
    let error = try_replay(&counted(), Cast::default()).unwrap_err();
    assert!(matches!(&error, ReplayError::NoGuest { line: 2, .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.starts_with("line 2: guest was recorded, a guest with the sha256 "),
        "{text}"
    );
}
