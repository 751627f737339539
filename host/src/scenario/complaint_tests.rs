use std::time::Duration;

use serde_json::json;

use crate::scenario::What;
use crate::scenario::told::{Told, ack, failures, log, outcome, report, response, telemetry, telemetry_of};

#[test]
fn what_is_missing_is_shown_beside_what_comes_closest_and_what_came_instead() {
    let steps = "
steps:
  - at: 2s
    expect:
      - ack: { property: a, status: 200, version: 3, value: 1 }
";
    let found = failures(
        steps,
        [(0, ack("b", 200, 3)), (1, ack("a", 400, 2)), (2, ack("a", 200, 2))],
    );
    let [failure] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(failure.reason, "expected ack of a with value 1, status 200, version 3");
    assert_eq!(failure.at, Duration::from_secs(2));
    let closest = failure.closest.as_ref().unwrap();
    assert!(closest.what.starts_with("2s ack of a "), "{}", closest.what);
    let differences = closest.differences.iter();
    let differences: Vec<_> = differences
        .map(|difference| [&*difference.path, &difference.expected, &difference.got])
        .collect();
    assert_eq!(differences, [["version", "3", "2"]]);
    assert_eq!(failure.instead.len(), 3, "all acks, of a and of others");
    assert_eq!(failure.more, 0);
}

#[test]
fn of_much_that_came_instead_the_last_is_shown() {
    let steps = "steps: [ { at: 90s, expect: [ report: { a: 1 } ] } ]";
    let stage = Told {
        coming: (0..30).map(|second| (second, telemetry(second as i32))).collect(),
        ..Told::default()
    };
    let failure = outcome(steps, stage).failures.remove(0);
    assert_eq!((failure.instead.len(), failure.more), (10, 20));
    assert_eq!(
        failure.instead.last().map(String::as_str),
        Some("29s telemetry {\"t\":29}")
    );
    assert_eq!(failure.closest, None, "telemetry is no report");
}

/// What was expected, what came in its place, what is said about it, and where the two differ.
type Miss = (&'static str, What, &'static str, &'static [[&'static str; 3]]);

#[test]
fn each_kind_of_expectation_can_be_missed() {
    let misses: [Miss; 10] = [
        (
            "telemetry: { t: { about: [3, 0.5] } }",
            telemetry(4),
            "expected telemetry {\"t\":3 ± 0.5}",
            &[["$.t", "3 ± 0.5", "4"]],
        ),
        (
            "telemetry: { $.t: 3 }",
            telemetry(4),
            "expected telemetry $.t: 3",
            &[["$.t", "3", "4"]],
        ),
        (
            "{ telemetry: { t: 4 }, properties: { k: v } }",
            telemetry(4),
            "expected telemetry {\"t\":4}, properties {\"k\":\"v\"}",
            &[["properties.k", "\"v\"", "nothing"]],
        ),
        (
            "{ telemetry: { t: 3 }, component: one }",
            telemetry_of("one", 4),
            "expected telemetry of one {\"t\":3}",
            &[["$.t", "3", "4"]],
        ),
        (
            "report: { a: 1 }",
            report("a", json!("1")),
            "expected report of a 1",
            &[["$", "1", "\"1\""]],
        ),
        (
            "ack: { property: a, status: { between: [200, 203] }, description: { contains: told } }",
            ack("a", 400, 2),
            "expected ack of a with status 200 to 203, description something with \"told\" in it",
            &[["status", "200 to 203", "400"]],
        ),
        (
            "ack: { property: a, value: 2, version: 3 }",
            ack("a", 200, 2),
            "expected ack of a with value 2, version 3",
            &[["value", "2", "1"], ["version", "3", "2"]],
        ),
        (
            "response: { status: 200, payload: { $.max: 3 } }",
            response(1, 404),
            "expected response with status 200, payload $.max: 3",
            &[["status", "200", "404"], ["payload.max", "3", "nothing"]],
        ),
        (
            "log: { level: error, message: all is well }",
            log("all is well"),
            "expected log with level \"error\", message \"all is well\"",
            &[["level", "\"error\"", "\"warn\""]],
        ),
        (
            "log: { message: { matches: '^is' } }",
            log("all is well"),
            "expected log with message a text that matches \"^is\"",
            &[["message", "a text that matches \"^is\"", "\"all is well\""]],
        ),
    ];
    for (expectation, came, reason, differences) in misses {
        let steps = format!("steps:\n  - command: x\n    expect: [ {expectation} ]");
        let found = failures(&steps, [(0, came.clone())]);
        let [failure] = found.as_slice() else {
            panic!("{expectation}: {found:?}");
        };
        assert_eq!(
            (failure.reason.as_str(), failure.place.line),
            (reason, 3),
            "{expectation}"
        );
        let closest = failure.closest.as_ref().unwrap();
        let shown = closest.differences.iter();
        let shown: Vec<_> = shown.map(|one| [&*one.path, &*one.expected, &*one.got]).collect();
        assert_eq!(shown, differences, "{expectation}");
        assert_eq!(failure.instead, [format!("0s {came}")], "{expectation}");
    }
}

#[test]
fn each_kind_can_come_where_nothing_should() {
    for (kind, came) in [
        ("telemetry", telemetry(1)),
        ("report", report("a", json!(1))),
        ("ack", ack("a", 200, 1)),
        ("response", response(1, 200)),
        ("log", log("x")),
    ] {
        let steps = format!("steps: [ {{ command: x, expect: [ nothing: {kind} ] }} ]");
        assert_eq!(failures(&steps, []), [], "{kind}");
        let found = failures(&steps, [(0, came.clone())]);
        let [failure] = found.as_slice() else {
            panic!("{kind}: {found:?}");
        };
        assert_eq!(failure.reason, format!("expected no {kind}, but 1 came"));
        assert_eq!(failure.instead, [format!("0s {came}")]);
    }
}
