//! What devices do, as server-sent events: `GET /setpoint/events[?device={id}]`. This project's own; the real hub has AMQP for it.
//!
//! Each event has an id, by which a reader that comes back (`Last-Event-ID`, as browsers send it of themselves) goes on where it was:
//! it gets the telemetry it has missed from the built-in endpoint. Connections and reports are told as they happen, and not kept.

mod place;
mod reader;

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use chrono::SecondsFormat;
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use crate::keeping::Keeping;
use crate::state::{DeviceEvent, EventKind, Hub};
use reader::Reader;

/// The header by which a reader says what it had last (WHATWG HTML, "Server-sent events").
const LAST: &str = "last-event-id";

#[derive(Deserialize)]
pub(super) struct Wanted {
    device: Option<String>,
}

/// One JSON object for each event, of one device or of all: from now on, or after the one named in `Last-Event-ID`. A reader for which
/// some are lost is told how many, `{"missed": n}`.
pub(super) async fn stream(
    State(hub): State<Arc<Hub>>,
    Query(wanted): Query<Wanted>,
    keeping: Option<Extension<Keeping>>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    if let Some(id) = &wanted.device {
        hub.device(id)?;
    }
    let Extension(keeping) = keeping.unwrap_or_default();
    let last = headers.get(LAST).and_then(|last| last.to_str().ok());
    let reader = Reader::begin(hub, wanted.device, last).await;
    // Sets the id and is no event: who is cut off before the first one comes back for it.
    let begin = stream::iter([Ok(Event::default().id(reader.place()))]);
    let events = stream::unfold((reader, keeping), |(mut reader, keeping)| async move {
        let events = reader.next().await?;
        // What was seen must not be lost, for its number would come again with something else.
        keeping.settled().await;
        Some((stream::iter(events.into_iter().map(Ok)), (reader, keeping)))
    });
    Ok(Sse::new(begin.chain(events.flatten())).keep_alive(KeepAlive::default()))
}

fn show(event: &DeviceEvent) -> Value {
    let kind = match event.kind {
        EventKind::Telemetry => "telemetry",
        EventKind::Reported => "reported",
        EventKind::Connected => "connected",
        EventKind::Disconnected => "disconnected",
    };
    let system: Map<String, Value> = event
        .system
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let application: Map<String, Value> = event
        .application
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let mut shown = json!({
        "deviceId": event.device_id,
        "kind": kind,
        "enqueuedTime": event.enqueued.to_rfc3339_opts(SecondsFormat::Millis, true),
        "systemProperties": system,
        "properties": application,
        "body": body(&event.body),
    });
    if let (Some(module), Value::Object(shown)) = (&event.module_id, &mut shown) {
        shown.insert("moduleId".to_owned(), json!(module));
    }
    shown
}

/// JSON as JSON, other text as a string, nothing as null. Bytes that are no text become one with replacement characters.
fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| {
        let text: Cow<'_, str> = String::from_utf8_lossy(bytes);
        Value::String(text.into_owned())
    })
}
