//! Writable properties: desired values of every kind, and how each is answered.

use serde_json::Value;
use setpoint_dtdl::{Model, Property};
use setpoint_protocol::twin::{Document, merge};

use super::lab::{Lab, free_name, is_carried, patch, writable};
use super::report::{Case, Report, shown};
use super::reported::{Ack, member, same};
use super::rule::Rule;
use super::trial::{Interrupted, Trial};
use crate::effect::Member;
use crate::testing::TestError;

const TAKEN: &str = "a status of 200 to 299";
const REFUSED: &str = "a status of 400 to 599";

/// Tries every writable property, and properties there are not.
pub(super) fn check(lab: &mut Lab<'_>) -> Result<(), TestError> {
    let model = lab.model;
    for (component, contents) in model.all() {
        for (of, property) in writable(component, contents) {
            lab.trial(&format!("{of}: values that fit"), Document::new(), |trial, report| {
                valid_values(trial, report, &of, property)
            })?;
            lab.trial(
                &format!("{of}: values that do not fit"),
                Document::new(),
                |trial, report| invalid_values(trial, report, &of, property),
            )?;
            lab.trial(&format!("{of}: removal"), Document::new(), |trial, report| {
                removal(trial, report, &of, property)
            })?;
        }
    }
    at_start(lab)?;
    lab.trial(
        "desired properties that are not writable",
        Document::new(),
        |trial, report| not_writable(model, trial, report),
    )?;
    Ok(())
}

/// An answer was awaited, and carries the right version.
fn answered(report: &mut Report, case: &Case<'_>, version: u64, ack: Option<&Ack>) {
    report.judge(
        Rule::DesiredAnswered,
        case,
        ack.is_some(),
        "an acknowledgement within 300 s",
        "none",
    );
    if let Some(ack) = ack {
        let right = ack.version == version;
        report.judge(
            Rule::AckVersion,
            case,
            right,
            "the version of the desired value",
            version_got(ack, version),
        );
    }
}

fn version_got(ack: &Ack, version: u64) -> String {
    format!("{} in answer to {version}", ack.version)
}

/// The answer to a value that fits; whether it was as it should be.
fn accepted(report: &mut Report, case: &Case<'_>, value: &Value, ack: &Ack) -> bool {
    report.judge(Rule::DesiredValid, case, ack.is_taken(), TAKEN, ack.status.to_string());
    // 202: another value may still be in force.
    if !ack.is_taken() || ack.status == 202 {
        return false;
    }
    let right = same(&ack.value, value);
    report.judge(
        Rule::AckValue,
        case,
        right,
        "the value that was desired",
        shown(&ack.value),
    );
    right
}

fn valid_values(trial: &mut Trial, report: &mut Report, of: &Member, property: &Property) -> Result<(), Interrupted> {
    let subject = of.to_string();
    let mut an_object = false;
    for value in carried(property.schema.valid(), of) {
        // The hub merges objects: only without the last one does the device get this one and nothing else.
        if value.is_object() && an_object {
            trial.desire(of, None)?;
        }
        an_object = value.is_object();
        let ack = trial.desire(of, Some(&value))?;
        let case = Case::given(&subject, shown(&value));
        answered(report, &case, trial.version(), ack.as_ref());
        if let Some(ack) = ack {
            accepted(report, &case, &value, &ack);
        }
    }
    Ok(())
}

fn invalid_values(trial: &mut Trial, report: &mut Report, of: &Member, property: &Property) -> Result<(), Interrupted> {
    let subject = of.to_string();
    let example = property.schema.example();
    if !is_carried(of, &example) {
        return Ok(());
    }
    let mut in_force = take(trial, of, &example)?;
    let values = carried(property.schema.invalid(), of);
    let no_object = values.iter().find(|value| !value.is_object()).cloned();
    for value in &values {
        if value.is_object() {
            // As above; what takes the last one's place must not be taken either.
            trial.desire(of, no_object.as_ref())?;
        }
        let ack = trial.desire(of, Some(value))?;
        let case = Case::given(&subject, shown(value));
        answered(report, &case, trial.version(), ack.as_ref());
        let Some(ack) = ack else { continue };
        report.judge(
            Rule::DesiredInvalid,
            &case,
            ack.is_refused(),
            REFUSED,
            ack.status.to_string(),
        );
        if !ack.is_refused() {
            in_force = take(trial, of, &example)?;
        } else if in_force {
            let kept = same(&ack.value, &example);
            let expected = format!("{} still in force", shown(&example));
            report.judge(Rule::DesiredKept, &case, kept, &expected, shown(&ack.value));
        }
    }
    Ok(())
}

/// Puts a value in force; whether it is.
fn take(trial: &mut Trial, of: &Member, value: &Value) -> Result<bool, Interrupted> {
    let ack = trial.desire(of, Some(value))?;
    Ok(ack.is_some_and(|ack| ack.is_taken() && ack.status != 202 && same(&ack.value, value)))
}

fn removal(trial: &mut Trial, report: &mut Report, of: &Member, property: &Property) -> Result<(), Interrupted> {
    let example = property.schema.example();
    if !is_carried(of, &example) {
        return Ok(());
    }
    trial.desire(of, Some(&example))?;
    let ack = trial.desire(of, None)?;
    let subject = of.to_string();
    let case = Case::given(&subject, "null");
    report.judge(
        Rule::DesiredRemoved,
        &case,
        ack.is_some(),
        "an acknowledgement within 300 s",
        "none",
    );
    let Some(ack) = ack else { return Ok(()) };
    let version = trial.version();
    let right = ack.version == version;
    report.judge(
        Rule::AckVersion,
        &case,
        right,
        "the version of the removal",
        version_got(&ack, version),
    );
    // A device may have no value when nobody desires one.
    let fits = ack.value.is_null() || property.schema.check(&ack.value).is_ok();
    let expected = "a value that fits the model, or null";
    report.judge(Rule::DesiredRemoved, &case, fits, expected, shown(&ack.value));
    Ok(())
}

/// Every property has a value before the device is started.
fn at_start(lab: &mut Lab<'_>) -> Result<(), TestError> {
    let examples = lab.writable_examples();
    if examples.is_empty() {
        return Ok(());
    }
    let mut desired = Document::new();
    for (of, value) in &examples {
        merge(&mut desired, &patch(of, Some(value)));
    }
    lab.trial("starting with every property desired", desired, |trial, report| {
        for (of, value) in &examples {
            let subject = of.to_string();
            let case = Case::given(&subject, shown(value));
            let ack = trial.acknowledged(of)?;
            let right = |ack: &Ack| ack.is_taken() && ack.version == trial.version() && same(&ack.value, value);
            let got = match &ack {
                None => "no acknowledgement".to_owned(),
                Some(ack) => format!("{} with {} and version {}", ack.status, shown(&ack.value), ack.version),
            };
            let expected = format!("{TAKEN} with this value and version {}", trial.version());
            report.judge(
                Rule::DesiredAtStart,
                &case,
                ack.as_ref().is_some_and(right),
                &expected,
                got,
            );
        }
        Ok(())
    })?;
    Ok(())
}

/// Names the model does not have, and read-only properties.
fn not_writable(model: &Model, trial: &mut Trial, report: &mut Report) -> Result<(), Interrupted> {
    for (of, value) in strangers(model) {
        let ack = trial.desire(&of, Some(&value))?;
        let subject = of.to_string();
        let case = Case::given(&subject, shown(&value));
        let got = ack
            .as_ref()
            .map_or("no acknowledgement".to_owned(), |ack| ack.status.to_string());
        let refused = ack.as_ref().is_some_and(Ack::is_refused);
        report.judge(
            Rule::DesiredUnknown,
            &case,
            refused,
            "a status of 400 to 599, such as 404",
            got,
        );
        if let Some(ack) = ack {
            let right = ack.version == trial.version();
            let got = version_got(&ack, trial.version());
            report.judge(Rule::AckVersion, &case, right, "the version of the desired value", got);
        }
    }
    Ok(())
}

fn strangers(model: &Model) -> Vec<(Member, Value)> {
    let components = model.components.iter().map(|component| component.name.as_str());
    let stranger = free_name("noSuchComponent", components);
    let mut strangers = vec![(member(Some(&stranger), "anything"), Value::from(1))];
    for (component, contents) in model.all() {
        let names = contents.properties.iter().map(|property| property.name.as_str());
        // In a twin components and properties of the default one stand side by side.
        let names = names.chain(model.components.iter().map(|component| component.name.as_str()));
        strangers.push((member(component, &free_name("noSuchProperty", names)), Value::from(1)));
        let read_only = contents.properties.iter().filter(|property| !property.writable);
        strangers.extend(read_only.map(|property| (member(component, &property.name), property.schema.example())));
    }
    strangers.retain(|(of, value)| is_carried(of, value));
    strangers
}

/// Those a twin can hold.
fn carried(mut values: Vec<Value>, of: &Member) -> Vec<Value> {
    values.retain(|value| is_carried(of, value));
    values
}
