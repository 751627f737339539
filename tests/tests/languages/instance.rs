//! One instance of a guest, without a session around it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use setpoint::clock::VirtualClock;
use setpoint::effect::{Effect, StartReason};
use setpoint::sandbox::{Guest, GuestError, Quota, SharedRandom, Surroundings, Tap};
use setpoint::testing::BEGINNING;

use crate::{Language, common};

/// An instance that has started, or says why not.
pub(crate) struct Instance {
    pub(crate) guest: Guest,
}

impl Instance {
    pub(crate) fn start(
        language: &Language,
        config: &[(&str, &str)],
        reason: StartReason,
        state: Option<&[u8]>,
    ) -> Result<Instance, String> {
        let clock = VirtualClock::starting_at(BEGINNING + Duration::from_nanos(123_456_789));
        let config = config
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let surroundings = Surroundings {
            clock: Arc::new(clock),
            random: SharedRandom::new(|| 7),
            config: Arc::new(config.collect()),
            assignment: None,
            tap: Tap::default(),
        };
        let mut guest = Guest::new(&language.program, surroundings).unwrap();
        guest.grant(Quota::UNLIMITED);
        match guest.start(reason, state) {
            Ok(()) => Ok(Instance { guest }),
            Err(GuestError::Refused { reason, .. }) => Err(reason),
            Err(other) => panic!("{other}"),
        }
    }

    /// What it has done since this was last asked, without a library's own words.
    pub(crate) fn effects(&mut self) -> Vec<Effect> {
        let effects = self.guest.take_effects().into_iter();
        let common = effects.map(|effect| match effect {
            Effect::Log { level, message } => Effect::Log {
                level,
                message: common(&message).to_owned(),
            },
            other => other,
        });
        common.collect()
    }

    /// What it hands to the next one, as a value in which a number is a number, however it is written: 49 and 49.0 are the
    /// same.
    pub(crate) fn saved(&mut self) -> Value {
        let mut state: Value = serde_json::from_slice(&self.guest.save().unwrap().unwrap()).unwrap();
        for member in ["maximum", "target"] {
            state[member] = json!(state[member].as_f64().unwrap());
        }
        state
    }
}
