//! The device inside the sandbox: the contract's exports drive a [`Device`], its imports are the [`Host`].

use crate::bindings::exports::setpoint::device::device as exported;
use crate::bindings::setpoint::device as imported;
use crate::host::milliseconds;
use crate::{
    Acknowledgement, Assignment, Command, Desired, Device, Host, Json, Level, Member, Message, Outcome, RequestId,
    Response, SendError, StartReason, Telemetry, Timer,
};
use chrono::{DateTime, Utc};
use std::cell::Cell;
use std::fmt::Display;
use std::time::Duration;

/// Where the one device of a module lives between calls. A call takes it out and puts it back.
pub struct Slot<D>(Cell<Option<Box<D>>>);

impl<D> Slot<D> {
    /// Before `start`.
    pub const fn empty() -> Slot<D> {
        Slot(Cell::new(None))
    }

    /// None before `start` has succeeded.
    fn with<R>(&self, act: impl FnOnce(&mut D) -> R) -> Option<R> {
        let mut device = self.0.take()?;
        let result = act(&mut device);
        self.0.set(Some(device));
        Some(result)
    }
}

/// What `export!` implements: which device, and where it is kept.
pub trait Instance {
    /// The device.
    type Device: Device;

    /// Acts on its slot.
    fn slot<R>(act: impl FnOnce(&Slot<Self::Device>) -> R) -> R;
}

impl<T: Instance + 'static> exported::Guest for T {
    fn model_id() -> String {
        <T::Device as Device>::MODEL_ID.to_owned()
    }

    fn start(reason: exported::StartReason, state: Option<Vec<u8>>) -> Result<(), String> {
        let reason = match reason {
            exported::StartReason::PowerOn => StartReason::PowerOn,
            exported::StartReason::Failure => StartReason::Failure,
            exported::StartReason::Replaced => StartReason::Replaced,
            exported::StartReason::Resumed => StartReason::Resumed,
        };
        let device = T::Device::start(&mut Imports, reason, state)?;
        T::slot(|slot| slot.0.set(Some(Box::new(device))));
        Ok(())
    }

    fn update(desired: Vec<exported::DesiredValue>) {
        let desired = desired.into_iter().map(Desired::from).collect();
        T::slot(|slot| slot.with(|device| device.update(&mut Imports, desired)));
    }

    fn invoke(command: exported::Command) -> exported::Outcome {
        let command = Command {
            id: RequestId(command.id),
            target: command.target.into(),
            payload: command.payload.map(Json::from_host).and_then(Json::unless_null),
        };
        let outcome = T::slot(|slot| slot.with(|device| device.invoke(&mut Imports, command)));
        match outcome.unwrap_or_else(|| Response::error(503, "the device has not started").into()) {
            Outcome::Done(response) => exported::Outcome::Done(response.into()),
            Outcome::Deferred => exported::Outcome::Deferred,
        }
    }

    fn receive(body: Vec<u8>, properties: Vec<(String, String)>) {
        let message = Message { body, properties };
        T::slot(|slot| slot.with(|device| device.receive(&mut Imports, message)));
    }

    fn timer_fired(timer: exported::Timer) {
        T::slot(|slot| slot.with(|device| device.timer_fired(&mut Imports, Timer(timer))));
    }

    fn save() -> Option<Vec<u8>> {
        T::slot(|slot| slot.with(|device| device.save())).flatten()
    }
}

/// The contract's imports.
struct Imports;

impl Host for Imports {
    fn now(&self) -> DateTime<Utc> {
        let now = imported::clock::now();
        // A clock beyond the years chrono knows is no better than none.
        i64::try_from(now.seconds)
            .ok()
            .and_then(|seconds| DateTime::from_timestamp(seconds, now.nanoseconds))
            .unwrap_or(DateTime::UNIX_EPOCH)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(imported::clock::monotonic())
    }

    fn after(&mut self, delay: Duration) -> Timer {
        Timer(imported::timers::after(milliseconds(delay)))
    }

    fn every(&mut self, period: Duration) -> Timer {
        Timer(imported::timers::every(milliseconds(period).max(1)))
    }

    fn cancel(&mut self, timer: Timer) {
        imported::timers::cancel(timer.0);
    }

    fn random(&mut self) -> u64 {
        imported::random::next()
    }

    fn send(&mut self, telemetry: impl Into<Telemetry>) -> Result<(), SendError> {
        let Telemetry {
            component,
            body,
            properties,
        } = telemetry.into();
        let message = imported::telemetry::Message {
            component,
            body: body.into_string(),
            properties,
        };
        Ok(imported::telemetry::send(&message)?)
    }

    fn report(&mut self, property: impl Into<Member>, value: impl Into<Json>) -> Result<(), SendError> {
        let value = value.into().unless_null();
        Ok(imported::properties::report(
            &property.into().into(),
            value.as_ref().map(Json::as_str),
        )?)
    }

    fn acknowledge(&mut self, acknowledgement: Acknowledgement) -> Result<(), SendError> {
        let Acknowledgement {
            property,
            value,
            status,
            version,
            description,
        } = acknowledgement;
        Ok(imported::properties::acknowledge(
            &imported::properties::Acknowledgement {
                property: property.into(),
                value: value.map(Json::into_string),
                status,
                version,
                description,
            },
        )?)
    }

    fn respond(&mut self, request: &RequestId, response: Response) -> bool {
        imported::commands::respond(&request.0, &response.into())
    }

    fn assignment(&self) -> Assignment {
        let current = imported::provisioning::current();
        Assignment {
            hub: current.hub,
            device_id: current.device_id,
            payload: current.payload.map(Json::from_host),
        }
    }

    fn config(&self, key: &str) -> Option<String> {
        imported::config::get(key)
    }

    fn log(&mut self, level: Level, message: impl Display) {
        let level = match level {
            Level::Trace => imported::logging::Level::Trace,
            Level::Debug => imported::logging::Level::Debug,
            Level::Info => imported::logging::Level::Info,
            Level::Warn => imported::logging::Level::Warn,
            Level::Error => imported::logging::Level::Error,
        };
        imported::logging::log(level, &message.to_string());
    }
}

impl From<exported::DesiredValue> for Desired {
    fn from(desired: exported::DesiredValue) -> Desired {
        Desired {
            property: desired.property.into(),
            value: desired.value.map(Json::from_host).and_then(Json::unless_null),
            version: desired.version,
        }
    }
}

impl From<imported::types::Member> for Member {
    fn from(member: imported::types::Member) -> Member {
        Member {
            component: member.component,
            name: member.name,
        }
    }
}

impl From<Member> for imported::types::Member {
    fn from(member: Member) -> imported::types::Member {
        imported::types::Member {
            component: member.component,
            name: member.name,
        }
    }
}

impl From<Response> for imported::commands::Response {
    fn from(response: Response) -> imported::commands::Response {
        imported::commands::Response {
            status: response.status,
            payload: response.payload.map(Json::into_string),
        }
    }
}

impl From<imported::types::SendError> for SendError {
    fn from(error: imported::types::SendError) -> SendError {
        match error {
            imported::types::SendError::OutboxFull => SendError::OutboxFull,
            imported::types::SendError::TooLarge(limit) => SendError::TooLarge(limit),
            imported::types::SendError::Invalid(text) => SendError::Invalid(text),
        }
    }
}
