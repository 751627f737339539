//! Twins: `/twins/{id}` of devices, `/twins/{id}/modules/{mid}` of modules.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use setpoint_protocol::Document;

use super::body::{IfMatch, JsonBody, Name};
use super::failure::Failure;
use crate::state::Hub;

pub(super) async fn read(State(hub): State<Arc<Hub>>, Name(name): Name) -> Result<Response, Failure> {
    Ok(answer(hub.twin(&name)?))
}

pub(super) async fn patch(
    State(hub): State<Arc<Hub>>,
    Name(name): Name,
    IfMatch(if_match): IfMatch,
    JsonBody(patch): JsonBody<Document>,
) -> Result<Response, Failure> {
    Ok(answer(hub.patch_twin(&name, &patch, if_match.as_deref())?))
}

pub(super) async fn replace(
    State(hub): State<Arc<Hub>>,
    Name(name): Name,
    IfMatch(if_match): IfMatch,
    JsonBody(twin): JsonBody<Document>,
) -> Result<Response, Failure> {
    Ok(answer(hub.replace_twin(&name, &twin, if_match.as_deref())?))
}

fn answer(twin: Value) -> Response {
    let etag = twin.get("etag").and_then(Value::as_str).unwrap_or_default();
    ([(ETAG, format!("\"{etag}\""))], Json(twin)).into_response()
}
