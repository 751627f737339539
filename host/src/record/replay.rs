//! Plays a record to guests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::cast::Cast;
use super::difference::{Difference, Found, Outcome, compare};
use super::reader::Entry;
use super::script::{Counts, Script};
use crate::cloud::Assignment;
use crate::sandbox::{
    Bytes, Cache, Call, Called, Created, Event, Failure, Footprint, Given, Guest, GuestError, Limits, LoadError,
    Permission, Program, Rates, Returned, Sandbox, SandboxError, SharedRandom, Surroundings, Tap,
};

/// A guest may take so many times as long as it was allowed when it was recorded: what is compared is what it does, and this
/// machine may be slower or busier.
const PATIENCE: u64 = 5;

/// Instances that live at one time: one, and those that are about to take its place or were not seen to go.
const INSTANCES: u32 = 16;

/// Why a record cannot be replayed, when it is not the record's fault.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The recorded guest is not known.
    #[error(
        "line {line}: {guest} was recorded, a guest with the sha256 {sha256}; give its file, or that of another to play it"
    )]
    NoGuest {
        /// The line of the record.
        line: u64,
        /// The recorded guest's name.
        guest: String,
        /// The digest of its file.
        sha256: String,
    },
    /// A line speaks of an instance that was never made.
    #[error("line {line}: speaks of instance {instance}, which the record has not made; record it again")]
    NoInstance {
        /// The line of the record.
        line: u64,
        /// The instance's number.
        instance: u64,
    },
    /// What is to play is no guest.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// There is no sandbox such as the recorded guest had.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

/// What has been played so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Calls of the record.
    pub calls: u64,
    /// Instances of the record.
    pub instances: u64,
    /// Differences found.
    pub differences: u64,
    /// Calls that could not be made, because the guest had failed where the recorded one went on.
    pub not_made: u64,
}

/// A replay. It needs as much memory as the guests do, however long the record is.
pub struct Replay {
    cast: Cast,
    cache: Option<Cache>,
    allow: BTreeSet<Permission>,
    stage: Option<Stage>,
    instances: BTreeMap<u64, Instance>,
    summary: Summary,
}

/// The sandbox for the guests that were recorded under the same limits.
struct Stage {
    limits: (usize, u64, u64),
    sandbox: Sandbox,
    /// By the recorded guest's digest.
    programs: BTreeMap<String, Program>,
}

struct Instance {
    /// None once it has failed.
    guest: Option<Guest>,
    script: Script,
    name: String,
}

impl Replay {
    /// A replay by these guests. `cache` keeps their compiled code.
    pub fn new(cast: Cast, cache: Option<Cache>) -> Self {
        Self {
            cast,
            cache,
            allow: BTreeSet::new(),
            stage: None,
            instances: BTreeMap::new(),
            summary: Summary::default(),
        }
    }

    /// With these permissions for the guests that play. What the recorded ones had gives them none.
    #[must_use]
    pub fn allow(self, allow: BTreeSet<Permission>) -> Self {
        Self { allow, ..self }
    }

    /// What has been played so far.
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// Plays what happened next, and says where what the guest does differs.
    ///
    /// # Errors
    /// When there is no guest to play it.
    pub fn play(&mut self, entry: &Entry) -> Result<Vec<Difference>, ReplayError> {
        let differences = match &entry.event {
            Event::Created(created) => self.create(entry.line, created)?,
            Event::Called(called) => self.call(entry.line, called)?,
            Event::Gone(gone) => {
                self.instances.remove(&gone.instance);
                Vec::new()
            }
        };
        self.summary.differences += differences.len() as u64;
        Ok(differences)
    }

    fn create(&mut self, line: u64, recorded: &Created) -> Result<Vec<Difference>, ReplayError> {
        self.summary.instances += 1;
        let program = self.program(line, recorded)?;
        let script = Script::default();
        script.begin(&recorded.drawn);
        let surroundings = Surroundings {
            clock: Arc::new(script.clone()),
            random: SharedRandom::new(script.clone()),
            config: Arc::new(recorded.config.clone()),
            assignment: recorded.assignment.clone().map(Assignment::from),
            tap: Tap::default(),
        };
        let made = Guest::new(&program, surroundings);
        let returned = |failed: Option<Failure>| failed.map_or(Returned::Nothing, Returned::Failed);
        let expected = Outcome {
            returned: &returned(recorded.failed.clone()),
            drawn: Counts::of(&recorded.drawn),
            effects: &[],
        };
        let got = Outcome {
            returned: &returned(made.as_ref().err().map(Failure::from)),
            drawn: script.counts(),
            effects: &[],
        };
        let found = compare(&expected, &got);
        let failure = made.as_ref().err().filter(|_| recorded.failed.is_none()).cloned();
        let instance = Instance {
            guest: made.ok(),
            script,
            name: program.name().to_owned(),
        };
        let told = Told {
            line,
            call: "initialisation".to_owned(),
            at: &recorded.at,
            instance: instance.told(recorded.instance),
            failure,
        };
        self.instances.insert(recorded.instance, instance);
        Ok(told.of(found))
    }

    fn call(&mut self, line: u64, recorded: &Called) -> Result<Vec<Difference>, ReplayError> {
        self.summary.calls += 1;
        let number = recorded.instance;
        let Some(instance) = self.instances.get_mut(&number) else {
            return Err(ReplayError::NoInstance { line, instance: number });
        };
        let Some(guest) = &mut instance.guest else {
            self.summary.not_made += 1;
            return Ok(Vec::new());
        };
        for given in &recorded.given {
            give(guest, given);
        }
        guest.grant(recorded.quota);
        instance.script.begin(&recorded.drawn);
        let returned = carry_out(guest, &recorded.call);
        let effects = guest.take_effects();
        let drawn = instance.script.counts();
        let failed = returned.as_ref().err().cloned();
        let returned = returned.unwrap_or_else(|error| Returned::Failed(Failure::from(&error)));
        let expected = Outcome {
            returned: &recorded.returned,
            drawn: Counts::of(&recorded.drawn),
            effects: &recorded.effects,
        };
        let got = Outcome {
            returned: &returned,
            drawn,
            effects: &effects,
        };
        let found = compare(&expected, &got);
        if failed.is_some() {
            instance.guest = None;
        }
        let told = Told {
            line,
            call: format!("call {}, {}", self.summary.calls, named(&recorded.call)),
            at: &recorded.at,
            instance: instance.told(number),
            failure: failed.filter(|_| !matches!(recorded.returned, Returned::Failed(_))),
        };
        Ok(told.of(found))
    }

    /// The program that plays this instance, in a sandbox with the limits that were recorded.
    fn program(&mut self, line: u64, recorded: &Created) -> Result<Program, ReplayError> {
        let limits = (recorded.memory, recorded.start, recorded.event);
        let stage = match &mut self.stage {
            Some(stage) if stage.limits == limits => stage,
            stage => stage.insert(Stage {
                limits,
                sandbox: sandbox(recorded, self.allow.clone(), self.cache.clone())?,
                programs: BTreeMap::new(),
            }),
        };
        if let Some(program) = stage.programs.get(&recorded.sha256) {
            return Ok(program.clone());
        }
        let (name, bytes) = self.cast.actor(recorded).ok_or_else(|| ReplayError::NoGuest {
            line,
            guest: recorded.guest.clone(),
            sha256: recorded.sha256.clone(),
        })?;
        let program = Program::load(&stage.sandbox, name, bytes)?;
        stage.programs.insert(recorded.sha256.clone(), program.clone());
        Ok(program)
    }
}

impl Instance {
    fn told(&self, number: u64) -> String {
        format!("instance {number} of {}", self.name)
    }
}

/// What a difference is told with.
struct Told<'a> {
    line: u64,
    call: String,
    at: &'a str,
    instance: String,
    failure: Option<GuestError>,
}

impl Told<'_> {
    fn of(self, found: Vec<Found>) -> Vec<Difference> {
        let mut failure = self.failure;
        let difference = |Found { path, expected, got }| Difference {
            line: self.line,
            call: self.call.clone(),
            at: self.at.to_owned(),
            instance: self.instance.clone(),
            path,
            expected,
            got,
            failure: failure.take(),
        };
        found.into_iter().map(difference).collect()
    }
}

fn sandbox(recorded: &Created, allow: BTreeSet<Permission>, cache: Option<Cache>) -> Result<Sandbox, SandboxError> {
    let patient = |milliseconds: u64| Duration::from_millis(milliseconds.saturating_mul(PATIENCE));
    let limits = Limits {
        instances: INSTANCES,
        footprint: Footprint::ANY,
        memory: recorded.memory,
        start: patient(recorded.start),
        event: patient(recorded.event),
        rates: Rates::default(),
        allow,
    };
    Sandbox::new(limits, cache)
}

fn give(guest: &mut Guest, given: &Given) {
    match given.clone() {
        Given::Assignment(assigned) => guest.assign(assigned.into()),
        Given::Adopted(requests) => guest.adopt_requests(requests),
        Given::Forgotten(request) => guest.forget_request(&request),
    }
}

/// Makes the call that was recorded.
fn carry_out(guest: &mut Guest, call: &Call) -> Result<Returned, GuestError> {
    let nothing = |()| Returned::Nothing;
    match call.clone() {
        Call::ModelId => guest.model_id().map(Returned::ModelId),
        Call::Start { reason, state } => {
            let state = state.as_ref().map(|Bytes(bytes)| bytes.as_slice());
            guest.start(reason, state).map(nothing)
        }
        Call::Update(desired) => guest.update(desired).map(nothing),
        Call::Invoke(command) => guest.invoke(command).map(Returned::Outcome),
        Call::Receive { body, properties } => guest.receive(&body.0, &properties).map(nothing),
        Call::TimerFired(timer) => guest.timer_fired(timer).map(nothing),
        Call::Save => guest.save().map(|state| Returned::State(state.map(Bytes))),
    }
}

/// The export, with what tells this call from others.
fn named(call: &Call) -> String {
    let export = call.export();
    match call {
        Call::TimerFired(timer) => format!("{export} {timer}"),
        Call::Invoke(command) => format!("{export} {}", command.target),
        Call::Start { reason, .. } => format!("{export} ({reason:?})"),
        Call::ModelId | Call::Update(_) | Call::Receive { .. } | Call::Save => export.to_owned(),
    }
}
