use std::time::Duration;

use serde_json::json;

use super::*;
use crate::scenario::{Closest, Difference, Failure, Outcome, Place};

/// One that passed, one that failed in every way that is shown, one whose guest did not start.
fn outcomes() -> [Outcome; 3] {
    let outcome = |file: &str, name: &str, failures: Vec<Failure>, started| Outcome {
        file: file.to_owned(),
        name: name.to_owned(),
        failures,
        started,
        took: Duration::from_millis(1_250),
        lasted: Duration::from_secs(100),
    };
    let difference = |path: &str, expected: &str, got: &str| Difference {
        path: path.to_owned(),
        expected: expected.to_owned(),
        got: got.to_owned(),
    };
    let differs = Failure {
        place: Place { line: 7, column: 9 },
        at: Duration::from_secs(8),
        reason: "expected telemetry {\"temperature\":11}".to_owned(),
        closest: Some(Closest {
            what: "8s telemetry {\"temperature\":10}".to_owned(),
            differences: vec![difference("$.temperature", "11", "10")],
        }),
        instead: vec!["8s telemetry {\"temperature\":10}".to_owned()],
        more: 3,
    };
    let spiteful = Failure {
        place: Place { line: 9, column: 3 },
        at: Duration::ZERO,
        reason: "expected \u{1b}[2J & <b> ]]>".to_owned(),
        closest: None,
        instead: Vec::new(),
        more: 0,
    };
    let absent = Failure {
        reason: "thermostat: does not start: no".to_owned(),
        ..spiteful.clone()
    };
    [
        outcome("good.yaml", "All is well", Vec::new(), true),
        outcome("bad.yaml", "It <fails> & \"says\" so", vec![differs, spiteful], true),
        outcome("never.yaml", "Never", vec![absent], false),
    ]
}

fn coloured() -> String {
    let mut out = Vec::new();
    for outcome in &outcomes() {
        one(outcome, &mut out).unwrap();
    }
    summary(&outcomes(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn people_read_a_difference_below_the_line_it_belongs_to() {
    let plain = anstream::adapter::strip_str(&coloured()).to_string();
    let expected = r#"ok     good.yaml: All is well (1m 40s in 1.250 s)
FAILED bad.yaml: It <fails> & "says" so (1m 40s in 1.250 s)
  bad.yaml:7:9: at 8s: expected telemetry {"temperature":11}
    closest: 8s telemetry {"temperature":10}
      $.temperature
        - 11
        + 10
    came:
      3 more, then
      8s telemetry {"temperature":10}
  bad.yaml:9:3: at 0s: expected \u{1b}[2J & <b> ]]>
FAILED never.yaml: Never (1m 40s in 1.250 s)
  never.yaml:9:3: at 0s: thermostat: does not start: no
1 passed, 2 failed in 3.750 s
"#;
    assert_eq!(plain, expected);
}

#[test]
fn the_only_control_sequences_are_colours() {
    let coloured = coloured();
    let sequences = coloured.split('\u{1b}').skip(1);
    let mut kinds: Vec<_> = sequences.map(|rest| rest.split_once('m').unwrap().0).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert!(!kinds.is_empty());
    let is_colour = |kind: &&str| kind.starts_with('[') && kind[1..].chars().all(|c| c.is_ascii_digit() || c == ';');
    assert!(kinds.iter().all(is_colour), "{kinds:?}");
}

#[test]
fn build_servers_read_a_suite_with_a_case_for_each_scenario() {
    let xml = junit("thermostat.wasm", &outcomes()).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let suite = root.first_element_child().unwrap();
    let attributes = ["name", "tests", "failures", "errors", "time"].map(|name| suite.attribute(name).unwrap());
    assert_eq!(attributes, ["thermostat.wasm", "3", "1", "1", "3.750"]);
    let cases: Vec<_> = suite
        .children()
        .filter(|child| child.has_tag_name("testcase"))
        .collect();
    let names = cases
        .iter()
        .map(|case| (case.attribute("classname"), case.attribute("name")));
    assert_eq!(
        names.collect::<Vec<_>>(),
        [
            (Some("good.yaml"), Some("All is well")),
            (Some("bad.yaml"), Some("It <fails> & \"says\" so")),
            (Some("never.yaml"), Some("Never")),
        ]
    );
    let [good, bad, never] = cases.as_slice() else {
        panic!("{xml}");
    };
    assert_eq!(good.attribute("time"), Some("1.250"));
    assert!(!good.has_children());
    let failure = bad.first_element_child().unwrap();
    assert_eq!(failure.tag_name().name(), "failure");
    assert_eq!(
        failure.attribute("message"),
        Some("expected telemetry {\"temperature\":11}")
    );
    let text = failure.text().unwrap();
    assert!(text.contains("bad.yaml:7:9: at 8s"), "{text}");
    assert!(text.contains("        - 11\n        + 10\n"), "{text}");
    assert!(text.contains("expected \\u{1b}[2J & <b> ]]>"), "{text}");
    assert!(
        !xml.contains('\u{1b}') && !xml.contains("[1m") && !xml.contains("[0m"),
        "{xml}"
    );
    assert_eq!(never.first_element_child().unwrap().tag_name().name(), "error");
}

#[test]
fn programs_read_every_failure() {
    let all = json("thermostat.wasm", &outcomes());
    assert_eq!(
        [&all["guest"], &all["passed"], &all["failed"]],
        [&json!("thermostat.wasm"), &json!(1), &json!(2)]
    );
    assert_eq!(
        all["scenarios"][0],
        json!({
            "file": "good.yaml", "name": "All is well", "passed": true, "started": true,
            "seconds": 1.25, "deviceSeconds": 100.0, "failures": [],
        })
    );
    assert_eq!(
        all["scenarios"][1]["failures"][0],
        json!({
            "line": 7, "column": 9, "at": 8.0,
            "reason": "expected telemetry {\"temperature\":11}",
            "closest": {
                "what": "8s telemetry {\"temperature\":10}",
                "differences": [{ "path": "$.temperature", "expected": "11", "got": "10" }],
            },
            "came": ["8s telemetry {\"temperature\":10}"],
            "cameBefore": 3,
        })
    );
    assert_eq!(all["scenarios"][1]["failures"][1]["closest"], json!(null));
    assert_eq!(all["scenarios"][2]["started"], json!(false));
}
