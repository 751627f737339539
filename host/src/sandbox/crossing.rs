//! What passes between a guest and its host, as it is recorded and replayed: everything that a guest is given, and everything
//! that it does.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use setpoint_protocol::Endpoint;

use super::guest::GuestError;
use super::surroundings::Quota;
use crate::cloud::Assignment;
use crate::effect::{Command, DesiredValue, Effect, Outcome, StartReason, present};

/// One thing that happened to an instance.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// It was made.
    Created(Created),
    /// One of its exports was called.
    Called(Called),
    /// It is gone, and with it its memory and its timers.
    Gone(Gone),
}

/// An instance was made, or could not be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    /// Its number: from 1, in the order in which they are made.
    pub instance: u64,
    /// When, by the device's clock: RFC 3339, UTC.
    pub at: String,
    /// The program's name.
    pub guest: String,
    /// SHA-256 of the program's file, in hexadecimal digits.
    pub sha256: String,
    /// Linear memory it may use, in bytes.
    pub memory: usize,
    /// Time it may take to start, in milliseconds.
    pub start: u64,
    /// Time it may take for every other call, in milliseconds.
    pub event: u64,
    /// The operator's values, which it may read at any time.
    pub config: BTreeMap<String, String>,
    /// What provisioning had assigned by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<Assigned>,
    /// What its initialisation read of clock and randomness.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drawn: Vec<Draw>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failure>,
}

/// An export was called, and returned or failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Called {
    /// The instance's number.
    pub instance: u64,
    /// When the call began, by the device's clock: RFC 3339, UTC.
    pub at: String,
    /// What changed for the instance since its last call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<Given>,
    /// The export, and its arguments.
    pub call: Call,
    /// What it might ask for.
    pub quota: Quota,
    /// What it read of clock and randomness, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drawn: Vec<Draw>,
    /// What it did, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// How it ended.
    pub returned: Returned,
}

/// An instance is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gone {
    /// Its number.
    pub instance: u64,
}

/// An export, and its arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Call {
    /// `model-id`.
    ModelId,
    /// `start`.
    Start {
        /// Why.
        reason: StartReason,
        /// What the instance before it left.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<Bytes>,
    },
    /// `update`.
    Update(Vec<DesiredValue>),
    /// `invoke`.
    Invoke(Command),
    /// `receive`.
    Receive {
        /// The message.
        body: Bytes,
        /// Its application properties.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        properties: Vec<(String, String)>,
    },
    /// `timer-fired`.
    TimerFired(u32),
    /// `save`.
    Save,
}

impl Call {
    /// The export's name in the contract.
    pub fn export(&self) -> &'static str {
        match self {
            Call::ModelId => "model-id",
            Call::Start { .. } => "start",
            Call::Update(_) => "update",
            Call::Invoke(_) => "invoke",
            Call::Receive { .. } => "receive",
            Call::TimerFired(_) => "timer-fired",
            Call::Save => "save",
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// It returned; there is nothing to return.
    Nothing,
    /// `model-id` returned this.
    ModelId(String),
    /// `invoke` returned this.
    Outcome(Outcome),
    /// `save` returned this; none when the device cannot be put aside.
    State(Option<Bytes>),
    /// It failed, and the instance is of no more use.
    Failed(Failure),
}

/// How an instance failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// In what way.
    pub kind: FailureKind,
    /// The trap, or the guest's own words.
    pub reason: String,
}

/// In what way an instance failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FailureKind {
    /// It ran on after its budget.
    OverBudget,
    /// It trapped, or could not be instantiated.
    Trapped,
    /// `start` returned an error.
    Refused,
    /// What `model-id` returned is no DTDL identifier.
    NoModel,
    /// There was no instance any more.
    Gone,
}

impl From<&GuestError> for Failure {
    /// Without the guest's name, which may be another when it is replayed.
    fn from(error: &GuestError) -> Self {
        let (kind, reason) = match error {
            GuestError::OverBudget { budget, .. } => (
                FailureKind::OverBudget,
                format!("its budget was {} ms", budget.as_millis()),
            ),
            GuestError::Trapped { reason, .. } => (FailureKind::Trapped, reason.clone()),
            GuestError::Refused { reason, .. } => (FailureKind::Refused, reason.clone()),
            GuestError::NoModel { model_id, .. } => (FailureKind::NoModel, model_id.clone()),
            GuestError::Gone { .. } => (FailureKind::Gone, "there was no instance".to_owned()),
        };
        Self { kind, reason }
    }
}

/// A reading of the clock, or a random number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Draw {
    /// The wall clock: seconds since 1970-01-01T00:00:00Z, and nanoseconds.
    Now(i64, u32),
    /// Nanoseconds since the instance was made.
    Monotonic(u64),
    /// A random number.
    Random(u64),
}

/// What changed for an instance between two calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Given {
    /// What provisioning assigned.
    Assignment(Assigned),
    /// Requests that the instance before it left open, and that this one may answer.
    Adopted(Vec<String>),
    /// Nobody waits for the answer to this request any more.
    Forgotten(String),
}

/// What provisioning assigned, as far as a guest sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assigned {
    /// The hub's host name.
    pub hub: String,
    /// The identity in the hub.
    pub device_id: String,
    /// Whatever the provisioning service returned.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub payload: Option<Value>,
}

impl From<&Assignment> for Assigned {
    fn from(assignment: &Assignment) -> Self {
        Self {
            hub: assignment.hub.host.clone(),
            device_id: assignment.device_id.clone(),
            payload: assignment.payload.clone(),
        }
    }
}

impl From<Assigned> for Assignment {
    /// With the usual port, which a guest does not see.
    fn from(assigned: Assigned) -> Self {
        Self {
            hub: Endpoint::new(assigned.hub),
            device_id: assigned.device_id,
            payload: assigned.payload,
        }
    }
}

/// Bytes. In JSON they are a string when they are text, and otherwise `{"base64": ".."}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
struct Base64<T> {
    base64: T,
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            // A control character takes six bytes as JSON, and says nothing to a reader.
            Ok(text) if !text.contains(|character: char| character.is_control() && !character.is_whitespace()) => {
                serializer.serialize_str(text)
            }
            _ => Base64 {
                base64: STANDARD.encode(&self.0),
            }
            .serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text.into_bytes())),
            other => {
                let encoded: Base64<String> = Base64::deserialize(other).map_err(D::Error::custom)?;
                let bytes = STANDARD.decode(encoded.base64).map_err(D::Error::custom)?;
                Ok(Self(bytes))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn text_stays_readable() {
        let written = |bytes: &[u8]| serde_json::to_value(Bytes(bytes.to_vec())).unwrap();
        assert_eq!(written("{\"grün\":1}\n".as_bytes()), json!("{\"grün\":1}\n"));
        assert_eq!(written(b"\0\0"), json!({ "base64": "AAA=" }));
        assert_eq!(written(b"\xff"), json!({ "base64": "/w==" }));
    }

    #[test]
    fn a_value_of_null_is_not_none() {
        let command = |payload| Command {
            request: "1".to_owned(),
            target: crate::effect::Member::named("x"),
            payload,
        };
        for command in [command(None), command(Some(Value::Null)), command(Some(json!(1)))] {
            let text = serde_json::to_string(&command).unwrap();
            assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), command, "{text}");
        }
    }

    proptest! {
        #[test]
        fn bytes_are_read_as_they_were_written(bytes: Vec<u8>) {
            let text = serde_json::to_string(&Bytes(bytes.clone())).unwrap();
            prop_assert_eq!(serde_json::from_str::<Bytes>(&text).unwrap().0, bytes);
        }

        #[test]
        fn a_number_is_read_as_it_was_written(number in any::<f64>().prop_filter("JSON has it", |it| it.is_finite())) {
            let text = json!(number).to_string();
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap().to_string(), text);
        }
    }
}
