//! Where the trials of one check are held: the guest, its model, and the report that is being written.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use setpoint_dtdl::{Contents, Model};
use setpoint_protocol::twin::{self, Document};

use super::report::{Case, Report};
use super::reported::member;
use super::rule::Rule;
use super::trial::{Interrupted, Trial};
use super::watch;
use crate::cloud::memory::MemoryHub;
use crate::device::SessionError;
use crate::effect::Member;
use crate::sandbox::{GuestError, Program, Random};
use crate::testing::{TestDevice, TestError};

/// The same randomness in every trial, so that a check that failed fails again.
const SEED: u64 = 20_240_101;

pub(super) struct Lab<'a> {
    pub(super) program: &'a Program,
    pub(super) model: &'a Model,
    pub(super) config: &'a BTreeMap<String, String>,
    pub(super) report: Report,
}

impl<'a> Lab<'a> {
    pub(super) fn new(program: &'a Program, model: &'a Model, config: &'a BTreeMap<String, String>) -> Self {
        Self {
            program,
            model,
            config,
            report: Report::new(program.name(), &model.id),
        }
    }

    /// Starts a device with these desired values in its twin and does something with it. A guest that fails at it breaks
    /// [`Rule::StaysUp`] and ends the trial; what it has sent before counts. Returns whether the trial came to its end.
    pub(super) fn trial(
        &mut self,
        doing: &str,
        desired: Document,
        act: impl FnOnce(&mut Trial, &mut Report) -> Result<(), Interrupted>,
    ) -> Result<bool, TestError> {
        let hub = MemoryHub::new();
        let mut version = 1;
        if !desired.is_empty() {
            hub.desire(desired);
            version += 1;
        }
        let mut setup = TestDevice::of(self.program).hub(&hub).random(randomness()).restarts(0);
        for (key, value) in self.config {
            setup = setup.config(key, value);
        }
        let acted = match setup.start() {
            Ok(device) => {
                let mut trial = Trial::new(device, version);
                let acted = trial.settle().and_then(|()| act(&mut trial, &mut self.report));
                watch::judge(self.model, trial.sent(), &mut self.report);
                acted
            }
            Err(error) => Err(error.into()),
        };
        match acted {
            Ok(()) => {
                self.report
                    .judge(Rule::StaysUp, &Case::given("the guest", doing), true, "", "");
                Ok(true)
            }
            Err(Interrupted::Guest(error)) => {
                self.failed(Rule::StaysUp, doing, &error);
                Ok(false)
            }
            Err(Interrupted::Kit(error)) => Err(error),
        }
    }

    /// The guest has failed where it must not.
    pub(super) fn failed(&mut self, rule: Rule, doing: &str, error: &GuestError) {
        let (export, got) = match error {
            GuestError::OverBudget { export, budget, .. } => {
                (*export, format!("it was stopped after {} ms", budget.as_millis()))
            }
            GuestError::Trapped { export, reason, .. } => (*export, reason.clone()),
            GuestError::Refused { reason, .. } => ("start", format!("it refuses: {reason}")),
            other => ("the guest", other.to_string()),
        };
        self.report
            .judge(rule, &Case::given(export, doing), false, "it goes on", got);
    }

    /// Every writable property with its type and an ordinary value, as far as a twin can carry one.
    pub(super) fn writable_examples(&self) -> Vec<(Member, Value)> {
        let all = self
            .model
            .all()
            .flat_map(|(component, contents)| writable(component, contents));
        let examples = all.map(|(member, property)| {
            let example = property.schema.example();
            (member, example)
        });
        examples.filter(|(member, value)| is_carried(member, value)).collect()
    }
}

/// The writable properties of a component.
pub(super) fn writable<'m>(
    component: Option<&'m str>,
    contents: &'m Contents,
) -> impl Iterator<Item = (Member, &'m setpoint_dtdl::Property)> {
    let properties = contents.properties.iter().filter(|property| property.writable);
    properties.map(move |property| (member(component, &property.name), property))
}

/// A patch of desired properties with one value in it, or its removal.
pub(super) fn patch(of: &Member, value: Option<&Value>) -> Document {
    let value = value.cloned().unwrap_or(Value::Null);
    let inner = Document::from_iter([(of.name.clone(), value)]);
    match &of.component {
        None => inner,
        Some(component) => {
            let mut members = inner;
            members.insert("__t".to_owned(), "c".into());
            Document::from_iter([(component.clone(), Value::Object(members))])
        }
    }
}

/// Whether a twin can hold the value, desired and acknowledged. A hub's bounds are narrower than a model's: integers have
/// 53 bits, texts 4,096 bytes.
pub(super) fn is_carried(of: &Member, value: &Value) -> bool {
    let acknowledged = serde_json::json!({ "value": value, "ac": 200, "av": 1, "ad": "" });
    twin::check(&patch(of, Some(&acknowledged))).is_ok()
}

/// A name that nothing in `taken` has.
pub(super) fn free_name<'n>(name: &str, taken: impl Iterator<Item = &'n str> + Clone) -> String {
    let mut free = name.to_owned();
    while taken.clone().any(|other| other == free) {
        free.push('X');
    }
    free
}

pub(super) fn randomness() -> impl Random + 'static {
    let mut generator = StdRng::seed_from_u64(SEED);
    move || generator.next_u64()
}

impl From<TestError> for Interrupted {
    fn from(error: TestError) -> Self {
        match error {
            TestError::Guest(error) | TestError::Session(SessionError::Guest(error)) => Self::Guest(error),
            other => Self::Kit(other),
        }
    }
}
