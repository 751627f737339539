//! Questions about twins: `POST /devices/query`, page by page.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;

use super::body::{JsonBody, text_header};
use super::failure::Failure;
use crate::query::{self, Query, Select, Source};
use crate::state::{Hub, identity_name};

/// Most rows on one page, and how many when the caller does not say (IoT Hub: 100).
const PAGE_LIMIT: usize = 100;

const PAGE_SIZE: HeaderName = HeaderName::from_static("x-ms-max-item-count");
const ITEM_TYPE: HeaderName = HeaderName::from_static("x-ms-item-type");
const CONTINUATION: HeaderName = HeaderName::from_static("x-ms-continuation");

#[derive(Deserialize)]
pub(super) struct Asked {
    query: String,
}

/// Where a page begins, as its caller got it with the page before: `{rows so far}:{the last name}`.
#[derive(Default)]
struct Continuation {
    shown: usize,
    /// Twins are asked in the order of their names, so what is made or deleted between two pages shifts nothing.
    after: String,
}

struct Page {
    rows: Vec<Value>,
    next: Option<Continuation>,
}

pub(super) async fn query(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    JsonBody(asked): JsonBody<Asked>,
) -> Result<Response, Failure> {
    let query = query::parse(&asked.query).map_err(|error| Failure::invalid(error.to_string()))?;
    let size = text_header(&headers, PAGE_SIZE.as_str())?
        .map(|text| text.parse::<usize>().ok().filter(|size| *size > 0))
        .unwrap_or(Some(PAGE_LIMIT))
        .ok_or_else(|| Failure::invalid("x-ms-max-item-count is not a number of at least 1"))?
        .min(PAGE_LIMIT);
    let from = match text_header(&headers, CONTINUATION.as_str())?.filter(|text| !text.is_empty()) {
        Some(text) => Continuation::read(&text)?,
        None => Continuation::default(),
    };
    let Page { rows, next } = if query.is_aggregate() {
        aggregated(&hub, &query, from, size)
    } else {
        page(&hub, &query, from, size)
    };
    let kind = match query.select {
        Select::All => "Twin",
        Select::Items(_) => "Raw",
    };
    let mut response = ([(ITEM_TYPE, kind)], Json(rows)).into_response();
    // Names are ASCII without control characters, as headers are.
    if let Some(next) = next.and_then(|next| format!("{}:{}", next.shown, next.after).parse().ok()) {
        response.headers_mut().insert(CONTINUATION, next);
    }
    Ok(response)
}

impl Continuation {
    fn read(text: &str) -> Result<Continuation, Failure> {
        let parts = text
            .split_once(':')
            .and_then(|(shown, after)| Some((shown.parse().ok()?, after)));
        let (shown, after) =
            parts.ok_or_else(|| Failure::invalid("x-ms-continuation is not what came with the page before"))?;
        Ok(Continuation {
            shown,
            after: after.to_owned(),
        })
    }
}

/// The most rows a query may still give.
fn left(query: &Query, shown: usize) -> usize {
    let top = query
        .top
        .map_or(usize::MAX, |top| usize::try_from(top).unwrap_or(usize::MAX));
    top.saturating_sub(shown)
}

/// One page of twins, or of values of each.
fn page(hub: &Hub, query: &Query, from: Continuation, size: usize) -> Page {
    let mut rows = Vec::new();
    let mut last = from.after;
    let room = size.min(left(query, from.shown));
    let mut found = matching(hub, query, &last.clone());
    for (name, twin) in found.by_ref().take(room) {
        rows.push(query.row(twin));
        last = name;
    }
    let shown = from.shown + rows.len();
    let more = left(query, shown) > 0 && found.next().is_some();
    let next = more.then_some(Continuation { shown, after: last });
    Page { rows, next }
}

/// One page of rows that each stand for many twins.
fn aggregated(hub: &Hub, query: &Query, from: Continuation, size: usize) -> Page {
    let twins: Vec<Value> = matching(hub, query, "").map(|(_, twin)| twin).collect();
    let mut rows = query.rows(&twins);
    rows.truncate(left(query, 0));
    let rest = rows.split_off(from.shown.min(rows.len()));
    let shown = from.shown + rest.len().min(size);
    let more = rest.len() > size;
    Page {
        rows: rest.into_iter().take(size).collect(),
        next: more.then(|| Continuation {
            shown,
            after: String::new(),
        }),
    }
}

/// The twins a query asks for, with their names, from behind `after` on.
fn matching<'a>(hub: &'a Hub, query: &'a Query, after: &str) -> impl Iterator<Item = (String, Value)> + use<'a> {
    let identities = match query.from {
        Source::Devices => hub.devices(),
        Source::Modules => hub.all_modules(),
    };
    let after = after.to_owned();
    identities
        .into_iter()
        .map(|identity| identity_name(&identity.device_id, identity.module_id.as_deref()))
        .filter(move |name| *name > after)
        // One may be deleted between the two looks; then it is not shown.
        .filter_map(|name| hub.twin(&name).ok().map(|twin| (name, twin)))
        .filter(|(_, twin)| query.matches(twin))
}
