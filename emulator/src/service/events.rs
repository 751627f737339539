//! What devices do, as server-sent events: `GET /setpoint/events[?device={id}]`. This project's own; the real hub has AMQP for it.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use chrono::SecondsFormat;
use futures_util::{Stream, stream};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::failure::Failure;
use crate::state::{DeviceEvent, EventKind, Hub};

#[derive(Deserialize)]
pub(super) struct Wanted {
    device: Option<String>,
}

/// One JSON object for each event from now on, of one device or of all. A reader that falls behind what the hub keeps is told
/// how many it missed, `{"missed": n}`.
pub(super) async fn stream(
    State(hub): State<Arc<Hub>>,
    Query(wanted): Query<Wanted>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    if let Some(id) = &wanted.device {
        hub.device(id)?;
    }
    let events = stream::unfold((hub.subscribe(), wanted), |(mut events, wanted)| async move {
        let event = next(&mut events, wanted.device.as_deref()).await?;
        Some((Ok(Event::default().data(event.to_string())), (events, wanted)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

async fn next(events: &mut Receiver<Arc<DeviceEvent>>, device: Option<&str>) -> Option<Value> {
    loop {
        match events.recv().await {
            Ok(event) if device.is_none_or(|wanted| wanted == event.device_id) => return Some(show(&event)),
            Ok(_) => {}
            Err(RecvError::Lagged(missed)) => return Some(json!({ "missed": missed })),
            Err(RecvError::Closed) => return None,
        }
    }
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
