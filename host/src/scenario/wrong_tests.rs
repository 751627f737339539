//! Scenarios that say something wrong, each with what is said about it.

use crate::scenario::Scenario;

fn refusal(text: &str) -> String {
    match Scenario::parse("s.yaml", text) {
        Ok(scenario) => panic!("{scenario:?}\n{text}"),
        Err(error) => error.to_string(),
    }
}

/// Each wrong file with the whole of what is said about it.
#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, reason) in WRONG {
        assert_eq!(refusal(text), *reason, "{text}");
    }
}

const WRONG: &[(&str, &str)] = &[
    ("", "s.yaml:1:1: unexpected end of file"),
    ("steps: [", "s.yaml:1:8: unclosed bracket '['"),
    ("steps: 5", "s.yaml:1:8: a list belongs here"),
    ("name: x", "s.yaml:1:1: missing field `steps`"),
    (
        "steps: []\nstpes: []",
        "s.yaml:2:1: unknown field `stpes`, expected one of name, start, config, random, desired, strict, steps",
    ),
    (
        "steps:\n  - a: 1s",
        "s.yaml:2:5: unknown field `a`, expected one of at, after, desired, command, component, payload, message, cloud, clock, restart, expect",
    ),
    (
        "steps:\n  - expect:\n      - telemtry: {}",
        "s.yaml:3:9: unknown field `telemtry`, expected one of telemetry, report, ack, response, log, nothing, component, properties, count, within",
    ),
    (
        "steps:\n  - at: 1s\n    at: 2s",
        "s.yaml:3:5: duplicate mapping key `at` is not allowed here",
    ),
    (
        "steps: []\nstart: noon",
        "s.yaml:2:8: \"noon\" is no time from 1970 to 9999; write 2024-01-01T00:00:00Z",
    ),
    (
        "steps: []\nconfig: { a: [1] }",
        "s.yaml:2:14: a configuration value is a text, a number or true or false",
    ),
    (
        "steps: []\nrandom: []",
        "s.yaml:2:9: random takes whole numbers from 0, as in [0, 7, 14], or { seed: 42 }",
    ),
    (
        "steps: []\nrandom: { seed: -1 }",
        "s.yaml:2:9: random takes whole numbers from 0, as in [0, 7, 14], or { seed: 42 }",
    ),
    (
        "steps: []\ndesired: 5",
        "s.yaml:2:10: desired takes properties, as in { targetTemperature: 21 }",
    ),
    (
        "steps: []\ndesired: { 'a.b': 5 }",
        "s.yaml:2:10: \"a.b\" is no property name: it is empty or holds a control character, '.', '$' or a space",
    ),
    ("steps: []\nstrict: maybe", "s.yaml:2:9: invalid boolean"),
    (
        "steps:\n  - at: 100",
        "s.yaml:2:9: \"100\" is no time span; write 8s, 1m40s, 500ms or 24h",
    ),
    (
        "steps:\n  - at: 5s\n    after: 5s",
        "s.yaml:3:12: a step has `at` or `after`, not both",
    ),
    (
        "steps:\n  - expect: [ { nothing: log, within: 10s } ]\n  - at: 9s",
        "s.yaml:3:9: this is before 10s, when the step before it may end",
    ),
    (
        "steps:\n  - { after: 1s, desired: { a: 1 }, command: x }",
        "s.yaml:2:5: a step does one of desired, command, message, cloud, clock and restart; make a step of each",
    ),
    (
        "steps:\n  - component: attic",
        "s.yaml:2:16: only a step with `command` has `component`",
    ),
    (
        "steps:\n  - payload: 5",
        "s.yaml:2:14: only a step with `command` has `payload`",
    ),
    (
        "steps:\n  - message: hello",
        "s.yaml:2:14: names with values belong here, as in { name: value }",
    ),
    (
        "steps:\n  - cloud: rainy",
        "s.yaml:2:12: cloud takes cut, unreachable, reachable, silent, responsive or { refuse: 429 } with a status from 400 to 599",
    ),
    (
        "steps:\n  - cloud: { refuse: 200 }",
        "s.yaml:2:12: cloud takes cut, unreachable, reachable, silent, responsive or { refuse: 429 } with a status from 400 to 599",
    ),
    (
        "steps:\n  - clock: now",
        "s.yaml:2:12: \"now\" is no time from 1970 to 9999; write 2024-01-01T00:00:00Z",
    ),
    (
        "steps:\n  - restart: resumed",
        "s.yaml:2:14: restart takes the word replaced",
    ),
    (
        "steps:\n  - expect:\n      - { within: 5s }",
        "s.yaml:3:9: an expectation is one of telemetry, report, ack, response, log and nothing",
    ),
    (
        "steps:\n  - expect:\n      - { telemetry: 1, report: { a: 1 } }",
        "s.yaml:3:9: an expectation is one of telemetry, report, ack, response, log and nothing",
    ),
    (
        "steps:\n  - expect:\n      - { report: {} }",
        "s.yaml:3:19: report takes properties, as in { maxTemp: 21 }",
    ),
    (
        "steps:\n  - expect:\n      - { ack: { status: 200 } }",
        "s.yaml:3:18: missing field `property`",
    ),
    (
        "steps:\n  - expect:\n      - { response: { status: 200 } }",
        "s.yaml:3:9: there is no command before this that it could be the response to",
    ),
    (
        "steps:\n  - expect:\n      - { log: {}, component: attic }",
        "s.yaml:3:31: only telemetry, report and ack have a component",
    ),
    (
        "steps:\n  - expect:\n      - { log: {}, properties: {} }",
        "s.yaml:3:32: only telemetry has properties",
    ),
    (
        "steps:\n  - expect:\n      - { nothing: rain }",
        "s.yaml:3:20: nothing takes telemetry, report, ack, response or log, or a list of them",
    ),
    (
        "steps:\n  - expect:\n      - { nothing: [] }",
        "s.yaml:3:20: nothing takes telemetry, report, ack, response or log, or a list of them",
    ),
    (
        "steps:\n  - expect:\n      - { nothing: log, count: 1 }",
        "s.yaml:3:32: nothing cannot be counted",
    ),
    (
        "steps:\n  - expect:\n      - { log: {}, count: -1 }",
        "s.yaml:3:27: count is 0 or more",
    ),
    (
        "steps:\n  - expect:\n      - { log: {}, count: many }",
        "s.yaml:3:27: count takes a number, or a bound such as { atLeast: 3 }",
    ),
    (
        "steps:\n  - expect:\n      - telemetry: { a: { above: x } }",
        "s.yaml:3:20: \"above\" takes a number, not \"x\"; for an object with that name write { equals: { above: .. } }",
    ),
    (
        "steps:\n  - expect:\n      - telemetry:\n          $.a[: 1",
        "s.yaml:4:11: \"$.a[\" is no JSON path; write $.temperature, or \"$.readings[0].value\" in quotes",
    ),
    (
        "steps:\n  - expect:\n      - log:\n          message: { matches: '(' }",
        "s.yaml:4:20: \"(\" is no regular expression of the syntax of the Rust crate regex",
    ),
];
