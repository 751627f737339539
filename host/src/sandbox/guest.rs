//! One instance of a program, and the calls the host makes on it.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;
use wasmtime::{Store, StoreLimitsBuilder, Trap};

use super::bindings::{DeviceGuest, device, types};
use super::engine::{Limits, Sandbox};
use super::imports::{State, refused_response, response};
use super::load::Program;
use super::surroundings::{Quota, Surroundings};
use crate::cloud::Assignment;
use crate::effect::{Command, DesiredValue, Effect, Member, Outcome, StartReason};

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
    exports: DeviceGuest,
    /// Its ticker stops a call that runs on, so it must not end before the guest does.
    _sandbox: Sandbox,
}

impl Guest {
    /// Instantiates `program`. Nothing of it has run yet but its initialisation.
    pub fn new(program: &Program, surroundings: Surroundings) -> Result<Self, GuestError> {
        let limits = program.sandbox.limits().clone();
        let state = State {
            limits: StoreLimitsBuilder::new().memory_size(limits.memory).build(),
            born: surroundings.clock.monotonic(),
            surroundings,
            effects: Vec::new(),
            quota: Quota::default(),
            open: HashSet::new(),
            last_timer: 0,
            log_lines: 0,
        };
        let mut store = Store::new(&program.sandbox.engine, state);
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(Limits::epochs(limits.start));
        let name = program.name.clone();
        match program.instance.instantiate(&mut store) {
            Ok(exports) => Ok(Self {
                name,
                limits,
                store,
                exports,
                _sandbox: program.sandbox.clone(),
            }),
            Err(error) => Err(failure(&name, "initialisation", limits.start, &error)),
        }
    }

    /// The program's name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks for the model. Called before [`Guest::start`].
    pub fn model_id(&mut self) -> Result<String, GuestError> {
        let model_id = self.call("model-id", |exports, store| {
            exports.setpoint_device_device().call_model_id(store)
        })?;
        if setpoint_protocol::identifier::is_dtmi(&model_id) {
            return Ok(model_id);
        }
        Err(GuestError::NoModel {
            guest: self.name.clone(),
            model_id: model_id.chars().take(200).collect(),
        })
    }

    /// Lets the guest see what provisioning assigned.
    pub fn assign(&mut self, assignment: Assignment) {
        self.store.data_mut().surroundings.assignment = Some(assignment);
    }

    /// Starts the device, with what [`Guest::save`] last returned.
    pub fn start(&mut self, reason: StartReason, state: Option<&[u8]>) -> Result<(), GuestError> {
        let reason = match reason {
            StartReason::PowerOn => device::StartReason::PowerOn,
            StartReason::Failure => device::StartReason::Failure,
            StartReason::Replaced => device::StartReason::Replaced,
            StartReason::Resumed => device::StartReason::Resumed,
        };
        let started = self.call_within("start", self.limits.start, |exports, store| {
            exports.setpoint_device_device().call_start(store, reason, state)
        })?;
        started.map_err(|reason| GuestError::Refused {
            guest: self.name.clone(),
            // One line of at most that many characters: it ends up in the operator's terminal.
            reason: reason
                .lines()
                .next()
                .unwrap_or("without a reason")
                .chars()
                .take(500)
                .collect(),
        })
    }

    /// Tells of desired values.
    pub fn update(&mut self, desired: Vec<DesiredValue>) -> Result<(), GuestError> {
        let desired: Vec<_> = desired.into_iter().map(desired_value).collect();
        self.call("update", |exports, store| {
            exports.setpoint_device_device().call_update(store, &desired)
        })
    }

    /// Has a command carried out. While it is deferred, [`Effect::Respond`] may answer it.
    pub fn invoke(&mut self, command: Command) -> Result<Outcome, GuestError> {
        let request = command.request.clone();
        let command = device::Command {
            id: command.request,
            target: member(command.target),
            payload: command.payload.as_ref().map(Value::to_string),
        };
        self.store.data_mut().open.insert(request.clone());
        let called = self.call("invoke", |exports, store| {
            exports.setpoint_device_device().call_invoke(store, &command)
        });
        if !matches!(called, Ok(device::Outcome::Deferred)) {
            self.forget_request(&request);
        }
        Ok(match called? {
            device::Outcome::Deferred => Outcome::Deferred,
            device::Outcome::Done(answer) => {
                Outcome::Done(response(answer).unwrap_or_else(|reason| refused_response(&reason)))
            }
        })
    }

    /// From now on `respond` to this request is told that nobody waits.
    pub fn forget_request(&mut self, request: &str) {
        self.store.data_mut().open.remove(request);
    }

    /// Hands over a cloud-to-device message.
    pub fn receive(&mut self, body: &[u8], properties: &[(String, String)]) -> Result<(), GuestError> {
        self.call("receive", |exports, store| {
            exports.setpoint_device_device().call_receive(store, body, properties)
        })
    }

    /// A timer is due.
    pub fn timer_fired(&mut self, timer: u32) -> Result<(), GuestError> {
        self.call("timer-fired", |exports, store| {
            exports.setpoint_device_device().call_timer_fired(store, timer)
        })
    }

    /// The state for the next instance; none when this device cannot be put aside.
    pub fn save(&mut self) -> Result<Option<Vec<u8>>, GuestError> {
        self.call("save", |exports, store| {
            exports.setpoint_device_device().call_save(store)
        })
    }

    /// How much the next call may ask for. Until it is given, a guest may queue nothing.
    pub fn grant(&mut self, quota: Quota) {
        self.store.data_mut().quota = quota;
    }

    /// What the guest has done since this was last asked, in order.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.store.data_mut().effects)
    }

    fn call<T>(
        &mut self,
        export: &'static str,
        body: impl FnOnce(&DeviceGuest, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, GuestError> {
        self.call_within(export, self.limits.event, body)
    }

    fn call_within<T>(
        &mut self,
        export: &'static str,
        budget: Duration,
        body: impl FnOnce(&DeviceGuest, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, GuestError> {
        self.store.set_epoch_deadline(Limits::epochs(budget));
        self.store.data_mut().log_lines = 0;
        body(&self.exports, &mut self.store).map_err(|error| failure(&self.name, export, budget, &error))
    }
}

fn failure(guest: &str, export: &'static str, budget: Duration, error: &wasmtime::Error) -> GuestError {
    let guest = guest.to_owned();
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => GuestError::OverBudget { guest, export, budget },
        // The root cause: the frames above it are wasm addresses, and errors are one line.
        _ => GuestError::Trapped {
            guest,
            export,
            reason: error.root_cause().to_string(),
        },
    }
}

fn member(member: Member) -> types::Member {
    types::Member {
        component: member.component,
        name: member.name,
    }
}

fn desired_value(desired: DesiredValue) -> device::DesiredValue {
    device::DesiredValue {
        property: member(desired.property),
        value: desired.value.as_ref().map(Value::to_string),
        version: desired.version,
    }
}
