//! Version 0.1 of the contract: what wasmtime makes of its WIT package, and the way between that and this crate's own types.

use std::sync::Arc;

use serde_json::Value;
use wasmtime::Store;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use super::imports::{Refused, State, response};
use super::surroundings::Random;
use super::versions::{Exports, Prepared, Version};
use crate::effect::{Command, DesiredValue, Level, Member, Outcome, StartReason};
use generated::exports::setpoint::device::device;
use generated::setpoint::device::{
    clock, commands, config, logging, properties, provisioning, random, telemetry, timers, types,
};
use generated::{DeviceGuest, DeviceGuestPre};

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "device-guest",
        imports: { "setpoint:device/timers": trappable, "setpoint:device/provisioning": trappable },
    });
}

/// The version as such.
pub(super) struct V0_1;

impl Version for V0_1 {
    fn number(&self) -> &'static str {
        "0.1.0"
    }

    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        DeviceGuest::add_to_linker::<State, HasSelf<State>>(linker, State::called)
    }

    fn prepare(&self, instance: InstancePre<State>) -> wasmtime::Result<Arc<dyn Prepared>> {
        Ok(Arc::new(DeviceGuestPre::new(instance)?))
    }
}

impl Prepared for DeviceGuestPre<State> {
    fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Box<dyn Exports>> {
        Ok(Box::new(DeviceGuestPre::instantiate(self, store)?))
    }
}

impl Exports for DeviceGuest {
    fn model_id(&self, store: &mut Store<State>) -> wasmtime::Result<String> {
        self.setpoint_device_device().call_model_id(store)
    }

    fn start(
        &self,
        store: &mut Store<State>,
        reason: StartReason,
        state: Option<&[u8]>,
    ) -> wasmtime::Result<Result<(), String>> {
        let reason = match reason {
            StartReason::PowerOn => device::StartReason::PowerOn,
            StartReason::Failure => device::StartReason::Failure,
            StartReason::Replaced => device::StartReason::Replaced,
            StartReason::Resumed => device::StartReason::Resumed,
        };
        self.setpoint_device_device().call_start(store, reason, state)
    }

    fn update(&self, store: &mut Store<State>, desired: Vec<DesiredValue>) -> wasmtime::Result<()> {
        let desired: Vec<_> = desired.into_iter().map(device::DesiredValue::from).collect();
        self.setpoint_device_device().call_update(store, &desired)
    }

    fn invoke(&self, store: &mut Store<State>, command: Command) -> wasmtime::Result<Outcome> {
        let command = device::Command {
            id: command.request,
            target: command.target.into(),
            payload: command.payload.as_ref().map(Value::to_string),
        };
        let outcome = self.setpoint_device_device().call_invoke(store, &command)?;
        Ok(match outcome {
            device::Outcome::Deferred => Outcome::Deferred,
            device::Outcome::Done(answer) => Outcome::Done(response(answer.status, answer.payload)),
        })
    }

    fn receive(&self, store: &mut Store<State>, body: &[u8], properties: &[(String, String)]) -> wasmtime::Result<()> {
        self.setpoint_device_device().call_receive(store, body, properties)
    }

    fn timer_fired(&self, store: &mut Store<State>, timer: u32) -> wasmtime::Result<()> {
        self.setpoint_device_device().call_timer_fired(store, timer)
    }

    fn save(&self, store: &mut Store<State>) -> wasmtime::Result<Option<Vec<u8>>> {
        self.setpoint_device_device().call_save(store)
    }
}

impl From<Member> for types::Member {
    fn from(Member { component, name }: Member) -> Self {
        Self { component, name }
    }
}

impl From<types::Member> for Member {
    fn from(types::Member { component, name }: types::Member) -> Self {
        Self { component, name }
    }
}

impl From<DesiredValue> for device::DesiredValue {
    fn from(desired: DesiredValue) -> Self {
        Self {
            property: desired.property.into(),
            value: desired.value.as_ref().map(Value::to_string),
            version: desired.version,
        }
    }
}

impl From<Refused> for types::SendError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::OutboxFull => Self::OutboxFull,
            Refused::TooLarge(limit) => Self::TooLarge(u32::try_from(limit).unwrap_or(u32::MAX)),
            Refused::Invalid(what) => Self::Invalid(what),
        }
    }
}

impl types::Host for State {}

impl clock::Host for State {
    fn now(&mut self) -> clock::Datetime {
        let (seconds, nanoseconds) = State::now(self);
        clock::Datetime { seconds, nanoseconds }
    }

    fn monotonic(&mut self) -> u64 {
        self.age_in_nanoseconds()
    }
}

impl timers::Host for State {
    fn after(&mut self, milliseconds: u64) -> wasmtime::Result<u32> {
        State::after(self, milliseconds)
    }

    fn every(&mut self, milliseconds: u64) -> wasmtime::Result<u32> {
        State::every(self, milliseconds)
    }

    fn cancel(&mut self, timer: u32) -> wasmtime::Result<()> {
        State::cancel(self, timer);
        Ok(())
    }
}

impl random::Host for State {
    fn next(&mut self) -> u64 {
        self.surroundings.random.next()
    }
}

impl telemetry::Host for State {
    fn send(&mut self, message: telemetry::Message) -> Result<(), types::SendError> {
        Ok(State::send(self, message.component, message.body, message.properties)?)
    }
}

impl properties::Host for State {
    fn report(&mut self, property: types::Member, value: Option<String>) -> Result<(), types::SendError> {
        Ok(State::report(self, property.into(), value)?)
    }

    fn acknowledge(&mut self, answer: properties::Acknowledgement) -> Result<(), types::SendError> {
        let properties::Acknowledgement {
            property,
            value,
            status,
            version,
            description,
        } = answer;
        Ok(State::acknowledge(
            self,
            property.into(),
            value,
            status,
            version,
            description,
        )?)
    }
}

impl commands::Host for State {
    fn respond(&mut self, request: String, answer: commands::Response) -> bool {
        State::respond(self, request, answer.status, answer.payload)
    }
}

impl provisioning::Host for State {
    fn current(&mut self) -> wasmtime::Result<provisioning::Assignment> {
        let assignment = self.assignment()?;
        Ok(provisioning::Assignment {
            hub: assignment.hub.host.clone(),
            device_id: assignment.device_id.clone(),
            payload: assignment.payload.as_ref().map(Value::to_string),
        })
    }
}

impl config::Host for State {
    fn get(&mut self, key: String) -> Option<String> {
        self.surroundings.config.get(&key).cloned()
    }
}

impl logging::Host for State {
    fn log(&mut self, level: logging::Level, message: String) {
        let level = match level {
            logging::Level::Trace => Level::Trace,
            logging::Level::Debug => Level::Debug,
            logging::Level::Info => Level::Info,
            logging::Level::Warn => Level::Warn,
            logging::Level::Error => Level::Error,
        };
        State::log(self, level, message);
    }
}
