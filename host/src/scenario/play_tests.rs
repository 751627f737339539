use std::time::Duration;

use super::*;
use crate::scenario::told::{Told, outcome};

#[test]
fn a_device_that_ends_fails_the_step_and_those_after_it_are_not_played() {
    let steps = "
steps:
  - at: 1s
  - at: 5s
    expect: [ telemetry: { t: 1 } ]
  - at: 9s
    expect: [ telemetry: { t: 1 } ]
";
    let stage = Told {
        ends_at: Some(Duration::from_secs(3)),
        ..Told::default()
    };
    let outcome = outcome(steps, stage);
    let [failure] = outcome.failures.as_slice() else {
        panic!("{outcome:?}");
    };
    assert_eq!(failure.place.line, 4);
    assert_eq!(failure.reason, "the device ended: it has had enough");
    assert_eq!(failure.at, Duration::from_secs(3));
    assert!(outcome.started);
}

#[test]
fn what_a_stage_cannot_do_is_said_before_any_time_is_spent() {
    let steps = "
steps:
  - at: 1h
  - message: { body: hello }
";
    let outcome = outcome(steps, Told::default());
    assert_eq!(outcome.failures.len(), 1);
    assert_eq!(outcome.failures[0].reason, "no messages here");
    assert_eq!((outcome.failures[0].place.line, outcome.lasted), (4, Duration::ZERO));
}

#[test]
fn a_guest_that_does_not_start_is_told_apart() {
    let scenario = Scenario::parse("s.yaml", "steps: [ { at: 1s } ]").unwrap();
    let outcome = play(&scenario, |_| Err(StageError::NotStarted("no".to_owned())));
    assert!(!outcome.started && !outcome.passed());
    let outcome = play(&scenario, |_| Err(StageError::Broken("no emulator".to_owned())));
    assert!(outcome.started && !outcome.passed());
}
