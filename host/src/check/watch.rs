//! What a device sends by itself, held against its model.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;
use setpoint_dtdl::{Model, Schema};
use setpoint_protocol::twin::Document;

use super::lab::Lab;
use super::report::{Case, Report, shown};
use super::reported::{Reported, member, members};
use super::rule::Rule;
use crate::cloud::Outgoing;
use crate::effect::Member;
use crate::testing::TestError;

/// Within this time a device shows all it has, if it shows it regularly.
const HOUR: Duration = Duration::from_secs(3600);

/// Watches an hour of a device that is left alone.
pub(super) fn an_hour(lab: &mut Lab<'_>) -> Result<(), TestError> {
    let mut seen = HashSet::new();
    let whole = lab.trial("running for an hour", Document::new(), |trial, _| {
        trial.pass(HOUR)?;
        seen = trial.sent().iter().flat_map(names).collect();
        Ok(())
    })?;
    // What a device that has failed did not send is no finding of its own.
    if !whole {
        return Ok(());
    }
    for (component, contents) in lab.model.all() {
        let telemetries = contents.telemetries.iter().map(|it| (Rule::TelemetrySent, &it.name));
        let read_only = contents.properties.iter().filter(|property| !property.writable);
        let read_only = read_only.map(|it| (Rule::ReportSent, &it.name));
        for (rule, name) in telemetries.chain(read_only) {
            let member = member(component, name);
            let subject = member.to_string();
            let case = Case::given(&subject, "an hour");
            lab.report
                .advise(rule, &case, seen.contains(&member), "sent at least once", "never sent");
        }
    }
    Ok(())
}

/// Everything a message names.
fn names(outgoing: &Outgoing) -> Vec<Member> {
    match outgoing {
        Outgoing::Telemetry { component, body, .. } => {
            let body: Document = serde_json::from_str(body).unwrap_or_default();
            body.keys().map(|name| member(component.as_deref(), name)).collect()
        }
        Outgoing::Report(patch) => members(patch).into_iter().map(|(member, _)| member).collect(),
        _ => Vec::new(),
    }
}

/// Holds what a device has sent against its model. Answers to desired values are not looked at: whoever desired them does.
pub(super) fn judge(model: &Model, sent: &[Outgoing], report: &mut Report) {
    for outgoing in sent {
        match outgoing {
            Outgoing::Telemetry { component, body, .. } => {
                let body: Document = serde_json::from_str(body).unwrap_or_default();
                let contents = model.component(component.as_deref());
                for (name, value) in &body {
                    let member = member(component.as_deref(), name);
                    let telemetry = contents.and_then(|contents| contents.telemetry(name));
                    let subject = member.to_string();
                    known(
                        report,
                        Rule::TelemetryKnown,
                        &subject,
                        telemetry.is_some(),
                        "telemetry",
                        value,
                    );
                    if let Some(telemetry) = telemetry {
                        fits(report, Rule::TelemetrySchema, &subject, &telemetry.schema, value);
                    }
                }
            }
            Outgoing::Report(patch) => {
                for (member, reported) in members(patch) {
                    judge_report(model, report, &member, &reported);
                }
            }
            _ => {}
        }
    }
}

fn judge_report(model: &Model, report: &mut Report, member: &Member, reported: &Reported) {
    let subject = member.to_string();
    let contents = model.component(member.component.as_deref());
    let property = contents.and_then(|contents| contents.property(&member.name));
    match reported {
        Reported::Plain(value) => {
            let read_only = property.filter(|property| !property.writable);
            known(
                report,
                Rule::ReportKnown,
                &subject,
                read_only.is_some(),
                "a read-only property",
                value,
            );
            // Null takes a report back.
            if let Some(property) = read_only.filter(|_| !value.is_null()) {
                fits(report, Rule::ReportSchema, &subject, &property.schema, value);
            }
        }
        Reported::Acknowledged(ack) if ack.version == 0 => {
            let writable = property.filter(|property| property.writable);
            known(
                report,
                Rule::ReportKnown,
                &subject,
                writable.is_some(),
                "a writable property",
                &ack.value,
            );
            if let Some(property) = writable.filter(|_| !ack.value.is_null()) {
                fits(report, Rule::ReportSchema, &subject, &property.schema, &ack.value);
            }
        }
        Reported::Acknowledged(_) => {}
    }
}

fn known(report: &mut Report, rule: Rule, subject: &str, known: bool, kind: &str, value: &Value) {
    let expected = format!("{kind} of the model");
    report.judge(rule, &Case::of(subject), known, &expected, shown(value));
}

fn fits(report: &mut Report, rule: Rule, subject: &str, schema: &Schema, value: &Value) {
    let mismatch = schema.check(value).err().map(|mismatch| mismatch.to_string());
    let got = mismatch.clone().unwrap_or_default();
    report.judge(rule, &Case::of(subject), mismatch.is_none(), "what the model says", got);
}
