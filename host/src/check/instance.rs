//! A guest without a session around it, to be started, saved and thrown away in ways that a session cannot be told to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use setpoint_protocol::endpoint::Endpoint;

use super::lab::{Lab, randomness};
use super::reported::Ack;
use crate::clock::{Clock, VirtualClock};
use crate::cloud::Assignment;
use crate::effect::{Command, DesiredValue, Effect, Member, StartReason};
use crate::sandbox::{Guest, GuestError, Quota, SharedRandom, Surroundings, Tap};
use crate::testing::BEGINNING;

/// Nothing can be sent; everything else can be done.
const SILENCED: Quota = Quota {
    messages: 0,
    bytes: 0,
    telemetry: 0,
    properties: 0,
    ..Quota::UNLIMITED
};

pub(super) struct Instance {
    guest: Guest,
    clock: VirtualClock,
    quota: Quota,
    timers: Vec<u32>,
    acks: BTreeMap<String, Ack>,
    calls: u64,
}

impl Instance {
    /// Makes an instance, and starts it.
    pub(super) fn start(
        lab: &Lab<'_>,
        clock: &VirtualClock,
        reason: StartReason,
        state: Option<&[u8]>,
    ) -> Result<Self, GuestError> {
        Self::start_within(lab, clock, Quota::UNLIMITED, reason, state)
    }

    /// The same, while the outbox is full.
    pub(super) fn start_silenced(lab: &Lab<'_>, clock: &VirtualClock) -> Result<Self, GuestError> {
        Self::start_within(lab, clock, SILENCED, StartReason::PowerOn, None)
    }

    fn start_within(
        lab: &Lab<'_>,
        clock: &VirtualClock,
        quota: Quota,
        reason: StartReason,
        state: Option<&[u8]>,
    ) -> Result<Self, GuestError> {
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let surroundings = Surroundings {
            clock: shared,
            random: SharedRandom::new(randomness()),
            config: Arc::new(lab.config.clone()),
            assignment: Some(assignment()),
            tap: Tap::default(),
        };
        let mut instance = Self {
            guest: Guest::new(lab.program, surroundings)?,
            clock: clock.clone(),
            quota,
            timers: Vec::new(),
            acks: BTreeMap::new(),
            calls: 0,
        };
        instance.guest.model_id()?;
        instance.call(|guest| guest.start(reason, state))?;
        Ok(instance)
    }

    /// From now on everything can be sent.
    pub(super) fn open_outbox(&mut self) {
        self.quota = Quota::UNLIMITED;
    }

    /// Tells of desired values, all of one version; returns the last answer to each, by the property's name.
    pub(super) fn update(
        &mut self,
        values: &[(Member, Option<Value>)],
        version: u64,
    ) -> Result<BTreeMap<String, Ack>, GuestError> {
        let desired = values.iter().map(|(property, value)| DesiredValue {
            property: property.clone(),
            value: value.clone(),
            version,
        });
        self.acks.clear();
        self.call(|guest| guest.update(desired.collect()))?;
        Ok(std::mem::take(&mut self.acks))
    }

    /// Calls a command, whatever it answers.
    pub(super) fn invoke(&mut self, target: &Member, payload: Option<Value>) -> Result<(), GuestError> {
        self.calls += 1;
        let command = Command {
            request: self.calls.to_string(),
            target: target.clone(),
            payload,
        };
        self.call(|guest| guest.invoke(command)).map(|_| ())
    }

    /// Hands over a message.
    pub(super) fn receive(&mut self, body: &[u8]) -> Result<(), GuestError> {
        self.call(|guest| guest.receive(body, &[]))
    }

    /// Lets time pass, and then every timer there is be due, once.
    pub(super) fn pass(&mut self, time: Duration) -> Result<(), GuestError> {
        self.clock.advance(time);
        for timer in self.timers.clone() {
            self.call(|guest| guest.timer_fired(timer))?;
        }
        Ok(())
    }

    /// Its state.
    pub(super) fn save(&mut self) -> Result<Option<Vec<u8>>, GuestError> {
        self.call(Guest::save)
    }

    fn call<T>(&mut self, call: impl FnOnce(&mut Guest) -> Result<T, GuestError>) -> Result<T, GuestError> {
        self.guest.grant(self.quota);
        let returned = call(&mut self.guest)?;
        for effect in self.guest.take_effects() {
            match effect {
                Effect::Acknowledge {
                    property,
                    value,
                    status,
                    version,
                    ..
                } => {
                    let status = status.into();
                    self.acks.insert(property.to_string(), Ack { status, version, value });
                }
                Effect::After { timer, .. } | Effect::Every { timer, .. } => self.timers.push(timer),
                Effect::Cancel { timer } => self.timers.retain(|set| *set != timer),
                _ => {}
            }
        }
        Ok(returned)
    }
}

/// A clock at the beginning.
pub(super) fn clock() -> VirtualClock {
    VirtualClock::starting_at(BEGINNING)
}

fn assignment() -> Assignment {
    Assignment {
        hub: Endpoint {
            host: "memory".to_owned(),
            port: None,
        },
        device_id: "device".to_owned(),
        payload: None,
    }
}
