//! What a guest did: the one form in which it is queued, recorded, compared and sent.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// A telemetry, property or command of the device's model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Member {
    /// None means the default component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Its name in the model.
    pub name: String,
}

impl Member {
    /// A member of the default component.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            component: None,
            name: name.into(),
        }
    }
}

impl fmt::Display for Member {
    /// As in a direct method's name: `name`, or `component*name`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.component {
            Some(component) => write!(f, "{component}*{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// One call that a guest made on its host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// A device-to-cloud message.
    Telemetry {
        /// None means the default component.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        component: Option<String>,
        /// A JSON object, as the guest wrote it.
        body: String,
        /// Application properties.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        properties: Vec<(String, String)>,
    },
    /// A read-only property; null removes it.
    Report {
        /// Which.
        property: Member,
        /// Its value.
        value: Value,
    },
    /// The answer to a desired value, or a default.
    Acknowledge {
        /// Which.
        property: Member,
        /// The value now in force.
        value: Value,
        /// 200 done, 202 in progress, 203 device default, 4xx refused, 5xx failed.
        status: u16,
        /// Version of the desired value answered; 0 for a default.
        version: u64,
        /// In words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
    /// A late answer to a command.
    Respond {
        /// The request it answers.
        request: String,
        /// The answer.
        response: Response,
    },
    /// A line for the operator's log.
    Log {
        /// How much it matters.
        level: Level,
        /// The guest's words, at most 1 KiB of them.
        message: String,
    },
    /// Wants `timer-fired` once.
    After {
        /// The timer's name in the guest.
        timer: u32,
        /// From now.
        #[serde(rename = "milliseconds", with = "milliseconds")]
        delay: Duration,
    },
    /// Wants `timer-fired` again and again.
    Every {
        /// The timer's name in the guest.
        timer: u32,
        /// Between two firings.
        #[serde(rename = "milliseconds", with = "milliseconds")]
        period: Duration,
    },
    /// Wants a timer no longer.
    Cancel {
        /// The timer's name in the guest.
        timer: u32,
    },
}

/// A command's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// As in HTTP: 200 to 599.
    pub status: u16,
    /// Null when the command returns nothing.
    pub payload: Value,
}

/// What a command handler returned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Answered at once.
    Done(Response),
    /// To be answered by [`Effect::Respond`].
    Deferred,
}

/// A desired value, as the guest is told of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DesiredValue {
    /// Which property.
    pub property: Member,
    /// None: the cloud removed it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub value: Option<Value>,
    /// The desired properties' version it came with.
    pub version: u64,
}

/// A command, as the guest is told of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// To answer it late with.
    pub request: String,
    /// Which command.
    pub target: Member,
    /// None when there was none, or null.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub payload: Option<Value>,
}

/// Why a guest is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StartReason {
    /// First start in this process.
    PowerOn,
    /// The previous instance failed and was thrown away.
    Failure,
    /// A new version of the device replaces a running one.
    Replaced,
    /// The instance was put aside to save memory and is wanted again.
    Resumed,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// A value that is there, even when it is null: a missing one is another thing.
pub(crate) fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A time as the whole milliseconds that a guest asks for.
mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
