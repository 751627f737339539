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
use crate::state::{Device, DeviceKeys, Hub, HubError, matches_etag};

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
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SymmetricKey {
    primary_key: Option<String>,
    secondary_key: Option<String>,
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
    let keys = written.keys()?;
    let enabled = written.status.as_ref().map(|status| *status == Status::Enabled);
    if if_match.is_some() {
        check_etag(&hub.device(&id)?, if_match.as_deref())?;
        return Ok(answer(&hub.update_device(&id, keys, enabled)?));
    }
    let mut device = hub.create_device(&id, keys)?;
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
    /// The keys given; none when both are empty, which means: make them.
    fn keys(&self) -> Result<Option<DeviceKeys>, Failure> {
        let Some(authentication) = &self.authentication else {
            return Ok(None);
        };
        match authentication.kind.as_deref() {
            None | Some("sas") => {}
            Some(kind) => {
                return Err(Failure::invalid(format!(
                    "the emulator has symmetric keys (sas) only, not {kind:?} authentication"
                )));
            }
        }
        let Some(keys) = &authentication.symmetric_key else {
            return Ok(None);
        };
        let given = |key: &Option<String>| key.clone().filter(|text| !text.is_empty());
        match (given(&keys.primary_key), given(&keys.secondary_key)) {
            (None, None) => Ok(None),
            (Some(primary), Some(secondary)) => {
                let read = |name: &str, text: &str| {
                    Key::from_base64(text).map_err(|error| Failure::invalid(format!("{name}: {error}")))
                };
                Ok(Some([read("primaryKey", &primary)?, read("secondaryKey", &secondary)?]))
            }
            _ => Err(Failure::invalid(
                "symmetricKey has one key: give both, or neither to have them made",
            )),
        }
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
    let [primary, secondary] = &device.keys;
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
            "symmetricKey": {"primaryKey": primary.to_base64(), "secondaryKey": secondary.to_base64()},
            "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null},
            "type": "sas",
        },
        "capabilities": {"iotEdge": false},
    })
}
