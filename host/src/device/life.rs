//! The guest of a device: one instance after another.

use std::time::Duration;

use super::health::{Health, Verdict};
use super::recording::Present;
use crate::cloud::Assignment;
use crate::sandbox::{Guest, GuestError, Program, Surroundings};

/// What there is of the guest.
enum Stage {
    Running(Box<Guest>),
    /// Put aside until something is asked of it; this is its state.
    Aside(Box<[u8]>),
    /// The last instance failed; the next is due at this monotonic time.
    Resting(Duration),
    Parked,
}

/// The program, the world it is given, and its present instance.
pub(super) struct Life {
    program: Program,
    surroundings: Surroundings,
    stage: Stage,
    health: Health,
    last_failure: Option<GuestError>,
    /// Has run over its time before, and may again.
    slow: bool,
    restarts: u64,
    failures: u64,
    /// Of the instances that are gone.
    memory_peak: usize,
}

impl Life {
    pub(super) fn new(program: &Program, surroundings: Surroundings, restarts: u32) -> Result<Self, GuestError> {
        let guest = Guest::new(program, surroundings.clone())?;
        Ok(Self {
            program: program.clone(),
            surroundings,
            stage: Stage::Running(Box::new(guest)),
            health: Health::new(restarts),
            last_failure: None,
            slow: false,
            restarts: 0,
            failures: 0,
            memory_peak: 0,
        })
    }

    /// The instance that runs, when one does.
    pub(super) fn guest(&mut self) -> Option<&mut Guest> {
        match &mut self.stage {
            Stage::Running(guest) => Some(guest),
            Stage::Aside(_) | Stage::Resting(_) | Stage::Parked => None,
        }
    }

    /// The program of the instance that runs.
    pub(super) fn present(&self) -> Present {
        let running = matches!(self.stage, Stage::Running(_));
        Present {
            program: running.then(|| self.program.clone()),
        }
    }

    /// Whether an instance of this program runs.
    pub(super) fn runs(&self, program: &Program) -> bool {
        matches!(self.stage, Stage::Running(_)) && self.program.sha256() == program.sha256()
    }

    pub(super) fn name(&self) -> &str {
        self.program.name()
    }

    /// Whether a call may well take its whole budget.
    pub(super) fn is_slow(&self) -> bool {
        self.slow
    }

    /// What provisioning assigned, once it has.
    pub(super) fn assignment(&self) -> Option<&Assignment> {
        self.surroundings.assignment.as_ref()
    }

    /// Restarts it so often in a row at most.
    pub(super) fn allow_restarts(&mut self, most: u32) {
        self.health = Health::new(most);
    }

    /// What provisioning assigned, for this instance and those that follow.
    pub(super) fn assign(&mut self, assignment: &Assignment) {
        self.surroundings.assignment = Some(assignment.clone());
        if let Stage::Running(guest) = &mut self.stage {
            guest.assign(assignment.clone());
        }
    }

    /// It has been started.
    pub(super) fn started(&mut self, now: Duration) {
        self.health.started(now);
    }

    /// The instance has failed and is thrown away. `ran`: after it had been started.
    pub(super) fn failed(&mut self, error: GuestError, now: Duration, ran: bool) -> Verdict {
        self.slow |= matches!(error, GuestError::OverBudget { .. });
        self.failures += 1;
        self.last_failure = Some(error);
        self.memory_peak = self.memory_peak();
        let verdict = self.health.failed(now, ran);
        self.stage = match verdict {
            Verdict::RestartIn(pause) => Stage::Resting(now.saturating_add(pause)),
            Verdict::Parked => Stage::Parked,
        };
        verdict
    }

    /// When the next instance is due.
    pub(super) fn restart_due(&self) -> Option<Duration> {
        match self.stage {
            Stage::Resting(due) => Some(due),
            Stage::Running(_) | Stage::Aside(_) | Stage::Parked => None,
        }
    }

    /// Makes the next instance of the same program. Nothing of it has run yet.
    pub(super) fn renew(&mut self) -> Result<(), GuestError> {
        let guest = Guest::new(&self.program, self.surroundings.clone())?;
        self.restarts += 1;
        self.stage = Stage::Running(Box::new(guest));
        Ok(())
    }

    /// The instance that runs is given up for its state.
    pub(super) fn put_aside(&mut self, state: Vec<u8>) {
        self.memory_peak = self.memory_peak();
        self.stage = Stage::Aside(state.into());
    }

    /// The state of an instance that was put aside.
    pub(super) fn state(&self) -> Option<&[u8]> {
        match &self.stage {
            Stage::Aside(state) => Some(state),
            Stage::Running(_) | Stage::Resting(_) | Stage::Parked => None,
        }
    }

    /// The same, for [`Life::resume`], which follows.
    pub(super) fn take_state(&mut self) -> Option<Box<[u8]>> {
        match &mut self.stage {
            Stage::Aside(state) => Some(std::mem::take(state)),
            Stage::Running(_) | Stage::Resting(_) | Stage::Parked => None,
        }
    }

    /// Makes the instance that is to take up the state. It counts as the one that was put aside.
    pub(super) fn resume(&mut self) -> Result<(), GuestError> {
        let guest = Guest::new(&self.program, self.surroundings.clone())?;
        self.stage = Stage::Running(Box::new(guest));
        Ok(())
    }

    /// Another program, whose instance has been started, takes over.
    pub(super) fn replace(&mut self, program: Program, guest: Guest, now: Duration) {
        self.program = program;
        self.memory_peak = 0;
        self.slow = false;
        self.last_failure = None;
        self.health.forget();
        self.health.started(now);
        self.stage = Stage::Running(Box::new(guest));
    }

    /// Why it is parked, when it is.
    pub(super) fn parked(&self) -> Option<&GuestError> {
        match self.stage {
            Stage::Parked => self.last_failure.as_ref(),
            Stage::Running(_) | Stage::Aside(_) | Stage::Resting(_) => None,
        }
    }

    pub(super) fn last_failure(&self) -> Option<&GuestError> {
        self.last_failure.as_ref()
    }

    pub(super) fn restarts(&self) -> u64 {
        self.restarts
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    /// Most linear memory that an instance of this program has held, in bytes.
    pub(super) fn memory_peak(&self) -> usize {
        match &self.stage {
            Stage::Running(guest) => guest.memory_peak().max(self.memory_peak),
            Stage::Aside(_) | Stage::Resting(_) | Stage::Parked => self.memory_peak,
        }
    }
}
