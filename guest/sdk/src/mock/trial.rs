//! A device in a mock host.

use super::{Effect, MockHost};
use crate::{Command, Desired, Device, Host, Json, Member, Message, Outcome, RequestId, StartReason};
use serde_json::Value;
use std::time::Duration;

/// A started device together with its [`MockHost`]: the test sends it events and looks at what it did.
#[derive(Debug)]
pub struct Trial<D> {
    host: MockHost,
    device: D,
    calls: u64,
}

impl<D: Device> Trial<D> {
    /// Starts the device for the first time. The first [`update`](Trial::update) is the caller's to send.
    ///
    /// # Errors
    /// What the device's `start` returned.
    pub fn power_on(host: MockHost) -> Result<Trial<D>, String> {
        Trial::start(host, StartReason::PowerOn, None)
    }

    /// Starts the device.
    ///
    /// # Errors
    /// What the device's `start` returned.
    pub fn start(mut host: MockHost, reason: StartReason, state: Option<Vec<u8>>) -> Result<Trial<D>, String> {
        let device = D::start(&mut host, reason, state)?;
        Ok(Trial { host, device, calls: 0 })
    }

    /// Saves the device, drops it and starts a new one from its state on the same host, whose timers are gone.
    ///
    /// # Errors
    /// What the new device's `start` returned.
    pub fn restart(self, reason: StartReason) -> Result<Trial<D>, String> {
        let state = self.device.save();
        let mut host = self.host;
        host.begin_instance();
        Trial::start(host, reason, state)
    }

    /// Sends desired values, given as a hub's patch: null removes one, and an object with `"__t": "c"` holds those of
    /// the component of its name. Anything but an object is a patch without values.
    pub fn update(&mut self, version: u64, patch: &Value) {
        let mut desired = Vec::new();
        for (name, value) in patch.as_object().into_iter().flatten() {
            let of_component = value
                .as_object()
                .filter(|object| object.get("__t") == Some(&Value::from("c")));
            match of_component {
                Some(members) => desired.extend(
                    members
                        .iter()
                        .filter(|(member, _)| *member != "__t")
                        .map(|(member, value)| (Member::of(name, member), value.clone())),
                ),
                None => desired.push((Member::from(name.as_str()), value.clone())),
            }
        }
        self.update_with(
            desired
                .into_iter()
                .map(|(property, value)| Desired {
                    property,
                    value: Json::from(value).unless_null(),
                    version,
                })
                .collect(),
        );
    }

    /// Sends desired values as they are, for text that [`Value`] cannot hold.
    pub fn update_with(&mut self, desired: Vec<Desired>) {
        self.device.update(&mut self.host, desired);
    }

    /// Calls a command with a payload, or with none for `()`.
    pub fn invoke(&mut self, target: impl Into<Member>, payload: impl Into<Json>) -> Outcome {
        self.calls += 1;
        let id = RequestId(self.calls.to_string());
        self.host.deferred.insert(id.clone());
        let payload = payload.into().unless_null();
        let outcome = self.device.invoke(
            &mut self.host,
            Command {
                id: id.clone(),
                target: target.into(),
                payload,
            },
        );
        if outcome != Outcome::Deferred {
            self.host.deferred.remove(&id);
        }
        outcome
    }

    /// Sends a cloud-to-device message.
    pub fn receive(&mut self, body: impl Into<Vec<u8>>, properties: &[(&str, &str)]) {
        let properties = properties
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        self.device.receive(
            &mut self.host,
            Message {
                body: body.into(),
                properties,
            },
        );
    }

    /// Moves time on, firing each timer when it is due.
    pub fn advance(&mut self, by: Duration) {
        let until = self.host.monotonic().saturating_add(by);
        while let Some((timer, at)) = self.host.timers.take_due(until) {
            self.host.set_elapsed(at);
            self.device.timer_fired(&mut self.host, timer);
        }
        self.host.set_elapsed(until);
    }

    /// What the device did since this was last asked.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.host.effects)
    }

    /// The state the device would hand to the next instance.
    pub fn save(&self) -> Option<Vec<u8>> {
        self.device.save()
    }

    /// The device.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// The host.
    pub fn host(&mut self) -> &mut MockHost {
        &mut self.host
    }
}
