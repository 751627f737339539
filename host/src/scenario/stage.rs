//! Where scenarios are played: a device, its cloud and its time.

use std::time::Duration;

use super::happening::Happening;
use super::script::Action;

/// A device that has been started for one scenario. Time zero is its start.
pub trait Stage {
    /// What this stage cannot do, and why; None for everything it can.
    fn refusal(&self, action: &Action) -> Option<String>;

    /// Does something to the device or to the world around it. Does not wait for what follows from it.
    fn act(&mut self, action: &Action) -> Result<(), StageError>;

    /// Lets time pass until `until`, or, if that is earlier, until the device has done something; returns that. An empty
    /// list means that everything the device does up to `until` has been returned.
    fn wait(&mut self, until: Duration) -> Result<Vec<Happening>, StageError>;

    /// Time since the device's start.
    fn now(&self) -> Duration;

    /// How much longer than the scenario says something may take on its way, before it is missing, and how far off the
    /// times in it may be. Zero where everything takes place exactly when the scenario says.
    fn slack(&self) -> Duration;
}

/// Why a stage cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The guest did not get as far as to be a device. A stage may learn of it only once it waits.
    #[error("{0}")]
    NotStarted(String),
    /// The guest failed once it had been started. Whether it would be started again is not asked: a scenario is about a
    /// guest that works.
    #[error("{0}")]
    Failed(String),
    /// The device ended by itself.
    #[error("the device ended: {0}")]
    Ended(String),
    /// The stage itself has failed.
    #[error("{0}")]
    Broken(String),
}
