//! The identity registry: `/devices` and `/devices/{id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::ETAG;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use setpoint_protocol::Key;

use super::body::{IfMatch, JsonBody};
use super::failure::Failure;
use crate::state::{Credentials, Device, Hub, HubError, Thumbprint, Thumbprints, make_keys, matches_etag};

/// Most devices one listing gives (IoT Hub: 1,000).
const LISTING_LIMIT: usize = 1000;

/// What the hub shows for a time that has not come yet.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// A device as a caller writes it. Members that are the hub's to set, which SDKs send back from an earlier read, are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written {
    device_id: Option<String>,
    status: Option<Status>,
    authentication: Option<Authentication>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
enum Status {
    Enabled,
    Disabled,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authentication {
    #[serde(rename = "type")]
    kind: Option<String>,
    symmetric_key: Option<SymmetricKey>,
    #[serde(rename = "x509Thumbprint")]
    thumbprints: Option<WrittenThumbprints>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SymmetricKey {
    primary_key: Option<String>,
    secondary_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenThumbprints {
    primary_thumbprint: Option<String>,
    secondary_thumbprint: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Listing {
    top: Option<usize>,
}

pub(super) async fn list(State(hub): State<Arc<Hub>>, Query(listing): Query<Listing>) -> Json<Vec<Value>> {
    let top = listing.top.unwrap_or(LISTING_LIMIT).min(LISTING_LIMIT);
    Json(hub.devices().iter().take(top).map(show).collect())
}

pub(super) async fn read(State(hub): State<Arc<Hub>>, Path(id): Path<String>) -> Result<Response, Failure> {
    Ok(answer(&hub.device(&id)?))
}

/// Creates a device; with an If-Match header, changes one.
pub(super) async fn write(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    IfMatch(if_match): IfMatch,
    JsonBody(written): JsonBody<Written>,
) -> Result<Response, Failure> {
    if written.device_id.as_ref().is_some_and(|named| *named != id) {
        return Err(Failure::invalid("deviceId in the body is not the one in the path"));
    }
    let mut credentials = written.credentials()?;
    let enabled = written.status.as_ref().map(|status| *status == Status::Enabled);
    if if_match.is_some() {
        let device = hub.device(&id)?;
        check_etag(&device, if_match.as_deref())?;
        if credentials.is_none() && written.wants_keys() && device.credentials.keys().is_none() {
            credentials = Some(make_keys()?.into());
        }
        return Ok(answer(&hub.update_device(&id, credentials, enabled)?));
    }
    let mut device = hub.create_device(&id, credentials)?;
    if enabled == Some(false) {
        device = hub.update_device(&id, None, enabled)?;
    }
    Ok(answer(&device))
}

pub(super) async fn delete(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Failure> {
    check_etag(&hub.device(&id)?, if_match.as_deref())?;
    hub.delete_device(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

fn check_etag(device: &Device, if_match: Option<&str>) -> Result<(), HubError> {
    if matches_etag(if_match, &device.etag) {
        Ok(())
    } else {
        Err(HubError::PreconditionFailed(format!(
            "the identity of {}",
            device.device_id
        )))
    }
}

impl Written {
    /// Whether it says that the device has keys.
    fn wants_keys(&self) -> bool {
        let kind = self.authentication.as_ref().and_then(|given| given.kind.as_deref());
        kind == Some("sas")
    }

    /// The credentials given; none without keys, which means: make them.
    fn credentials(&self) -> Result<Option<Credentials>, Failure> {
        let Some(authentication) = &self.authentication else {
            return Ok(None);
        };
        match authentication.kind.as_deref() {
            None | Some("sas") => authentication.keys(),
            Some("selfSigned") => authentication.thumbprints().map(Some),
            Some(kind) => Err(Failure::invalid(format!(
                "the emulator has symmetric keys (sas) and thumbprints (selfSigned), not {kind:?} authentication"
            ))),
        }
    }
}

/// Empty texts stand for nothing.
fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

impl Authentication {
    fn keys(&self) -> Result<Option<Credentials>, Failure> {
        let Some(keys) = &self.symmetric_key else {
            return Ok(None);
        };
        match (given(&keys.primary_key), given(&keys.secondary_key)) {
            (None, None) => Ok(None),
            (Some(primary), Some(secondary)) => {
                let read = |name: &str, text: &str| {
                    Key::from_base64(text).map_err(|error| Failure::invalid(format!("{name}: {error}")))
                };
                let keys = [read("primaryKey", primary)?, read("secondaryKey", secondary)?];
                Ok(Some(keys.into()))
            }
            _ => Err(Failure::invalid(
                "symmetricKey has one key: give both, or neither to have them made",
            )),
        }
    }

    fn thumbprints(&self) -> Result<Credentials, Failure> {
        let read = |name: &str, text: &str| -> Result<Thumbprint, Failure> {
            text.parse()
                .map_err(|error| Failure::invalid(format!("{name}: {error}")))
        };
        let texts = self.thumbprints.as_ref();
        let primary = texts
            .and_then(|texts| given(&texts.primary_thumbprint))
            .ok_or_else(|| Failure::invalid("x509Thumbprint has no primaryThumbprint, which selfSigned needs"))?;
        let secondary = texts.and_then(|texts| given(&texts.secondary_thumbprint));
        let thumbprints = Thumbprints {
            primary: read("primaryThumbprint", primary)?,
            secondary: secondary.map(|text| read("secondaryThumbprint", text)).transpose()?,
        };
        Ok(thumbprints.into())
    }
}

fn answer(device: &Device) -> Response {
    let headers: [(HeaderName, String); 1] = [(ETAG, format!("\"{}\"", device.etag))];
    (headers, Json(show(device))).into_response()
}

/// The device as the registry shows it to its owner, keys included.
fn show(device: &Device) -> Value {
    let time = |at: Option<DateTime<Utc>>| {
        at.map_or_else(
            || NEVER.to_owned(),
            |at| at.to_rfc3339_opts(SecondsFormat::Micros, true),
        )
    };
    let key = |index: usize| device.credentials.keys()?.get(index).map(Key::to_base64);
    json!({
        "deviceId": device.device_id,
        "generationId": device.generation_id,
        "etag": device.etag,
        "connectionState": if device.connected { "Connected" } else { "Disconnected" },
        "status": if device.enabled { "enabled" } else { "disabled" },
        "statusReason": null,
        "connectionStateUpdatedTime": time(device.connection_changed),
        "statusUpdatedTime": NEVER,
        "lastActivityTime": time(device.last_activity),
        "cloudToDeviceMessageCount": device.waiting_messages,
        "authentication": {
            "symmetricKey": {"primaryKey": key(0), "secondaryKey": key(1)},
            "x509Thumbprint": device.credentials.thumbprints_json(),
            "type": device.credentials.kind(),
        },
        "capabilities": {"iotEdge": false},
    })
}
