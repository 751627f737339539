//! A stage for tests: it does what it was told, whatever a scenario does to it.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Action, Failure, Happening, Outcome, Scenario, Stage, StageError, What, play};
use crate::effect::{Level, Member};

/// What happens, with its time in seconds.
#[derive(Default)]
pub(super) struct Told {
    pub(super) coming: VecDeque<(u64, What)>,
    pub(super) now: Duration,
    pub(super) slack: Duration,
    pub(super) ends_at: Option<Duration>,
}

impl Stage for Told {
    fn refusal(&self, action: &Action) -> Option<String> {
        matches!(action, Action::Message { .. }).then(|| "no messages here".to_owned())
    }

    fn act(&mut self, _action: &Action) -> Result<(), StageError> {
        Ok(())
    }

    fn wait(&mut self, until: Duration) -> Result<Vec<Happening>, StageError> {
        if let Some(end) = self.ends_at.filter(|end| *end <= until) {
            self.now = end;
            return Err(StageError::Ended("it has had enough".to_owned()));
        }
        let next = self.coming.front().map(|(at, _)| Duration::from_secs(*at));
        if let Some(at) = next.filter(|at| *at <= until) {
            self.now = self.now.max(at);
            let what = self.coming.pop_front().map(|(_, what)| what);
            return Ok(what.into_iter().map(|what| Happening { at, what }).collect());
        }
        self.now = self.now.max(until);
        Ok(Vec::new())
    }

    fn now(&self) -> Duration {
        self.now
    }

    fn slack(&self) -> Duration {
        self.slack
    }
}

/// What comes of these steps on it.
pub(super) fn outcome(steps: &str, stage: Told) -> Outcome {
    let scenario = Scenario::parse("s.yaml", steps).unwrap_or_else(|error| panic!("{error}"));
    play(&scenario, |_| Ok(Box::new(stage)))
}

/// What was not as expected of these steps, when this happens.
pub(super) fn failures<const N: usize>(steps: &str, coming: [(u64, What); N]) -> Vec<Failure> {
    outcome(steps, told(coming)).failures
}

/// One with nothing late.
pub(super) fn told<const N: usize>(coming: [(u64, What); N]) -> Told {
    Told {
        coming: coming.into(),
        ..Told::default()
    }
}

/// Telemetry of the default component.
pub(super) fn telemetry(value: i32) -> What {
    What::Telemetry {
        component: None,
        body: json!({ "t": value }),
        properties: json!({}),
    }
}

pub(super) fn telemetry_of(component: &str, value: i32) -> What {
    What::Telemetry {
        component: Some(component.to_owned()),
        body: json!({ "t": value }),
        properties: json!({}),
    }
}

pub(super) fn report(name: &str, value: Value) -> What {
    What::Report {
        property: Member::named(name),
        value,
    }
}

pub(super) fn ack(name: &str, status: u16, version: u64) -> What {
    What::Acknowledgement {
        property: Member::named(name),
        answer: json!({ "value": 1, "status": status, "version": version, "description": "as told" }),
    }
}

pub(super) fn response(call: usize, status: u16) -> What {
    What::Response {
        call,
        status,
        payload: json!(null),
    }
}

pub(super) fn log(message: &str) -> What {
    What::Log {
        level: Level::Warn,
        message: message.to_owned(),
    }
}
