//! What a guest is held to. docs/check.md says why.

use std::fmt;

/// A rule that a device keeps or breaks. In the order in which they are tried and reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "`meaning` says it of each")]
pub enum Rule {
    Starts,
    StaysUp,
    Restarts,
    Saves,
    Resumes,
    KeepsState,
    SurvivesGarbage,
    SurvivesFullOutbox,
    TelemetryKnown,
    TelemetrySchema,
    TelemetrySent,
    ReportKnown,
    ReportSchema,
    ReportSent,
    DesiredAnswered,
    DesiredAtStart,
    DesiredValid,
    DesiredInvalid,
    DesiredKept,
    DesiredRemoved,
    DesiredUnknown,
    AckVersion,
    AckValue,
    CommandAnswered,
    CommandValid,
    CommandInvalid,
    CommandUnknown,
    CommandStatus,
    CommandResponse,
    CommandResponseWhole,
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Group {
    Life,
    Telemetry,
    ReadOnlyProperties,
    WritableProperties,
    Commands,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 30] = [
        Self::Starts,
        Self::StaysUp,
        Self::Restarts,
        Self::Saves,
        Self::Resumes,
        Self::KeepsState,
        Self::SurvivesGarbage,
        Self::SurvivesFullOutbox,
        Self::TelemetryKnown,
        Self::TelemetrySchema,
        Self::TelemetrySent,
        Self::ReportKnown,
        Self::ReportSchema,
        Self::ReportSent,
        Self::DesiredAnswered,
        Self::DesiredAtStart,
        Self::DesiredValid,
        Self::DesiredInvalid,
        Self::DesiredKept,
        Self::DesiredRemoved,
        Self::DesiredUnknown,
        Self::AckVersion,
        Self::AckValue,
        Self::CommandAnswered,
        Self::CommandValid,
        Self::CommandInvalid,
        Self::CommandUnknown,
        Self::CommandStatus,
        Self::CommandResponse,
        Self::CommandResponseWhole,
    ];

    /// Its name, which does not change from one version of this program to the next.
    pub const fn id(self) -> &'static str {
        self.describe().0
    }

    /// What it asks of a device, in a few words.
    pub const fn meaning(self) -> &'static str {
        self.describe().1
    }

    /// What it is about.
    pub const fn group(self) -> Group {
        match self {
            Self::Starts
            | Self::StaysUp
            | Self::Restarts
            | Self::Saves
            | Self::Resumes
            | Self::KeepsState
            | Self::SurvivesGarbage
            | Self::SurvivesFullOutbox => Group::Life,
            Self::TelemetryKnown | Self::TelemetrySchema | Self::TelemetrySent => Group::Telemetry,
            Self::ReportKnown | Self::ReportSchema | Self::ReportSent => Group::ReadOnlyProperties,
            Self::DesiredAnswered
            | Self::DesiredAtStart
            | Self::DesiredValid
            | Self::DesiredInvalid
            | Self::DesiredKept
            | Self::DesiredRemoved
            | Self::DesiredUnknown
            | Self::AckVersion
            | Self::AckValue => Group::WritableProperties,
            Self::CommandAnswered
            | Self::CommandValid
            | Self::CommandInvalid
            | Self::CommandUnknown
            | Self::CommandStatus
            | Self::CommandResponse
            | Self::CommandResponseWhole => Group::Commands,
        }
    }

    const fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::Starts => ("starts", "starts with an empty twin"),
            Self::StaysUp => ("stays-up", "no export traps or overruns its time, whatever it is given"),
            Self::Restarts => ("restarts", "starts after a failure, and then answers as after power-on"),
            Self::Saves => ("saves", "gives its state away when asked"),
            Self::Resumes => (
                "resumes",
                "starts from its own state, and then answers as after power-on",
            ),
            Self::KeepsState => ("keeps-state", "values in force outlive save and resume"),
            Self::SurvivesGarbage => ("survives-garbage", "does not fail over a state that is not its own"),
            Self::SurvivesFullOutbox => (
                "survives-full-outbox",
                "does not fail while nothing can be sent, and goes on after",
            ),
            Self::TelemetryKnown => (
                "telemetry-known",
                "sends only telemetry of its model, from the right component",
            ),
            Self::TelemetrySchema => ("telemetry-schema", "telemetry is of the type the model says"),
            Self::TelemetrySent => ("telemetry-sent", "every telemetry is sent within an hour"),
            Self::ReportKnown => (
                "report-known",
                "reports only properties of its model, from the right component",
            ),
            Self::ReportSchema => ("report-schema", "what it reports is of the type the model says"),
            Self::ReportSent => ("report-sent", "every read-only property is reported within an hour"),
            Self::DesiredAnswered => ("desired-answered", "every desired value is acknowledged"),
            Self::DesiredAtStart => (
                "desired-at-start",
                "values in the twin at start are applied and acknowledged",
            ),
            Self::DesiredValid => (
                "desired-valid",
                "values that fit the model are taken, at the bounds too",
            ),
            Self::DesiredInvalid => ("desired-invalid", "values that do not fit are refused"),
            Self::DesiredKept => (
                "desired-kept",
                "a refusal leaves the value before it in force, and says so",
            ),
            Self::DesiredRemoved => (
                "desired-removed",
                "the removal of a value is acknowledged, with what is then in force",
            ),
            Self::DesiredUnknown => ("desired-unknown", "properties that are not writable are refused"),
            Self::AckVersion => (
                "ack-version",
                "an acknowledgement carries the version of what it answers",
            ),
            Self::AckValue => ("ack-value", "a value that was taken is acknowledged as it was sent"),
            Self::CommandAnswered => ("command-answered", "every command is answered within 300 s"),
            Self::CommandValid => ("command-valid", "some payload that fits the model is taken"),
            Self::CommandInvalid => ("command-invalid", "payloads that do not fit are refused"),
            Self::CommandUnknown => ("command-unknown", "commands that are not in the model are refused"),
            Self::CommandStatus => (
                "command-status",
                "no call makes the device fail inside, with or without payload",
            ),
            Self::CommandResponse => ("command-response", "responses are of the type the model says"),
            Self::CommandResponseWhole => (
                "command-response-whole",
                "responses have all the fields the model lists",
            ),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Life => "life",
            Self::Telemetry => "telemetry",
            Self::ReadOnlyProperties => "read-only properties",
            Self::WritableProperties => "writable properties",
            Self::Commands => "commands",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_listed_once_in_its_order_with_its_group_together() {
        assert!(Rule::ALL.is_sorted_by(|a, b| a < b));
        assert!(Rule::ALL.is_sorted_by_key(|rule| rule.group()));
        let ids: std::collections::HashSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
    }

    #[test]
    fn the_documentation_lists_them_all() {
        let page = include_str!("../../../docs/check.md");
        for rule in Rule::ALL {
            assert!(
                page.contains(&format!("| `{rule}` |")),
                "docs/check.md does not list {rule}"
            );
        }
    }
}
