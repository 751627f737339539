//! The query language, as far as the emulator has it: `SELECT * FROM devices`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::body::{JsonBody, text_header};
use super::failure::Failure;
use crate::state::Hub;

/// Most twins on one page, and how many when the caller does not say (IoT Hub: 100).
const PAGE_LIMIT: usize = 100;

const PAGE_SIZE: HeaderName = HeaderName::from_static("x-ms-max-item-count");
const ITEM_TYPE: HeaderName = HeaderName::from_static("x-ms-item-type");
const CONTINUATION: HeaderName = HeaderName::from_static("x-ms-continuation");

#[derive(Deserialize)]
pub(super) struct Query {
    query: String,
}

pub(super) async fn query(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    JsonBody(query): JsonBody<Query>,
) -> Result<Response, Failure> {
    let words: Vec<String> = query.query.split_whitespace().map(str::to_ascii_lowercase).collect();
    if words != ["select", "*", "from", "devices"] {
        return Err(Failure::invalid(
            "the emulator understands one query so far: SELECT * FROM devices",
        ));
    }
    let page_size = text_header(&headers, PAGE_SIZE.as_str())?
        .map(|text| text.parse::<usize>().ok().filter(|size| *size > 0))
        .unwrap_or(Some(PAGE_LIMIT))
        .ok_or_else(|| Failure::invalid("x-ms-max-item-count is not a number of at least 1"))?
        .min(PAGE_LIMIT);
    // A page continues behind the last device it showed, so devices made or deleted meanwhile shift nothing.
    let after = text_header(&headers, CONTINUATION.as_str())?.unwrap_or_default();
    let ids: Vec<String> = hub
        .devices()
        .into_iter()
        .map(|device| device.device_id)
        .filter(|id| *id > after)
        .collect();
    let page = ids.get(..page_size).unwrap_or(&ids);
    // A device may be deleted between the two looks; then it is not shown.
    let twins: Vec<_> = page.iter().filter_map(|id| hub.twin(id).ok()).collect();
    let mut response = ([(ITEM_TYPE, "Twin")], Json(twins)).into_response();
    if let Some(last) = page.last().filter(|_| page.len() < ids.len()) {
        // Device ids are ASCII without control characters, as headers are.
        if let Ok(value) = last.parse() {
            response.headers_mut().insert(CONTINUATION, value);
        }
    }
    Ok(response)
}
