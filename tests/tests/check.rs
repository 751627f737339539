//! Guests against their models: those of the project are right, and one that is wrong in one thing is told of that thing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use setpoint::check::{Report, Rule, Verdict, check};
use setpoint::sandbox::{Program, THERMOSTAT};
use setpoint_dtdl::{Model, Repository, Source};
use setpoint_tests::{TEMPERATURE_CONTROLLER, THERMOSTATS, WRONG, foreign_guest, sandbox};

fn model(id: &str) -> Model {
    let folder = |path: &str| Repository::new(format!("{}/{path}", env!("CARGO_MANIFEST_DIR")));
    let (shipped, tests) = (folder("../models"), folder("models"));
    let sources: [&dyn Source; 2] = [&shipped, &tests];
    Model::read(&id.parse().unwrap(), sources.as_slice()).unwrap()
}

fn program(name: &str, guest: &[u8]) -> Program {
    Program::load(&sandbox(), name, guest).unwrap()
}

/// The guests of the project, with their models.
fn shipped() -> Vec<(Program, Model)> {
    let guests = [
        ("thermostat", THERMOSTAT, "dtmi:com:example:Thermostat;1"),
        (
            "temperature-controller",
            TEMPERATURE_CONTROLLER,
            "dtmi:com:example:TemperatureController;2",
        ),
    ];
    let rust = guests.map(|(name, guest, id)| (program(name, guest), model(id)));
    let foreign = THERMOSTATS.map(|name| {
        (
            program(name, &foreign_guest(name)),
            model("dtmi:com:example:Thermostat;1"),
        )
    });
    rust.into_iter().chain(foreign).collect()
}

#[test]
fn the_projects_guests_keep_every_rule() {
    for (guest, model) in shipped() {
        let report = check(&guest, &model, &BTreeMap::new()).unwrap();
        assert!(report.passed(), "{report}");
        assert_eq!(report.with(Verdict::Warned), [], "{report}");
    }
}

/// The tank and its model.
static TANK: LazyLock<(Program, Model)> = LazyLock::new(|| (program("tank", WRONG), model("dtmi:com:example:Wrong;1")));

/// What becomes of the tank when it does this; of one that does nothing wrong, when it is empty.
fn tank(wrong: &str) -> Report {
    let config = BTreeMap::from([("wrong".to_owned(), wrong.to_owned())]);
    check(&TANK.0, &TANK.1, &config).unwrap()
}

#[test]
fn a_guest_that_is_wrong_in_nothing_keeps_every_rule() {
    let report = tank("");
    assert_eq!(report.with(Verdict::Kept), Rule::ALL, "{report}");
}

/// What the tank does wrong, and the rule that it breaks by that.
const BREACHES: [(&str, Rule); 27] = [
    ("start", Rule::Starts),
    ("trap", Rule::StaysUp),
    ("restart", Rule::Restarts),
    ("resume", Rule::Resumes),
    ("state", Rule::KeepsState),
    ("garbage", Rule::SurvivesGarbage),
    ("outbox", Rule::SurvivesFullOutbox),
    ("telemetry-name", Rule::TelemetryKnown),
    ("telemetry-component", Rule::TelemetryKnown),
    ("telemetry-type", Rule::TelemetrySchema),
    ("report-name", Rule::ReportKnown),
    ("report-type", Rule::ReportSchema),
    ("silent", Rule::DesiredAnswered),
    ("start-values", Rule::DesiredAtStart),
    ("bounds", Rule::DesiredValid),
    ("invalid", Rule::DesiredInvalid),
    ("forgets", Rule::DesiredKept),
    ("removal", Rule::DesiredRemoved),
    ("unknown", Rule::DesiredUnknown),
    ("version", Rule::AckVersion),
    ("clamp", Rule::AckValue),
    ("command-silent", Rule::CommandAnswered),
    ("command-refuses", Rule::CommandValid),
    ("command-takes", Rule::CommandInvalid),
    ("command-unknown", Rule::CommandUnknown),
    ("command-fails", Rule::CommandStatus),
    ("response", Rule::CommandResponse),
];

/// What the tank does that may be meant so, and the rule that a person should look at then.
const WARNINGS: [(&str, Rule); 6] = [
    ("stateless", Rule::Saves),
    ("garbage-refused", Rule::SurvivesGarbage),
    ("telemetry-never", Rule::TelemetrySent),
    ("report-never", Rule::ReportSent),
    ("command-busy", Rule::CommandValid),
    ("response-part", Rule::CommandResponseWhole),
];

#[test]
fn a_guest_that_is_wrong_in_one_thing_breaks_one_rule() {
    for (wrong, rule) in BREACHES {
        let report = tank(wrong);
        assert_eq!(report.with(Verdict::Broken), [rule], "{wrong}: {report}");
    }
}

#[test]
fn what_may_be_meant_so_is_a_warning_and_no_breach() {
    for (wrong, rule) in WARNINGS {
        let report = tank(wrong);
        assert!(report.passed(), "{wrong}: {report}");
        assert_eq!(report.with(Verdict::Warned), [rule], "{wrong}: {report}");
    }
}

#[test]
fn no_rule_is_without_a_guest_that_goes_against_it() {
    let tripped: HashSet<Rule> = BREACHES.iter().chain(&WARNINGS).map(|(_, rule)| *rule).collect();
    assert_eq!(Rule::ALL.iter().find(|rule| !tripped.contains(rule)), None);
}

#[test]
fn the_finding_says_who_was_given_what_and_what_came_of_it() {
    let report = tank("bounds");
    let (_, rule) = report.rules().find(|(rule, _)| *rule == Rule::DesiredValid).unwrap();
    let [finding] = rule.findings.as_slice() else {
        panic!("{report}")
    };
    // -1 and the least of 32 bits.
    assert_eq!(
        (finding.subject.as_str(), finding.given.as_deref()),
        ("limit", Some("-1"))
    );
    assert_eq!((finding.got.as_str(), finding.times), ("400", 2));
}
