//! One guest takes another's place while the device stays what it is for its hub.

use std::time::Duration;

use super::core::Device;
use super::notice::Notice;
use crate::cloud::Assignment;
use crate::effect::StartReason;
use crate::sandbox::{Guest, GuestError, Program, Surroundings};

/// A guest that was compiled and instantiated beside the one that runs.
pub struct Replacement {
    pub(super) program: Program,
    pub(super) guest: Guest,
    pub(super) model_id: String,
    /// It is another instance of the guest that runs, to no purpose without its state.
    renews: bool,
}

impl Replacement {
    /// Makes the instance and asks it for its model. May take as long as `start` may: not for the session's own task.
    pub fn new(program: Program, surroundings: Surroundings) -> Result<Self, GuestError> {
        let mut guest = Guest::new(&program, surroundings)?;
        let model_id = guest.model_id()?;
        Ok(Self {
            program,
            guest,
            model_id,
            renews: false,
        })
    }

    /// It only takes the place of an instance of the same guest that has handed over its state.
    #[must_use]
    pub fn renewing(mut self) -> Self {
        self.renews = true;
        self
    }
}

/// What a swap came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swapped {
    /// The guest that left.
    pub from: String,
    /// The guest that came.
    pub to: String,
    /// How long no event was handled: from `save` to the end of the first `update`.
    pub gap: Duration,
    /// Whether the state of the one that left was handed over.
    pub state: bool,
    /// The model it was provisioned for anew, when it is another than before.
    pub model_id: Option<String>,
}

/// Why the guest that ran goes on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SwapError {
    /// The new one failed, or refused to start.
    #[error("{0}; {device} goes on with the guest it had", device = .1)]
    Guest(GuestError, String),
    /// It is of another model, and provisioning for that one was refused.
    #[error(
        "{guest} is of another model, {model_id}, and cannot be provisioned for it: {reason}; {device} goes on with the guest it had"
    )]
    Provision {
        /// The new guest.
        guest: String,
        /// Its model.
        model_id: String,
        /// Provisioning's own words.
        reason: String,
        /// The device.
        device: String,
    },
    /// The device has not been started yet, or is being swapped already.
    #[error("{device} cannot be swapped now: it {state}; try again")]
    Busy {
        /// The device.
        device: String,
        /// What it does.
        state: &'static str,
    },
    /// Another instance was to go on from the state of this one, and it has none to give.
    #[error(
        "{guest} has no state to hand over, so {device} cannot be recorded from here on; record it from its start with `setpoint run --record FILE`"
    )]
    NoState {
        /// The guest.
        guest: String,
        /// The device.
        device: String,
    },
    /// The session has ended.
    #[error("the device has stopped")]
    Stopped,
}

impl Device {
    /// Swaps the guest. Until the new one has been started and told every desired value, nothing of the old one is given
    /// up: should that fail, it goes on. `assigned`: a new assignment, when provisioning was needed for another model; the
    /// state then stays behind, since it is of another device.
    pub(super) fn swap(
        &mut self,
        replacement: Replacement,
        assigned: Option<&Assignment>,
    ) -> Result<Swapped, SwapError> {
        let Replacement {
            program,
            mut guest,
            model_id,
            renews,
        } = replacement;
        self.resume(None);
        if renews && !self.life.runs(&program) {
            return Err(self.busy("has failed or was swapped meanwhile"));
        }
        let began = self.clock.monotonic();
        let state = match assigned {
            Some(_) => None,
            None => self.save(),
        };
        if renews && state.is_none() {
            return Err(self.without_state());
        }
        let reason = match assigned {
            Some(_) => StartReason::PowerOn,
            None => StartReason::Replaced,
        };
        if let Some(assignment) = assigned.or(self.life.assignment()) {
            guest.assign(assignment.clone());
        }
        guest.adopt_requests(self.commands.requests());
        // All the timers there are will be its own.
        let granted = self.grant(0);
        guest.grant(granted);
        let started = guest
            .start(reason, state.as_deref())
            .and_then(|()| guest.update(self.desired.all()));
        let effects = self.effects_of(&mut guest, granted);
        if let Err(error) = started {
            self.apply(effects, false);
            return Err(SwapError::Guest(error, self.device_id.clone()));
        }

        let swapped = Swapped {
            from: self.life.name().to_owned(),
            to: program.name().to_owned(),
            gap: self.clock.monotonic().saturating_sub(began),
            state: state.is_some(),
            model_id: assigned.map(|_| model_id.clone()),
        };
        self.model_id = model_id;
        let now = self.clock.monotonic();
        self.timers.clear();
        self.life.replace(program, guest, now);
        if let Some(assignment) = assigned {
            self.assign(assignment);
        }
        self.apply(effects, true);
        self.deliver_held();
        self.notice(&Notice::Swapped(&swapped));
        Ok(swapped)
    }

    fn busy(&self, state: &'static str) -> SwapError {
        SwapError::Busy {
            device: self.device_id.clone(),
            state,
        }
    }

    /// A guest that failed when it was asked for its state is gone by now.
    fn without_state(&mut self) -> SwapError {
        if self.life.guest().is_none() {
            return self.busy("has just failed");
        }
        SwapError::NoState {
            guest: self.life.name().to_owned(),
            device: self.device_id.clone(),
        }
    }

    /// The state of the guest that runs; none when it has none to give, or fails at it.
    pub(super) fn save(&mut self) -> Option<Vec<u8>> {
        if let Some(state) = self.life.state() {
            return Some(state.to_vec());
        }
        self.call(Guest::save).flatten()
    }
}
