//! Played on a stage that does what it was told, whatever the scenario does to it.

use std::time::Duration;

use serde_json::json;

use crate::scenario::told::{Told, ack, failures, log, outcome, report, response, telemetry, telemetry_of, told};
use crate::scenario::{Failure, What};

fn reasons<const N: usize>(steps: &str, coming: [(u64, What); N]) -> Vec<String> {
    let failures = failures(steps, coming);
    let line = |failure: Failure| format!("{}: {}", failure.place.line, failure.reason);
    failures.into_iter().map(line).collect()
}

#[track_caller]
fn passes<const N: usize>(steps: &str, coming: [(u64, What); N]) {
    assert_eq!(failures(steps, coming), [], "{steps}");
}

#[test]
fn within_a_stream_the_order_counts() {
    let steps = "
steps:
  - at: 3s
    expect:
      - telemetry: { t: 1 }
      - telemetry: { t: 2 }
";
    passes(steps, [(0, telemetry(1)), (1, telemetry(2))]);
    passes(steps, [(0, telemetry(1)), (1, telemetry(9)), (2, telemetry(2))]);
    assert_eq!(
        reasons(steps, [(0, telemetry(2)), (1, telemetry(1))]),
        ["6: expected telemetry {\"t\":2}"]
    );
    assert_eq!(
        reasons(steps, [(0, telemetry(1))]),
        ["6: expected telemetry {\"t\":2}"],
        "one message is not two"
    );
}

#[test]
fn between_streams_the_order_is_free() {
    let steps = "
steps:
  - at: 3s
    expect:
      - telemetry: { t: 1 }
        component: one
      - telemetry: { t: 2 }
        component: two
      - report: { a: 1, b: 2 }
      - ack: { property: c, status: 200 }
      - log: { message: hello }
";
    passes(
        steps,
        [
            (0, log("hello")),
            (0, ack("c", 200, 4)),
            (0, report("b", json!(2))),
            (0, report("a", json!(1))),
            (0, telemetry_of("two", 2)),
            (0, telemetry_of("one", 1)),
        ],
    );
}

#[test]
fn a_component_s_telemetry_is_not_another_s() {
    let steps = "
steps:
  - at: 3s
    expect:
      - telemetry: { t: 1 }
";
    assert_eq!(
        reasons(steps, [(0, telemetry_of("one", 1))]),
        ["5: expected telemetry {\"t\":1}"]
    );
}

#[test]
fn a_step_looks_at_what_came_since_the_one_before() {
    let steps = "
steps:
  - at: 1s
    expect: [ telemetry: { t: 1 } ]
  - at: 5s
    expect: [ telemetry: { t: 1 } ]
";
    passes(steps, [(0, telemetry(1)), (2, telemetry(1))]);
    assert_eq!(
        reasons(steps, [(0, telemetry(1)), (1, telemetry(1))]),
        ["6: expected telemetry {\"t\":1}"],
        "what came at the end of the first step is not the second's"
    );
}

#[test]
fn a_step_ends_when_all_is_there_and_at_the_latest_after_its_longest_within() {
    let steps = "
steps:
  - expect:
      - { telemetry: { t: 1 }, within: 10s }
  - expect:
      - { telemetry: { t: 2 }, within: 3s }
  - after: 1s
    expect: [ { nothing: telemetry } ]
";
    let outcome = outcome(steps, told([(4, telemetry(1)), (6, telemetry(2))]));
    assert_eq!(outcome.failures, []);
    assert_eq!(outcome.lasted, Duration::from_secs(7), "4 s, 6 s and one more");
    assert_eq!(
        reasons(steps, [(4, telemetry(1)), (8, telemetry(2))]),
        [
            "6: expected telemetry {\"t\":2} within 3s",
            "8: expected no telemetry, but 1 came"
        ]
    );
}

#[test]
fn how_often_is_counted_up_to_the_end() {
    let steps =
        |count: &str| format!("steps: [ {{ at: 5s, expect: [ {{ telemetry: {{ t: 1 }}, count: {count} }} ] }} ]");
    let three = || {
        [
            (0, telemetry(1)),
            (1, telemetry(2)),
            (2, telemetry(1)),
            (5, telemetry(1)),
            (6, telemetry(1)),
        ]
    };
    passes(&steps("3"), three());
    passes(&steps("{ atLeast: 2 }"), three());
    passes(&steps("{ between: [3, 4] }"), three());
    assert_eq!(
        reasons(&steps("2"), three()),
        ["1: expected 2 times telemetry {\"t\":1}, but 3 came"]
    );
    assert_eq!(
        reasons(&steps("{ above: 3 }"), three()),
        ["1: expected above 3 times telemetry {\"t\":1}, but 3 came"]
    );
    passes(&steps("0"), [(0, telemetry(7)), (6, telemetry(1))]);
}

#[test]
fn nothing_is_nothing_of_those_kinds_and_the_whole_time() {
    let steps = "
steps:
  - expect:
      - { nothing: [report, ack], within: 10s }
";
    passes(steps, [(0, telemetry(1)), (10, log("x")), (11, report("a", json!(1)))]);
    assert_eq!(
        reasons(steps, [(3, report("a", json!(1))), (10, ack("b", 200, 2))]),
        ["4: expected no report, no ack within 10s, but 2 came"]
    );
}

#[test]
fn a_response_belongs_to_the_last_command_before_it() {
    let steps = "
steps:
  - command: one
    expect: [ response: { status: 200 } ]
  - command: two
    expect: [ { response: { status: 404 }, within: 2s } ]
";
    passes(steps, [(0, response(1, 200)), (1, response(2, 404))]);
    assert_eq!(
        reasons(steps, [(0, response(1, 200)), (0, response(1, 404))]),
        ["6: expected response with status 404 within 2s"]
    );
}

#[test]
fn strict_leaves_nothing_unnamed_but_the_log() {
    let steps = "
strict: true
steps:
  - at: 1s
    expect: [ telemetry: { t: 1 } ]
  - at: 2s
";
    passes(steps, [(0, telemetry(1)), (0, log("x"))]);
    assert_eq!(
        reasons(
            steps,
            [(0, telemetry(3)), (1, telemetry(1)), (2, report("a", json!(1)))]
        ),
        [
            "4: strict: 1 came that no expectation of this step names",
            "6: strict: 1 came that no expectation of this step names"
        ]
    );
}

#[test]
fn on_a_stage_in_real_time_things_may_be_late() {
    let steps = "
steps:
  - at: 8s
    expect:
      - { telemetry: { t: 1 }, count: 2 }
      - { report: { a: 1 } }
";
    let late = |slack| Told {
        slack: Duration::from_secs(slack),
        ..told([(0, telemetry(1)), (9, telemetry(1)), (10, report("a", json!(1)))])
    };
    assert_eq!(outcome(steps, late(5)).failures, []);
    assert_eq!(outcome(steps, late(1)).failures.len(), 1, "the report is too late");
    assert_eq!(outcome(steps, late(0)).failures.len(), 2);
    let never = Told {
        slack: Duration::from_secs(5),
        ..Told::default()
    };
    let outcome = outcome(steps, never);
    assert_eq!((outcome.failures.len(), outcome.lasted), (2, Duration::from_secs(13)));
}
