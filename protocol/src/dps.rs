//! The bodies of the Device Provisioning Service's messages. The topics are in [`topic`](crate::topic).
//!
//! Source: Microsoft, "Device Provisioning Service REST API, runtime registration", which the MQTT bodies repeat.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Asks to be registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterRequest {
    /// Who registers.
    pub registration_id: String,
    /// For the service's allocation policy; a Plug and Play device gives its model: `{"modelId": ".."}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
}

/// How far a registration is. Answers a registration with 202 and a poll with 202 or 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// To poll with.
    pub operation_id: String,
    /// How far it is.
    pub status: Status,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_state: Option<RegistrationState>,
}

/// The state of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// Never asked for.
    Unassigned,
    /// Poll again.
    Assigning,
    /// There is a hub.
    Assigned,
    /// There will be none; the registration state says why.
    Failed,
    /// The enrolment is disabled.
    Disabled,
}

/// What came of a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationState {
    /// Who registered.
    pub registration_id: String,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub created_date_time_utc: String,
    /// The hub's host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_hub: Option<String>,
    /// The device's id in that hub, which need not be the registration id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// The state.
    pub status: Status,
    /// How it was assigned: `initialAssignment`, `reprovisionedToInitialAssignment`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substatus: Option<String>,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub last_updated_date_time_utc: String,
    /// Changes with each update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// What the allocation policy has for the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// Why it failed: an HTTP status and three digits, as in 401002.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<u32>,
    /// Why it failed, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

/// The body of an answer of 400 and above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// An HTTP status and three digits: 401002 is an unauthorized device, 404201 one that is not enrolled.
    pub error_code: u32,
    /// What Microsoft's support asks for.
    #[serde(default)]
    pub tracking_id: String,
    /// In words.
    #[serde(default)]
    pub message: String,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub timestamp_utc: String,
}

#[cfg(test)]
#[path = "dps_tests.rs"]
mod tests;
