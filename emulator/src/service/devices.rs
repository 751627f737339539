//! The identity registry: `/devices/{id}`, `/devices/{id}/modules/{mid}`, their lists and counts.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{IfMatch, JsonBody};
use super::failure::Failure;
use super::identities::{Written, show};
use crate::state::{Device, Hub, make_keys, module_name};

/// Most devices one listing gives (IoT Hub: 1,000).
const LISTING_LIMIT: usize = 1000;

#[derive(Deserialize)]
pub(super) struct Listing {
    top: Option<usize>,
}

pub(super) async fn list(State(hub): State<Arc<Hub>>, Query(listing): Query<Listing>) -> Json<Vec<Value>> {
    let top = listing.top.unwrap_or(LISTING_LIMIT).min(LISTING_LIMIT);
    Json(hub.devices().iter().take(top).map(show).collect())
}

pub(super) async fn read(State(hub): State<Arc<Hub>>, Path(id): Path<String>) -> Result<Response, Failure> {
    Ok(answer(StatusCode::OK, &hub.device(&id)?))
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
    let identity = put(&hub, &id, if_match.as_deref(), written)?;
    Ok(answer(StatusCode::OK, &identity))
}

pub(super) async fn delete(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Failure> {
    hub.delete(&id, if_match.as_deref())?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn list_modules(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Value>>, Failure> {
    Ok(Json(hub.modules(&id)?.iter().map(show).collect()))
}

pub(super) async fn read_module(
    State(hub): State<Arc<Hub>>,
    Path((id, module)): Path<(String, String)>,
) -> Result<Response, Failure> {
    Ok(answer(StatusCode::OK, &hub.device(&module_name(&id, &module))?))
}

/// Creates a module, which is answered with 201; with an If-Match header, changes one.
pub(super) async fn write_module(
    State(hub): State<Arc<Hub>>,
    Path((id, module)): Path<(String, String)>,
    IfMatch(if_match): IfMatch,
    JsonBody(written): JsonBody<Written>,
) -> Result<Response, Failure> {
    let other = |named: &Option<String>, path: &str| named.as_ref().is_some_and(|named| named != path);
    if other(&written.device_id, &id) || other(&written.module_id, &module) {
        return Err(Failure::invalid(
            "deviceId and moduleId in the body are not those in the path",
        ));
    }
    let status = match if_match {
        None => StatusCode::CREATED,
        Some(_) => StatusCode::OK,
    };
    let identity = put(&hub, &module_name(&id, &module), if_match.as_deref(), written)?;
    Ok(answer(status, &identity))
}

pub(super) async fn delete_module(
    State(hub): State<Arc<Hub>>,
    Path((id, module)): Path<(String, String)>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Failure> {
    hub.delete(&module_name(&id, &module), if_match.as_deref())?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /statistics/devices`.
pub(super) async fn count_registered(State(hub): State<Arc<Hub>>) -> Json<Value> {
    let devices = hub.devices();
    let enabled = devices.iter().filter(|device| device.enabled).count();
    Json(json!({
        "totalDeviceCount": devices.len(),
        "enabledDeviceCount": enabled,
        "disabledDeviceCount": devices.len() - enabled,
    }))
}

/// `GET /statistics/service`.
pub(super) async fn count_connected(State(hub): State<Arc<Hub>>) -> Json<Value> {
    let connected = hub.devices().iter().filter(|device| device.connected).count();
    Json(json!({ "connectedDeviceCount": connected }))
}

/// `GET /configurations`: none, since automatic device management is not emulated.
pub(super) async fn no_configurations() -> Json<Value> {
    Json(json!([]))
}

fn put(hub: &Hub, name: &str, if_match: Option<&str>, written: Written) -> Result<Device, Failure> {
    let wants_keys = written.wants_keys();
    let mut change = written.change()?;
    if if_match.is_none() {
        return Ok(hub.create(name, change)?);
    }
    if change.credentials.is_none() && wants_keys && hub.device(name)?.credentials.keys().is_none() {
        change.credentials = Some(make_keys()?.into());
    }
    Ok(hub.update(name, change, if_match)?)
}

fn answer(status: StatusCode, identity: &Device) -> Response {
    let etag = format!("\"{}\"", identity.etag);
    (status, [(ETAG, etag)], Json(show(identity))).into_response()
}
