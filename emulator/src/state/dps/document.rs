//! Enrolments as JSON, in the shape of the service API.
//!
//! Source: Microsoft, "Device Provisioning Service REST API", individual enrollment and enrollment group, 2021-10-01; the
//! bodies of 2018-09-01-preview are the same.

mod attestation;
mod terms;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use setpoint_protocol::{
    identifier::{is_device_id, is_registration_id},
    twin::Document,
};

use super::{Attestation, DpsError, Enrollment, Group, Stored, linked::Linked};
pub(super) use attestation::show as show_attestation;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Without keys, as the real service answers a GET or a query.
    Public,
    /// With keys, as it answers a PUT.
    Keys,
    /// With whatever it takes to read it back.
    Whole,
}

/// Where an enrolment is read from.
pub(crate) enum Source<'a> {
    /// The service API. What is left out of the attestation stays as it was `before`.
    Service {
        before: Option<&'a Attestation>,
        linked: &'a Linked,
    },
    /// What was kept.
    Kept,
}

/// The members that both kinds have. Members that are the service's to set, which SDKs send back from an earlier read, are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    registration_id: Option<String>,
    enrollment_group_id: Option<String>,
    device_id: Option<String>,
    attestation: Option<attestation::Written>,
    optional_device_information: Option<Document>,
    etag: Option<String>,
    created_date_time_utc: Option<DateTime<Utc>>,
    last_updated_date_time_utc: Option<DateTime<Utc>>,
    #[serde(flatten)]
    terms: terms::Written,
}

fn written(value: &Value) -> Result<Written, DpsError> {
    Written::deserialize(value)
        // serde's own words may quote a key.
        .map_err(|error| {
            DpsError::Invalid(format!(
                "the enrollment is not as it must be: {}",
                without_values(&error)
            ))
        })
}

/// The complaint up to where it quotes a value.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let expected = text.split_once(", expected ").map(|(_, expected)| expected);
    expected.map_or(text.clone(), |expected| format!("expected {expected}"))
}

/// Whether the body names the one in the path, and the path one that may be.
fn check_id(id: &str, named: Option<&str>) -> Result<(), DpsError> {
    if named.is_some_and(|named| !named.eq_ignore_ascii_case(id)) {
        return Err(DpsError::Invalid(
            "the id in the body is not the one in the path".to_owned(),
        ));
    }
    if is_registration_id(id) {
        return Ok(());
    }
    Err(DpsError::Invalid(format!(
        "{id:?} is not an id: 1 to 128 characters of letters, digits and - . _ :, the last a letter, a digit or -"
    )))
}

pub(super) fn read_enrollment(value: &Value, id: &str, source: &Source<'_>) -> Result<Enrollment, DpsError> {
    let written = written(value)?;
    check_id(id, written.registration_id.as_deref())?;
    let device_id = written.device_id.filter(|id| !id.is_empty());
    if device_id.as_deref().is_some_and(|id| !is_device_id(id)) {
        return Err(DpsError::Invalid("deviceId is not a device id of IoT Hub".to_owned()));
    }
    Ok(Enrollment {
        registration_id: written.registration_id.unwrap_or_else(|| id.to_owned()),
        device_id,
        attestation: attestation::read(written.attestation, attestation::Kind::Individual, source)?,
        terms: written.terms.read(source)?,
        information: written.optional_device_information,
    })
}

pub(super) fn read_group(value: &Value, id: &str, source: &Source<'_>) -> Result<Group, DpsError> {
    let written = written(value)?;
    check_id(id, written.enrollment_group_id.as_deref())?;
    Ok(Group {
        group_id: written.enrollment_group_id.unwrap_or_else(|| id.to_owned()),
        attestation: attestation::read(written.attestation, attestation::Kind::Group, source)?,
        terms: written.terms.read(source)?,
    })
}

/// The rest of what was kept.
pub(super) fn restored<T>(value: &Value, entry: T) -> Result<Stored<T>, DpsError> {
    let written = written(value)?;
    let missing = || DpsError::Invalid("the kept enrollment is not whole".to_owned());
    Ok(Stored {
        entry,
        etag: written.etag.ok_or_else(missing)?,
        created: written.created_date_time_utc.ok_or_else(missing)?,
        updated: written.last_updated_date_time_utc.ok_or_else(missing)?,
    })
}

pub(super) fn show_enrollment(stored: &Stored<Enrollment>, shown: Shown) -> Value {
    let enrollment = &stored.entry;
    let mut json = terms::show(&enrollment.terms, shown);
    json.insert("registrationId".to_owned(), json!(enrollment.registration_id));
    if let Some(device_id) = &enrollment.device_id {
        json.insert("deviceId".to_owned(), json!(device_id));
    }
    if let Some(information) = &enrollment.information {
        json.insert("optionalDeviceInformation".to_owned(), json!(information));
    }
    json.insert(
        "attestation".to_owned(),
        show_attestation(&enrollment.attestation, shown),
    );
    sealed(json, stored)
}

pub(super) fn show_group(stored: &Stored<Group>, shown: Shown) -> Value {
    let group = &stored.entry;
    let mut json = terms::show(&group.terms, shown);
    json.insert("enrollmentGroupId".to_owned(), json!(group.group_id));
    json.insert("attestation".to_owned(), show_attestation(&group.attestation, shown));
    sealed(json, stored)
}

fn sealed<T>(mut json: Map<String, Value>, stored: &Stored<T>) -> Value {
    let time = |at: DateTime<Utc>| json!(at.to_rfc3339_opts(SecondsFormat::Nanos, true));
    json.insert("etag".to_owned(), json!(stored.etag));
    json.insert("createdDateTimeUtc".to_owned(), time(stored.created));
    json.insert("lastUpdatedDateTimeUtc".to_owned(), time(stored.updated));
    Value::Object(json)
}

#[cfg(test)]
mod tests;
