//! Virtual time: the device beside a hub in memory, on a clock that only the scenario moves.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::happening::{Happening, What};
use super::script::{Action, Scenario, Weather};
use super::stage::{Stage, StageError};
use crate::clock::Clock;
use crate::cloud::memory::MemoryHub;
use crate::sandbox::Program;
use crate::testing::TestDevice;

/// A stage on which a day takes less than a second, and is always the same.
pub struct VirtualStage {
    device: TestDevice,
    program: Program,
    /// Request ids of the commands so far, with their numbers.
    calls: HashMap<String, usize>,
}

impl VirtualStage {
    /// Starts the device. Values in `config` take precedence over the scenario's.
    ///
    /// # Errors
    ///
    /// [`StageError::NotStarted`] with the guest's reason.
    pub fn set(program: &Program, scenario: &Scenario, config: &BTreeMap<String, String>) -> Result<Self, StageError> {
        let hub = MemoryHub::new();
        if !scenario.desired.is_empty() {
            hub.desire(scenario.desired.clone());
        }
        let mut setup = TestDevice::of(program)
            .beginning(scenario.start)
            .hub(&hub)
            .random(scenario.random.source());
        for (key, value) in scenario.config.iter().chain(config) {
            setup = setup.config(key, value);
        }
        let not_started = |error: &dyn std::fmt::Display| StageError::NotStarted(error.to_string());
        let mut device = setup.start().map_err(|error| not_started(&error))?;
        if let Some((error, _)) = device.failures().first() {
            return Err(not_started(error));
        }
        Ok(Self {
            device,
            program: program.clone(),
            calls: HashMap::new(),
        })
    }

    fn received(&mut self) -> Vec<Happening> {
        let at = self.now();
        let calls = &self.calls;
        let logs = self.device.logs().into_iter();
        let logs = logs.map(|(level, message)| What::Log { level, message });
        let received = self.device.received().into_iter();
        let received = received.flat_map(|outgoing| What::received(&outgoing, |rid| calls.get(rid).copied()));
        let what = logs.chain(received);
        what.map(|what| Happening { at, what }).collect()
    }

    fn weather(&self, weather: Weather) {
        let hub = self.device.hub();
        match weather {
            Weather::Cut => hub.cut(),
            Weather::Unreachable => {
                hub.set_unreachable(true);
                hub.cut();
            }
            Weather::Reachable => hub.set_unreachable(false),
            Weather::Silent => hub.set_silent(true),
            Weather::Responsive => hub.set_silent(false),
            Weather::Refuse(status) => hub.refuse(status),
        }
    }
}

fn ended(error: impl std::fmt::Display) -> StageError {
    StageError::Ended(error.to_string())
}

impl Stage for VirtualStage {
    fn refusal(&self, _action: &Action) -> Option<String> {
        None
    }

    fn act(&mut self, action: &Action) -> Result<(), StageError> {
        match action {
            Action::Desire(patch) => self.device.hub().desire(patch.clone()),
            Action::Call { name, payload } => {
                let payload = payload
                    .as_ref()
                    .map_or_else(Vec::new, |payload| payload.to_string().into_bytes());
                let rid = self.device.hub().call(name, &payload);
                let number = self.calls.len() + 1;
                self.calls.insert(rid, number);
            }
            Action::Message { body, properties } => self.device.hub().message(body, properties.clone()),
            Action::Cloud(weather) => self.weather(*weather),
            Action::Clock(wall) => self.device.clock().jump_to(*wall),
            Action::Replace => {
                let swapped = self.device.swap_program(self.program.clone());
                swapped.map_err(|error| StageError::Broken(error.to_string()))?;
            }
        }
        Ok(())
    }

    fn wait(&mut self, until: Duration) -> Result<Vec<Happening>, StageError> {
        loop {
            self.device.settle().map_err(ended)?;
            if let Some((error, _)) = self.device.failures().first() {
                return Err(StageError::Failed(error.to_string()));
            }
            let happenings = self.received();
            let now = self.now();
            if !happenings.is_empty() || now >= until {
                return Ok(happenings);
            }
            let next = self.device.clock().next_deadline().unwrap_or(until);
            let pause = next.min(until).saturating_sub(now);
            self.device.clock().advance(pause);
        }
    }

    fn now(&self) -> Duration {
        self.device.clock().monotonic()
    }

    fn slack(&self) -> Duration {
        Duration::ZERO
    }
}
