//! Cloud-to-device messages and what became of them.
//!
//! Emptying a queue and reading feedback are the real hub's. It takes messages to send over AMQP alone; `POST
//! /messages/devicebound` is this project's, with the headers that the hub's HTTPS API gives a device with a message.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use setpoint_protocol::PropertyBag;

use super::body::{RawBody, text_header};
use super::failure::Failure;
use crate::state::{CloudMessage, Feedback, Hub, module_name};

const TO: &str = "iothub-to";
const EXPIRY: &str = "iothub-expiry";

/// The content type of feedback (Microsoft: "Message feedback").
const FEEDBACK_TYPE: &str = "application/vnd.microsoft.iothub.feedback.json";

const LOCK_TOKEN: HeaderName = HeaderName::from_static("iothub-messagelocktoken");
const ENQUEUED: HeaderName = HeaderName::from_static("iothub-enqueuedtime");
const DELIVERIES: HeaderName = HeaderName::from_static("iothub-deliverycount");

/// A header, and the system property it becomes.
const SYSTEM: [(&str, &str); 3] = [
    ("iothub-messageid", "$.mid"),
    ("iothub-correlationid", "$.cid"),
    ("iothub-userid", "$.uid"),
];

/// What application properties begin with.
const APPLICATION: &str = "iothub-app-";

/// Application properties as they stand in a topic, `name=value&..`, URL-encoded: headers lose the case of their names.
const BAG: &str = "iothub-properties";

/// `POST /messages/devicebound`: the message is the body, whom it is for says `iothub-to`.
pub(super) async fn send(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<StatusCode, Failure> {
    let to = text_header(&headers, TO)?.unwrap_or_default();
    let name = addressee(&to).ok_or_else(|| {
        Failure::invalid(format!(
            "{TO} is {to:?}: it must be /devices/{{id}}/messages/devicebound, or /devices/{{id}}/modules/{{id}}/messages/devicebound"
        ))
    })?;
    let message = CloudMessage {
        body: body.to_vec(),
        properties: properties(&headers)?,
        expires: expiry(&headers)?,
    };
    hub.send_to_device(&name, message)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The device, or `device/module`, in an address.
fn addressee(to: &str) -> Option<String> {
    let (to, tail) = to.strip_prefix("/devices/")?.split_once("/messages/")?;
    if !tail.eq_ignore_ascii_case("devicebound") {
        return None;
    }
    match to.split_once("/modules/") {
        Some((device, module)) => Some(module_name(device, module)),
        None => Some(to.to_owned()),
    }
}

fn properties(headers: &HeaderMap) -> Result<PropertyBag, Failure> {
    let mut properties = PropertyBag::default();
    let mut add = |name: &str, value: String| properties.0.push((name.to_owned(), Some(value)));
    let content = [(CONTENT_TYPE.as_str(), "$.ct"), (CONTENT_ENCODING.as_str(), "$.ce")];
    for (header, name) in SYSTEM.into_iter().chain(content) {
        if let Some(value) = text_header(headers, header)? {
            add(name, value);
        }
    }
    if let Some(ack) = text_header(headers, "iothub-ack")? {
        if !["none", "positive", "negative", "full"].contains(&ack.as_str()) {
            return Err(Failure::invalid(format!(
                "iothub-ack is {ack:?}: it must be none, positive, negative or full"
            )));
        }
        add("iothub-ack", ack);
    }
    for header in headers.keys() {
        if let Some(name) = header.as_str().strip_prefix(APPLICATION) {
            add(name, text_header(headers, header.as_str())?.unwrap_or_default());
        }
    }
    if let Some(text) = text_header(headers, BAG)? {
        let bag = PropertyBag::parse(&text).map_err(|error| Failure::invalid(format!("{BAG}: {error}")))?;
        if let Some((name, _)) = bag.0.iter().find(|(name, _)| name.starts_with('$')) {
            return Err(Failure::invalid(format!(
                "{BAG}: {name} is a system property: it has a header of its own"
            )));
        }
        properties.0.extend(bag.0);
    }
    Ok(properties)
}

fn expiry(headers: &HeaderMap) -> Result<Option<DateTime<Utc>>, Failure> {
    let Some(text) = text_header(headers, EXPIRY)? else {
        return Ok(None);
    };
    let parsed = DateTime::parse_from_rfc3339(&text).map_err(|_| {
        Failure::invalid(format!(
            "{EXPIRY} is {text:?}: it must be a time as in 2026-01-01T00:00:00Z"
        ))
    })?;
    Ok(Some(parsed.to_utc()))
}

/// `DELETE /devices/{id}/commands`.
pub(super) async fn purge(State(hub): State<Arc<Hub>>, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let purged = hub.purge_messages(&id)?;
    Ok(Json(
        json!({"totalMessagesPurged": purged, "deviceId": id, "moduleId": null}),
    ))
}

/// `GET /messages/serviceBound/feedback`: a batch, locked for 60 s under the token in the ETag, or 204 when there is none.
pub(super) async fn receive_feedback(State(hub): State<Arc<Hub>>) -> Response {
    let Some(batch) = hub.receive_feedback() else {
        return StatusCode::NO_CONTENT.into_response();
    };
    let records: Vec<Value> = batch.records.iter().map(Feedback::to_json).collect();
    let headers = [
        (ETAG, format!("\"{}\"", batch.lock_token)),
        (LOCK_TOKEN, batch.lock_token.clone()),
        (ENQUEUED, time(batch.enqueued)),
        (DELIVERIES, batch.deliveries.to_string()),
        (CONTENT_TYPE, FEEDBACK_TYPE.to_owned()),
    ];
    (headers, Value::Array(records).to_string()).into_response()
}

/// `DELETE /messages/serviceBound/feedback/{lockToken}`.
pub(super) async fn complete_feedback(
    State(hub): State<Arc<Hub>>,
    Path(token): Path<String>,
) -> Result<StatusCode, Failure> {
    hub.complete_feedback(token.trim_matches('"'))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /messages/serviceBound/feedback/{lockToken}/abandon`.
pub(super) async fn abandon_feedback(
    State(hub): State<Arc<Hub>>,
    Path(token): Path<String>,
) -> Result<StatusCode, Failure> {
    hub.abandon_feedback(token.trim_matches('"'))?;
    Ok(StatusCode::NO_CONTENT)
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
