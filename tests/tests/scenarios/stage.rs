//! What a stage in virtual time does to a device, and what it notices.

use setpoint::scenario::{Outcome, Scenario};
use setpoint_tests::{COUNTER, ROGUE};

use crate::{in_virtual_time, program, words};

fn outcome(guest: &[u8], text: &str) -> Outcome {
    let scenario = Scenario::parse("s.yaml", text).unwrap_or_else(|error| panic!("{error}"));
    in_virtual_time(&program("guest", guest), &scenario)
}

#[track_caller]
fn passes(guest: &[u8], text: &str) {
    let outcome = outcome(guest, text);
    assert!(outcome.passed(), "{}", words(&outcome));
}

#[test]
fn a_guest_that_fails_fails_its_scenario() {
    let text = "
config: { does: trap }
steps:
  - at: 500ms
  - at: 5s
  - at: 1h
";
    let outcome = outcome(ROGUE, text);
    let [failure] = outcome.failures.as_slice() else {
        panic!("{}", words(&outcome));
    };
    assert_eq!((failure.place.line, failure.at.as_secs()), (5, 1));
    assert!(
        failure.reason.starts_with("guest: `timer-fired` failed: "),
        "{}",
        failure.reason
    );
    assert!(outcome.started);
}

#[test]
fn a_guest_that_refuses_to_start_is_told_apart() {
    let outcome = outcome(ROGUE, "config: { does: refuse }\nsteps: [ { at: 1s } ]");
    assert!(!outcome.started);
    let reason = &outcome.failures[0].reason;
    assert_eq!(reason, "guest: does not start: does not want to");
}

#[test]
fn a_guest_that_refuses_to_take_over_fails_its_scenario() {
    let outcome = outcome(
        ROGUE,
        "config: { does: refuse-replaced }\nsteps: [ { at: 5s }, { restart: replaced } ]",
    );
    assert!(outcome.started);
    let reason = &outcome.failures[0].reason;
    assert!(reason.contains("does not want to"), "{reason}");
}

#[test]
fn the_log_is_seen() {
    passes(
        ROGUE,
        "
config: { does: flood }
steps:
  - at: 1s
    expect:
      - log: { level: info, message: { matches: '^[0-9]+ taken, then ' } }
      - telemetry: { n: 99 }
",
    );
}

#[test]
fn late_answers_belong_to_their_commands() {
    passes(
        ROGUE,
        "
steps:
  - command: slow
    payload: 10
  - command: fast
    payload: 2
    expect:
      - { response: { status: 200, payload: late }, within: 2s }
  - at: 10s
    expect:
      - nothing: [ack, report]
",
    );
    let early = outcome(
        ROGUE,
        "steps: [ { command: slow, payload: 10, expect: [ { response: {}, within: 9s } ] } ]",
    );
    assert_eq!(early.failures.len(), 1, "{}", words(&early));
}

#[test]
fn a_hub_that_is_silent_gets_what_it_has_not_acknowledged_again() {
    passes(
        COUNTER,
        "
steps:
  - at: 3s
    expect:
      - { telemetry: { count: { any: integer } }, count: 3 }
  - cloud: silent
  - after: 1s
    expect: [ { telemetry: { count: 4 }, count: 1 } ]
  - cloud: responsive
  - cloud: cut
  - at: 3m
    expect: [ { telemetry: { count: 4 }, count: 1 } ]
",
    );
}

#[test]
fn a_report_that_is_refused_for_now_comes_again() {
    passes(
        COUNTER,
        "
steps:
  - expect: [ ack: { property: step, value: 1, status: 203 } ]
  - cloud: { refuse: 429 }
  - desired: { step: 5 }
    expect: [ { nothing: ack } ]
  - after: 2m
    expect: [ { ack: { property: step, value: 5, status: 200, version: 2 }, count: 1 } ]
",
    );
}

#[test]
fn two_plays_of_one_scenario_are_alike() {
    let text = "
random: { seed: 3 }
steps:
  - at: 100s
    expect: [ telemetry: { nobody: sends this } ]
";
    let first = outcome(setpoint::sandbox::THERMOSTAT, text).failures;
    assert_eq!(first.len(), 1);
    assert_eq!(outcome(setpoint::sandbox::THERMOSTAT, text).failures, first);
}
