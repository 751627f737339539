//! From a scenario's text to a [`Scenario`]. Everything that is wrong with one is found here, before anything runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use serde_saphyr::{Error, Location, MessageFormatter, Spanned, UserMessageFormatter};
use setpoint_protocol::twin;

use super::moment::{shown, span, wall};
use super::script::{Action, Draws, Moment, Place, Scenario, Step, Weather};
use super::{document, read_expectation};
use crate::testing::BEGINNING;

/// Largest scenario file, in bytes: a thousand steps take a tenth of it.
const LARGEST: u64 = 1 << 20;

/// What is wrong with a scenario, in one line.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("{}: {reason}; give the path of a scenario, or of a folder with some", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's words, or ours.
        reason: String,
    },
    /// It says something that no scenario can.
    #[error("{file}:{}:{}: {reason}", place.line, place.column)]
    Wrong {
        /// The file.
        file: String,
        /// Where in it.
        place: Place,
        /// What, and what would be right.
        reason: String,
    },
}

/// What is wrong, and where.
pub(super) struct Wrong {
    place: Place,
    reason: String,
}

impl Place {
    pub(super) fn of(location: Location) -> Self {
        Self {
            line: location.line(),
            column: location.column(),
        }
    }
}

impl Wrong {
    pub(super) fn at<T>(spanned: &Spanned<T>, reason: impl Into<String>) -> Self {
        Self {
            place: Place::of(spanned.referenced),
            reason: reason.into(),
        }
    }
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is larger than 1 MiB, or is no scenario; then with the line and column.
    pub fn open(path: &Path) -> Result<Self, ScenarioError> {
        let unreadable = |reason: String| ScenarioError::Unreadable {
            file: path.to_owned(),
            reason,
        };
        let size = std::fs::metadata(path)
            .map_err(|error| unreadable(error.to_string()))?
            .len();
        if size > LARGEST {
            return Err(unreadable(format!(
                "{size} bytes are more than the {LARGEST} of a scenario"
            )));
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        let mut scenario = Self::parse(&path.display().to_string(), &text)?;
        if scenario.name.is_empty() {
            let stem = path.file_stem().unwrap_or(path.as_os_str());
            scenario.name = stem.to_string_lossy().into_owned();
        }
        Ok(scenario)
    }

    /// Reads a text; `file` is what messages call it.
    ///
    /// # Errors
    ///
    /// When it is no scenario, with the line and column.
    pub fn parse(file: &str, text: &str) -> Result<Self, ScenarioError> {
        let wrong = |Wrong { place, reason }| ScenarioError::Wrong {
            file: file.to_owned(),
            place,
            reason,
        };
        let document: document::Document = serde_saphyr::from_str(text).map_err(|error| wrong(no_document(&error)))?;
        scenario(file, document).map_err(wrong)
    }
}

/// The parser's complaint, in one line.
fn no_document(error: &serde_saphyr::Error) -> Wrong {
    let place = error.location().map_or(Place { line: 1, column: 1 }, Place::of);
    let text = match error.without_snippet() {
        Error::Unexpected { expected, .. } if *expected == "sequence start" => "a list belongs here".into(),
        Error::Unexpected { expected, .. } if *expected == "mapping start" => {
            "names with values belong here, as in { name: value }".into()
        }
        other => UserMessageFormatter.format_message(other),
    };
    let reason = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Wrong { place, reason }
}

fn scenario(file: &str, document: document::Document) -> Result<Scenario, Wrong> {
    let document::Document {
        name,
        start,
        config,
        random,
        desired,
        strict,
        steps,
    } = document;
    let config = config.into_iter().map(|(key, value)| Ok((key, setting(&value)?)));
    Ok(Scenario {
        name: name.unwrap_or_default(),
        file: file.to_owned(),
        start: start.map_or(Ok(BEGINNING), |text| checked(&text, wall(&text.value)))?,
        config: config.collect::<Result<_, _>>()?,
        random: random.map_or(Ok(Draws::Cycle(vec![0])), |value| draws(&value))?,
        desired: desired.map_or(Ok(twin::Document::new()), |value| properties(&value))?,
        strict,
        steps: all_steps(steps)?,
    })
}

/// A result, with the place of what it was made of.
pub(super) fn checked<T, U>(spanned: &Spanned<T>, result: Result<U, String>) -> Result<U, Wrong> {
    result.map_err(|reason| Wrong::at(spanned, reason))
}

fn setting(value: &Spanned<Value>) -> Result<String, Wrong> {
    match &value.value {
        Value::String(text) => Ok(text.clone()),
        scalar @ (Value::Number(_) | Value::Bool(_)) => Ok(scalar.to_string()),
        _ => Err(Wrong::at(
            value,
            "a configuration value is a text, a number or true or false",
        )),
    }
}

fn draws(value: &Spanned<Value>) -> Result<Draws, Wrong> {
    let seed = value.value.as_object().filter(|members| members.len() == 1);
    let seed = seed.and_then(|members| members.get("seed")).and_then(Value::as_u64);
    let cycle = value.value.as_array().filter(|numbers| !numbers.is_empty());
    let cycle = cycle.and_then(|numbers| numbers.iter().map(Value::as_u64).collect::<Option<Vec<_>>>());
    seed.map(Draws::Seed).or(cycle.map(Draws::Cycle)).ok_or_else(|| {
        Wrong::at(
            value,
            "random takes whole numbers from 0, as in [0, 7, 14], or { seed: 42 }",
        )
    })
}

/// Desired properties that the hub takes.
fn properties(value: &Spanned<Value>) -> Result<twin::Document, Wrong> {
    let Value::Object(members) = &value.value else {
        return Err(Wrong::at(
            value,
            "desired takes properties, as in { targetTemperature: 21 }",
        ));
    };
    checked(value, twin::check(members).map_err(|error| error.to_string()))?;
    Ok(members.clone())
}

fn all_steps(steps: Vec<Spanned<document::Step>>) -> Result<Vec<Step>, Wrong> {
    // The latest time at which the step before can end.
    let mut end = Duration::ZERO;
    let mut calls = 0;
    let mut checked_steps = Vec::new();
    for step in steps {
        let place = Place::of(step.referenced);
        let moment = moment(&step, end)?;
        let begin = match moment {
            Moment::At(at) => at,
            Moment::After(pause) => end.saturating_add(pause),
        };
        let action = action(&step)?;
        calls += usize::from(matches!(action, Some(Action::Call { .. })));
        let mut expect = Vec::new();
        for expectation in step.value.expect {
            expect.append(&mut read_expectation::expectations(expectation, calls)?);
        }
        let longest = expect.iter().map(|expectation| expectation.within).max();
        end = begin.saturating_add(longest.unwrap_or_default());
        checked_steps.push(Step {
            place,
            moment,
            action,
            expect,
        });
    }
    Ok(checked_steps)
}

fn moment(step: &Spanned<document::Step>, end: Duration) -> Result<Moment, Wrong> {
    match (&step.value.at, &step.value.after) {
        (None, None) => Ok(Moment::After(Duration::ZERO)),
        (None, Some(text)) => checked(text, span(&text.value)).map(Moment::After),
        (Some(text), None) => match checked(text, span(&text.value))? {
            at if at >= end => Ok(Moment::At(at)),
            _ => Err(Wrong::at(
                text,
                format!("this is before {}, when the step before it may end", shown(end)),
            )),
        },
        (Some(_), Some(text)) => Err(Wrong::at(text, "a step has `at` or `after`, not both")),
    }
}

fn action(step: &Spanned<document::Step>) -> Result<Option<Action>, Wrong> {
    let document::Step {
        desired,
        command,
        component,
        payload,
        message,
        cloud,
        clock,
        restart,
        ..
    } = &step.value;
    let mut actions = Vec::new();
    if let Some(value) = desired {
        actions.push(Action::Desire(properties(value)?));
    }
    if let Some(name) = command {
        let name = match component {
            Some(component) => format!("{}*{name}", component.value),
            None => name.clone(),
        };
        let payload = payload.as_ref().map(|payload| payload.value.clone());
        actions.push(Action::Call { name, payload });
    } else if let Some(component) = component {
        return Err(Wrong::at(component, "only a step with `command` has `component`"));
    } else if let Some(payload) = payload {
        return Err(Wrong::at(payload, "only a step with `command` has `payload`"));
    }
    if let Some(document::Message { body, properties }) = message {
        actions.push(Action::Message {
            body: bytes(body),
            properties: properties.clone().into_iter().collect(),
        });
    }
    if let Some(value) = cloud {
        actions.push(Action::Cloud(weather(value)?));
    }
    if let Some(text) = clock {
        actions.push(Action::Clock(checked(text, wall(&text.value))?));
    }
    if let Some(word) = restart {
        if word.value != "replaced" {
            return Err(Wrong::at(word, "restart takes the word replaced"));
        }
        actions.push(Action::Replace);
    }
    if actions.len() > 1 {
        let reason = "a step does one of desired, command, message, cloud, clock and restart; make a step of each";
        return Err(Wrong::at(step, reason));
    }
    Ok(actions.pop())
}

/// A text as it is; anything else as JSON.
fn bytes(body: &Value) -> Vec<u8> {
    match body {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}

fn weather(value: &Spanned<Value>) -> Result<Weather, Wrong> {
    let word = value.value.as_str();
    let known = Weather::WORDS.into_iter().find(|(name, _)| word == Some(*name));
    let refused = value.value.as_object().filter(|members| members.len() == 1);
    let refused = refused
        .and_then(|members| members.get("refuse"))
        .and_then(Value::as_u64);
    let refused = refused.and_then(|status| u16::try_from(status).ok());
    let refused = refused.filter(|status| (400..=599).contains(status));
    known.map(|(_, weather)| weather).or(refused.map(Weather::Refuse)).ok_or_else(|| {
        Wrong::at(
            value,
            "cloud takes cut, unreachable, reachable, silent, responsive or { refuse: 429 } with a status from 400 to 599",
        )
    })
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "wrong_tests.rs"]
mod wrong_tests;
