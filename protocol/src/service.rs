//! The bodies of IoT Hub's service API: what an operator sends over HTTPS and what comes back.
//!
//! Source: Microsoft, "IoT Hub service REST API", version 2021-04-12; error bodies as the Python service SDK got them.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The version of the service API these bodies belong to.
pub const API_VERSION: &str = "2021-04-12";

/// Calls a direct method: the body of `POST /twins/{id}/methods`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MethodRequest {
    /// What to call.
    pub method_name: String,
    /// What to call it with. None at all and null are different things.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub payload: Option<Value>,
    /// How long to wait for the device's answer, in seconds: 5 to 300, 30 when nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_timeout_in_seconds: Option<u64>,
    /// How long to wait for the device to connect, in seconds: 0 to 300, 0 when nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout_in_seconds: Option<u64>,
}

/// Null is a value here, which `Option` alone would read as nothing.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What the device answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodResult {
    /// The device's status; HTTP's numbers by custom.
    pub status: u16,
    /// The device's payload.
    #[serde(default)]
    pub payload: Value,
}

/// The body of a refused call: `{"Message": "ErrorCode:DeviceNotFound;..", "ExceptionMessage": "Tracking ID:.."}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ServiceError {
    /// The error's name and what it says.
    pub message: String,
    /// The tracking id and the time.
    #[serde(default)]
    pub exception_message: String,
}

impl ServiceError {
    /// The error called `name` (as in `DeviceNotFound`), which says `text`. `tracking_id` and `timestamp` (RFC 3339) are
    /// what support asks for.
    pub fn new(name: &str, text: &str, tracking_id: &str, timestamp: &str) -> ServiceError {
        ServiceError {
            message: format!("ErrorCode:{name};{text}"),
            exception_message: format!("Tracking ID:{tracking_id}-TimeStamp:{timestamp}"),
        }
    }

    /// The error's name, when the message has one.
    pub fn name(&self) -> Option<&str> {
        self.split().map(|(name, _)| name)
    }

    /// What the error says, without its name.
    pub fn text(&self) -> &str {
        self.split().map_or(&self.message, |(_, text)| text)
    }

    fn split(&self) -> Option<(&str, &str)> {
        let rest = self.message.strip_prefix("ErrorCode:")?;
        Some(rest.split_once(';').unwrap_or((rest, "")))
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
