use std::time::Duration;

use serde_json::json;

use super::*;
use crate::sandbox::Random as _;
use crate::scenario::{Kind, Stream, Wanted};

fn read(text: &str) -> Scenario {
    Scenario::parse("s.yaml", text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn everything_but_the_steps_may_be_left_out() {
    let scenario = read("steps: []");
    assert_eq!(scenario.name, "");
    assert_eq!(scenario.start, BEGINNING);
    assert_eq!(scenario.random, Draws::Cycle(vec![0]));
    assert!(scenario.config.is_empty() && scenario.desired.is_empty() && scenario.steps.is_empty());
    assert!(!scenario.strict);
}

#[test]
fn the_head_says_how_the_device_is_surrounded() {
    let scenario = read(
        "
name: A cold day
start: 2025-06-01T12:00:00+02:00
config: { interval: 0.5, window: 10, label: north, loud: true }
random: { seed: 42 }
desired: { targetTemperature: 21.5, attic: { __t: c, targetTemperature: 5 } }
strict: true
steps: []
",
    );
    assert_eq!(scenario.name, "A cold day");
    assert_eq!(scenario.start.to_rfc3339(), "2025-06-01T10:00:00+00:00");
    let config = scenario.config.iter().map(|(key, value)| format!("{key}={value}"));
    assert_eq!(
        config.collect::<Vec<_>>(),
        ["interval=0.5", "label=north", "loud=true", "window=10"]
    );
    assert_eq!(scenario.random, Draws::Seed(42));
    assert_eq!(scenario.desired.get("targetTemperature"), Some(&json!(21.5)));
    assert!(scenario.strict);
}

#[test]
fn a_seed_always_draws_the_same_and_a_list_begins_again() {
    let draw = |draws: &Draws, count: usize| {
        let mut source = draws.source();
        std::iter::repeat_with(|| source.next()).take(count).collect::<Vec<_>>()
    };
    assert_eq!(draw(&Draws::Cycle(vec![7, 8]), 5), [7, 8, 7, 8, 7]);
    assert_eq!(draw(&Draws::Seed(1), 9), draw(&Draws::Seed(1), 9));
    assert_ne!(draw(&Draws::Seed(1), 9), draw(&Draws::Seed(2), 9));
}

#[test]
fn each_thing_that_is_done_is_read() {
    let scenario = read(
        "
steps:
  - at: 1m 40s
  - desired: { a: null }
  - command: one
  - { command: two, component: attic, payload: null }
  - message: { body: text, properties: { k: v } }
  - message: { body: { a: 1 } }
  - cloud: unreachable
  - cloud: { refuse: 429 }
  - clock: 2025-01-01T00:00:00Z
  - { after: 500ms, restart: replaced }
",
    );
    let actions: Vec<_> = scenario.steps.iter().map(|step| step.action.clone()).collect();
    let call = |name: &str, payload| {
        Some(Action::Call {
            name: name.to_owned(),
            payload,
        })
    };
    assert_eq!(
        actions,
        [
            None,
            Some(Action::Desire(json!({ "a": null }).as_object().unwrap().clone())),
            call("one", None),
            call("attic*two", Some(json!(null))),
            Some(Action::Message {
                body: b"text".to_vec(),
                properties: vec![("k".to_owned(), "v".to_owned())],
            }),
            Some(Action::Message {
                body: br#"{"a":1}"#.to_vec(),
                properties: Vec::new(),
            }),
            Some(Action::Cloud(Weather::Unreachable)),
            Some(Action::Cloud(Weather::Refuse(429))),
            Some(Action::Clock("2025-01-01T00:00:00Z".parse().unwrap())),
            Some(Action::Replace),
        ]
    );
    assert_eq!(scenario.steps[0].moment, Moment::At(Duration::from_secs(100)));
    assert_eq!(scenario.steps[1].moment, Moment::After(Duration::ZERO));
    assert_eq!(scenario.steps[9].moment, Moment::After(Duration::from_millis(500)));
    assert_eq!(scenario.steps[0].place, Place { line: 3, column: 5 });
}

#[test]
fn each_thing_that_is_expected_is_read() {
    let scenario = read(
        "
steps:
  - command: one
    expect:
      - { telemetry: { t: 1 }, component: attic, properties: { k: v }, within: 3s }
      - report: { a: 1, b: null }
      - ack: { property: c, status: 200 }
      - response: {}
      - log: { level: warn }
      - nothing: [log, telemetry]
",
    );
    let wanted: Vec<_> = scenario.steps[0]
        .expect
        .iter()
        .map(|one| one.wanted.to_string())
        .collect();
    assert_eq!(
        wanted,
        [
            "telemetry of attic {\"t\":1}, properties {\"k\":\"v\"}",
            "report of a 1",
            "report of b null",
            "ack of c with status 200",
            "response",
            "log with level \"warn\"",
            "no log, no telemetry",
        ]
    );
    assert_eq!(scenario.steps[0].expect[0].within, Duration::from_secs(3));
    assert_eq!(scenario.steps[0].expect[1].place, Place { line: 6, column: 9 });
    assert!(matches!(
        &scenario.steps[0].expect[4].wanted,
        Wanted::Something {
            stream: Stream::Response(1),
            ..
        }
    ));
    assert!(matches!(
        &scenario.steps[0].expect[6].wanted,
        Wanted::Nothing(kinds) if kinds == &[Kind::Log, Kind::Telemetry]
    ));
}

#[test]
fn a_file_is_named_as_it_was_given_and_gives_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cold-start.yaml");
    std::fs::write(&file, "steps: []").unwrap();
    let scenario = Scenario::open(&file).unwrap();
    assert_eq!(
        (scenario.name.as_str(), scenario.file.as_str()),
        ("cold-start", file.to_str().unwrap())
    );
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let error = Scenario::open(&file).unwrap_err().to_string();
        error.strip_prefix(&format!("{}: ", file.display())).map(str::to_owned)
    };
    let advice = "; give the path of a scenario, or of a folder with some";
    let too_large = open("large.yaml", &vec![b'#'; (1 << 20) + 1]);
    let reason = format!("1048577 bytes are more than the 1048576 of a scenario{advice}");
    assert_eq!(too_large.as_deref(), Some(reason.as_str()));
    let no_text = open("no-text.yaml", b"name: \xff");
    let reason = format!("stream did not contain valid UTF-8{advice}");
    assert_eq!(no_text.as_deref(), Some(reason.as_str()));
}

#[test]
fn aliases_cannot_grow_without_bound() {
    let mut text = "steps: []\ndesired:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in ('b'..='i').zip('a'..) {
        text += &format!(
            "  {name}: &{name} [*{before}, *{before}, *{before}, *{before}, *{before}, *{before}, *{before}, *{before}, *{before}, *{before}]\n"
        );
    }
    let refusal = Scenario::parse("s.yaml", &text).unwrap_err().to_string();
    assert!(refusal.starts_with("s.yaml:"), "{refusal}");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text: String) {
        let _ = Scenario::parse("s.yaml", &text);
    }

    /// Pieces of what a scenario is made of, in any order.
    #[test]
    fn no_arrangement_panics(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
        let _ = Scenario::parse("s.yaml", &pieces.concat());
    }
}

const PIECES: &[&str] = &[
    "steps:",
    "at:",
    " 1s",
    " ",
    "\n",
    "\n  - ",
    "\n    ",
    "\n      - ",
    "expect:",
    "telemetry:",
    "report:",
    "ack:",
    "response:",
    "nothing:",
    "count:",
    "within:",
    "{",
    "}",
    "[",
    "]",
    ",",
    "$.a",
    "$",
    "any:",
    "above:",
    " 5",
    " null",
    "&a ",
    "*a",
    "command:",
    "desired:",
    "random:",
    "seed:",
    "cloud:",
    "refuse:",
    "'",
    "\"",
    "#",
];
