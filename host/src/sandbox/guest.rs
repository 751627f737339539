//! One instance of a program, and the calls the host makes on it.

use std::collections::HashSet;
use std::time::Duration;

use wasmtime::{Store, Trap};

use super::budget;
use super::crossing::{Assigned, Bytes, Call, Failure, Given, Returned};
use super::engine::{Limits, Sandbox};
use super::held::Held;
use super::imports::State;
use super::load::Program;
use super::surroundings::{Quota, Surroundings};
use super::tap::{Begun, Tapped};
use super::versions::Exports;
use super::wasi;
use crate::cloud::Assignment;
use crate::effect::{Command, DesiredValue, Effect, Outcome, StartReason};

/// Why an instance is of no more use.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GuestError {
    /// It ran on.
    #[error("{guest}: `{export}` was stopped after its budget of {} ms; find the loop in it, or give it more time", .budget.as_millis())]
    OverBudget {
        /// The program's name.
        guest: String,
        /// What was called.
        export: &'static str,
        /// What it had.
        budget: Duration,
    },
    /// It trapped, or could not be instantiated within its limits.
    #[error("{guest}: `{export}` failed: {reason}")]
    Trapped {
        /// The program's name.
        guest: String,
        /// What was called.
        export: &'static str,
        /// The trap.
        reason: String,
    },
    /// `start` returned an error.
    #[error("{guest}: does not start: {reason}")]
    Refused {
        /// The program's name.
        guest: String,
        /// The guest's own words.
        reason: String,
    },
    /// There is no instance to call any more.
    #[error("{guest}: has failed before and is gone")]
    Gone {
        /// The program's name.
        guest: String,
    },
    /// `model-id` returned something else.
    #[error(
        "{guest}: says its model is {model_id:?}, which is no DTDL identifier such as dtmi:com:example:Thermostat;1"
    )]
    NoModel {
        /// The program's name.
        guest: String,
        /// What it said, at most 200 characters of it.
        model_id: String,
    },
}

/// One instance, with memory of its own. After an error it is of no more use: drop it.
pub struct Guest {
    name: String,
    limits: Limits,
    store: Store<State>,
    exports: Box<dyn Exports>,
    /// Takes down what passes, while somebody wants to know.
    tapped: Option<Tapped>,
    /// Its ticker stops a call that runs on.
    sandbox: Sandbox,
}

impl Guest {
    /// Instantiates `program`. Nothing of it has run yet but its initialisation.
    pub fn new(program: &Program, mut surroundings: Surroundings) -> Result<Self, GuestError> {
        let limits = program.sandbox.limits().clone();
        let born = surroundings.clock.monotonic();
        let mut tapped = surroundings.tap.clone().open(&mut surroundings, born);
        let state = State {
            held: Held::new(limits.memory),
            born,
            surroundings,
            effects: Vec::new(),
            quota: Quota::default(),
            open: HashSet::new(),
            last_timer: 0,
            cancelled: HashSet::new(),
            dropped_log_lines: 0,
            has_called: false,
            epochs_left: 0,
            wasi: wasi::Context::default(),
        };
        let mut store = Store::new(&program.sandbox.engine, state);
        store.limiter(|state| &mut state.held);
        // A list may name the same bytes a million times: what the host copies of it is bounded by what an honest guest
        // could hold at all.
        store.set_hostcall_fuel(limits.memory);
        budget::watch(&mut store);
        budget::allow(&mut store, limits.start);
        let name = program.name.clone();
        let call = program.sandbox.ticker.begin();
        let made = program
            .prepared
            .instantiate(&mut store)
            .map_err(|error| failure(&name, "initialisation", limits.start, &error, store.data()))
            .and_then(|exports| has_kept_quiet(&name, "initialisation", store.data()).map(|()| exports));
        drop(call);
        if let Some(tapped) = &mut tapped {
            tapped.created(program, &store.data().surroundings, made.as_ref().err());
        }
        Ok(Self {
            name,
            limits,
            store,
            exports: made?,
            tapped,
            sandbox: program.sandbox.clone(),
        })
    }

    /// The program's name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks for the model. Called before [`Guest::start`].
    pub fn model_id(&mut self) -> Result<String, GuestError> {
        let begun = self.begin(|| Call::ModelId);
        let called = self.call("model-id", |exports, store| exports.model_id(store));
        let model_id = called.and_then(|model_id| {
            has_kept_quiet(&self.name, "model-id", self.store.data())?;
            if setpoint_protocol::identifier::is_dtmi(&model_id) {
                return Ok(model_id);
            }
            Err(GuestError::NoModel {
                guest: self.name.clone(),
                model_id: model_id.chars().take(200).collect(),
            })
        });
        self.end(begun, model_id, |model_id| Returned::ModelId(model_id.clone()))
    }

    /// Lets the guest see what provisioning assigned.
    pub fn assign(&mut self, assignment: Assignment) {
        if let Some(tapped) = &mut self.tapped {
            tapped.given(Given::Assignment(Assigned::from(&assignment)));
        }
        self.store.data_mut().surroundings.assignment = Some(assignment);
    }

    /// Starts the device, with what [`Guest::save`] last returned.
    pub fn start(&mut self, reason: StartReason, state: Option<&[u8]>) -> Result<(), GuestError> {
        let begun = self.begin(|| Call::Start {
            reason,
            state: state.map(|state| Bytes(state.to_vec())),
        });
        let started = self.call_within("start", self.limits.start, |exports, store| {
            exports.start(store, reason, state)
        });
        let refused = |reason: String| GuestError::Refused {
            guest: self.name.clone(),
            // One line of at most that many characters, and none that gives orders: it ends up in the operator's terminal.
            reason: reason
                .lines()
                .next()
                .unwrap_or("without a reason")
                .chars()
                .filter(|character| !character.is_control())
                .take(500)
                .collect(),
        };
        let started = started.and_then(|started| started.map_err(refused));
        self.end(begun, started, |()| Returned::Nothing)
    }

    /// Tells of desired values.
    pub fn update(&mut self, desired: Vec<DesiredValue>) -> Result<(), GuestError> {
        let begun = self.begin(|| Call::Update(desired.clone()));
        let updated = self.call("update", |exports, store| exports.update(store, desired));
        self.end(begun, updated, |()| Returned::Nothing)
    }

    /// Has a command carried out. While it is deferred, [`Effect::Respond`] may answer it.
    pub fn invoke(&mut self, command: Command) -> Result<Outcome, GuestError> {
        let begun = self.begin(|| Call::Invoke(command.clone()));
        let request = command.request.clone();
        self.store.data_mut().open.insert(request.clone());
        let outcome = self.call("invoke", |exports, store| exports.invoke(store, command));
        if !matches!(outcome, Ok(Outcome::Deferred)) {
            self.store.data_mut().open.remove(&request);
        }
        self.end(begun, outcome, |outcome| Returned::Outcome(outcome.clone()))
    }

    /// Lets the guest answer these requests, which the instance before it left open.
    pub fn adopt_requests(&mut self, requests: impl IntoIterator<Item = String>) {
        let requests: Vec<_> = requests.into_iter().collect();
        if let Some(tapped) = &mut self.tapped {
            tapped.given(Given::Adopted(requests.clone()));
        }
        self.store.data_mut().open.extend(requests);
    }

    /// From now on `respond` to this request is told that nobody waits.
    pub fn forget_request(&mut self, request: &str) {
        if let Some(tapped) = &mut self.tapped {
            tapped.given(Given::Forgotten(request.to_owned()));
        }
        self.store.data_mut().open.remove(request);
    }

    /// Hands over a cloud-to-device message.
    pub fn receive(&mut self, body: &[u8], properties: &[(String, String)]) -> Result<(), GuestError> {
        let begun = self.begin(|| Call::Receive {
            body: Bytes(body.to_vec()),
            properties: properties.to_vec(),
        });
        let received = self.call("receive", |exports, store| exports.receive(store, body, properties));
        self.end(begun, received, |()| Returned::Nothing)
    }

    /// A timer is due.
    pub fn timer_fired(&mut self, timer: u32) -> Result<(), GuestError> {
        let begun = self.begin(|| Call::TimerFired(timer));
        let fired = self.call("timer-fired", |exports, store| exports.timer_fired(store, timer));
        self.end(begun, fired, |()| Returned::Nothing)
    }

    /// The state for the next instance; none when this device cannot be put aside.
    pub fn save(&mut self) -> Result<Option<Vec<u8>>, GuestError> {
        let begun = self.begin(|| Call::Save);
        let saved = self.call("save", |exports, store| exports.save(store));
        self.end(begun, saved, |state| Returned::State(state.clone().map(Bytes)))
    }

    /// How much the next call may ask for. Until it is given, a guest may queue nothing.
    pub fn grant(&mut self, quota: Quota) {
        self.store.data_mut().quota = quota;
    }

    /// What the guest has done since this was last asked, in order.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.store.data_mut().effects)
    }

    /// What is left of the last quota.
    pub fn quota_left(&self) -> Quota {
        self.store.data().quota
    }

    /// Log lines that were over the quota since this was last asked.
    pub fn take_dropped_log_lines(&mut self) -> u64 {
        std::mem::take(&mut self.store.data_mut().dropped_log_lines)
    }

    /// Linear memory the guest has held at most, in bytes.
    pub fn memory_peak(&self) -> usize {
        self.store.data().held.peak()
    }

    fn call<T>(
        &mut self,
        export: &'static str,
        body: impl FnOnce(&dyn Exports, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, GuestError> {
        self.call_within(export, self.limits.event, body)
    }

    fn call_within<T>(
        &mut self,
        export: &'static str,
        budget: Duration,
        body: impl FnOnce(&dyn Exports, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, GuestError> {
        budget::allow(&mut self.store, budget);
        let _call = self.sandbox.ticker.begin();
        self.store.data_mut().cancelled.clear();
        body(self.exports.as_ref(), &mut self.store)
            .map_err(|error| failure(&self.name, export, budget, &error, self.store.data()))
    }

    /// A call begins: what it is, is only asked for when it is recorded.
    fn begin(&self, call: impl FnOnce() -> Call) -> Option<Begun> {
        let state = self.store.data();
        let tapped = self.tapped.as_ref()?;
        Some(tapped.begin(call(), state.quota, state.effects.len()))
    }

    /// It has ended.
    fn end<T>(
        &mut self,
        begun: Option<Begun>,
        result: Result<T, GuestError>,
        returned: impl FnOnce(&T) -> Returned,
    ) -> Result<T, GuestError> {
        let (Some(begun), Some(tapped)) = (begun, &mut self.tapped) else {
            return result;
        };
        let returned = match &result {
            Ok(value) => returned(value),
            Err(error) => Returned::Failed(Failure::from(error)),
        };
        let state = self.store.data_mut();
        if !tapped.end(begun, returned, &state.effects)
            && let Some(tapped) = self.tapped.take()
        {
            tapped.close(&mut state.surroundings);
        }
        result
    }
}

/// The contract opens the imports with `start`: before it nothing of the device is there yet that they could reach.
fn has_kept_quiet(guest: &str, export: &'static str, state: &State) -> Result<(), GuestError> {
    if !state.has_called {
        return Ok(());
    }
    Err(GuestError::Trapped {
        guest: guest.to_owned(),
        export,
        reason: "it called an import, which a guest may do from `start` on".to_owned(),
    })
}

fn failure(guest: &str, export: &'static str, budget: Duration, error: &wasmtime::Error, state: &State) -> GuestError {
    let guest = guest.to_owned();
    if let Some(Trap::Interrupt) = error.downcast_ref::<Trap>() {
        return GuestError::OverBudget { guest, export, budget };
    }
    // The root cause: the frames above it are wasm addresses, and errors are one line.
    let mut reason = error.root_cause().to_string();
    if let Some(wanted) = state.held.refused() {
        // Most languages abort when they get no memory, and say nothing of it.
        reason =
            format!("{reason}, after it was refused memory: it wanted {wanted} bytes in all (--memory gives more)");
    }
    GuestError::Trapped { guest, export, reason }
}
