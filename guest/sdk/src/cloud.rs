//! What travels between a device and the cloud.

use crate::{Json, JsonError, Member};
use serde::de::DeserializeOwned;
use serde_json::json;

/// A device-to-cloud message. Any JSON value converts into one: `host.send(json!({"count": 1}))`.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    /// None is the default component.
    pub component: Option<String>,
    /// An object with one member per telemetry of the model.
    pub body: Json,
    /// Application properties, for routing in the cloud.
    pub properties: Vec<(String, String)>,
}

impl Telemetry {
    /// A message of the default component, without application properties.
    pub fn new(body: impl Into<Json>) -> Telemetry {
        Telemetry {
            component: None,
            body: body.into(),
            properties: Vec::new(),
        }
    }

    /// The same message, of the named component.
    #[must_use]
    pub fn from_component(mut self, component: impl Into<String>) -> Telemetry {
        self.component = Some(component.into());
        self
    }

    /// The same message with one more application property.
    #[must_use]
    pub fn with_property(mut self, key: impl Into<String>, value: impl Into<String>) -> Telemetry {
        self.properties.push((key.into(), value.into()));
        self
    }
}

impl From<serde_json::Value> for Telemetry {
    fn from(body: serde_json::Value) -> Telemetry {
        Telemetry::new(body)
    }
}

/// A value the cloud wants a writable property to have.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// The property.
    pub property: Member,
    /// None: the cloud removed the value.
    pub value: Option<Json>,
    /// Of the desired properties as a whole; an acknowledgement carries it back.
    pub version: u64,
}

impl Desired {
    /// Answers that the device has no such property: 404, with the value as it was sent.
    pub fn unknown(self) -> Acknowledgement {
        let description = format!("this device has no writable property {}", self.property);
        let value = self.value.clone();
        Acknowledgement::of(&self, 404, value).described(description)
    }
}

/// The device's answer to a desired value, or its own default for a writable property.
#[derive(Debug, Clone, PartialEq)]
pub struct Acknowledgement {
    /// The property.
    pub property: Member,
    /// The value now in force; none reports null.
    pub value: Option<Json>,
    /// 200 done, 202 in progress, 203 device default, 400 to 499 refused, 500 to 599 failed.
    pub status: u16,
    /// Version of the desired value answered; 0 for a device default.
    pub version: u64,
    /// For people.
    pub description: Option<String>,
}

impl Acknowledgement {
    /// Answers `desired` with a status and the value now in force.
    pub fn of(desired: &Desired, status: u16, in_force: Option<Json>) -> Acknowledgement {
        let Desired { property, version, .. } = desired.clone();
        Acknowledgement {
            property,
            value: in_force,
            status,
            version,
            description: None,
        }
    }

    /// Says, without being asked, which value a writable property has by default: 203, version 0.
    pub fn default_value(property: impl Into<Member>, value: impl Into<Json>) -> Acknowledgement {
        Acknowledgement {
            property: property.into(),
            value: value.into().unless_null(),
            status: 203,
            version: 0,
            description: None,
        }
    }

    /// The same acknowledgement with a description.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Acknowledgement {
        self.description = Some(description.into());
        self
    }
}

/// Names one call of a command, for an answer that comes later.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(pub String);

/// A command somebody called and waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// This call.
    pub id: RequestId,
    /// The command.
    pub target: Member,
    /// None when the caller sent nothing, or null.
    pub payload: Option<Json>,
}

impl Command {
    /// Reads the payload as a `T`; a missing one as null, so `Option<T>` takes both.
    ///
    /// # Errors
    /// Says which type was expected and what was found in its place.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        match &self.payload {
            Some(payload) => payload.decode(),
            None => Json::from(()).decode(),
        }
    }

    /// Answers that the device has no such command: 404.
    pub fn unknown(&self) -> Response {
        Response::error(404, format!("this device has no command {}", self.target))
    }
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// 200 to 299 done, 400 to 499 refused, 500 to 599 failed. In place of any other the caller gets 500.
    pub status: u16,
    /// None answers null.
    pub payload: Option<Json>,
}

impl Response {
    /// Done: 200 with a payload, or without one for `()`.
    pub fn ok(payload: impl Into<Json>) -> Response {
        Response {
            status: 200,
            payload: payload.into().unless_null(),
        }
    }

    /// Refused or failed: `{"message": message}` under the given status.
    pub fn error(status: u16, message: impl Into<String>) -> Response {
        Response {
            status,
            payload: Some(json!({ "message": message.into() }).into()),
        }
    }
}

/// What a command's handler returns.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Answered.
    Done(Response),
    /// Answered later, with [`Host::respond`](crate::Host::respond).
    Deferred,
}

impl From<Response> for Outcome {
    fn from(response: Response) -> Outcome {
        Outcome::Done(response)
    }
}

/// A cloud-to-device message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Any bytes.
    pub body: Vec<u8>,
    /// Application and system properties, as they arrived.
    pub properties: Vec<(String, String)>,
}

/// What provisioning assigned.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// Host name of the hub.
    pub hub: String,
    /// The device's name there.
    pub device_id: String,
    /// Whatever the provisioning service returned for this device.
    pub payload: Option<Json>,
}

/// Why the host refused to queue something for the cloud. Nothing was queued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The cloud is unreachable, or the device sends faster than its quota.
    #[error("the outbox is full")]
    OutboxFull,
    /// The limit in bytes.
    #[error("larger than the {0} bytes the cloud takes")]
    TooLarge(u32),
    /// Not the kind of JSON asked for, a status out of range, or a name the cloud does not accept; the text says which.
    #[error("{0}")]
    Invalid(String),
}
