//! Device twins: `/twins/{id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use setpoint_protocol::Document;

use super::body::{IfMatch, JsonBody};
use super::failure::Failure;
use crate::state::Hub;

pub(super) async fn read(State(hub): State<Arc<Hub>>, Path(id): Path<String>) -> Result<Response, Failure> {
    Ok(answer(hub.twin(&id)?))
}

pub(super) async fn patch(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    IfMatch(if_match): IfMatch,
    JsonBody(patch): JsonBody<Document>,
) -> Result<Response, Failure> {
    Ok(answer(hub.patch_twin(&id, &patch, if_match.as_deref())?))
}

pub(super) async fn replace(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    IfMatch(if_match): IfMatch,
    JsonBody(twin): JsonBody<Document>,
) -> Result<Response, Failure> {
    Ok(answer(hub.replace_twin(&id, &twin, if_match.as_deref())?))
}

fn answer(twin: Value) -> Response {
    let etag = twin.get("etag").and_then(Value::as_str).unwrap_or_default();
    ([(ETAG, format!("\"{etag}\""))], Json(twin)).into_response()
}
