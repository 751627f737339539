//! Messages as services see them: what devices sent, and answers to requests.
//!
//! Source: Microsoft, "Create and read IoT Hub messages", "System properties", and what the SDKs read.

use chrono::{DateTime, Utc};
use fe2o3_amqp_types::messaging::{
    AmqpValue, ApplicationProperties, DeliveryAnnotations, Header, MessageAnnotations, MessageId, Properties,
    annotations::Annotations,
};
use fe2o3_amqp_types::primitives::SimpleValue;
use serde::Serialize;
use serde_amqp::{Value, primitives::Timestamp};

use crate::state::endpoint::{PartitionProperties, Stored};
use crate::state::{Feedback, FeedbackBatch};

/// A message of the event log, encoded. `newest` is added when the reader wants to know how far behind it is.
pub(super) fn event(stored: &Stored, newest: Option<PartitionProperties>) -> Vec<u8> {
    let event = &stored.event;
    let mut annotations = Annotations::new();
    let mut properties = Properties::new();
    for (name, value) in &event.system {
        if !set(&mut properties, name, value) {
            annotations.insert(name.as_str().into(), annotation(name, value));
        }
    }
    if let Some(module) = &event.module_id {
        annotations.insert("iothub-connection-module-id".into(), Value::String(module.clone()));
    }
    let sequence = i64::try_from(stored.sequence).unwrap_or(i64::MAX);
    annotations.insert("x-opt-sequence-number".into(), Value::Long(sequence));
    annotations.insert("x-opt-offset".into(), Value::String(stored.offset.to_string()));
    annotations.insert(
        "x-opt-enqueued-time".into(),
        Value::Timestamp(timestamp(event.enqueued)),
    );

    let mut bytes = Vec::with_capacity(event.body.len() + 1024);
    if let Some(newest) = newest {
        section(&mut bytes, &DeliveryAnnotations(newest_of(newest)));
    }
    section(&mut bytes, &MessageAnnotations(annotations));
    if properties != Properties::new() {
        section(&mut bytes, &properties);
    }
    if !event.application.is_empty() {
        let application = event.application.iter().map(|(name, value)| {
            let value = value.as_deref().map_or(SimpleValue::Null, SimpleValue::from);
            (name.clone(), value)
        });
        section(&mut bytes, &ApplicationProperties(application.collect()));
    }
    data(&mut bytes, &event.body);
    bytes
}

/// The content type of feedback (Microsoft: "Message feedback").
const FEEDBACK_TYPE: &str = "application/vnd.microsoft.iothub.feedback.json";

/// A batch of feedback, encoded.
pub(super) fn feedback(batch: &FeedbackBatch) -> Vec<u8> {
    let enqueued = || Value::Timestamp(timestamp(batch.enqueued));
    let mut annotations = Annotations::new();
    // The hub's own name, and the one that queues have for it: SDKs look for either.
    annotations.insert("iothub-enqueuedtime".into(), enqueued());
    annotations.insert("x-opt-enqueued-time".into(), enqueued());
    let properties = Properties {
        message_id: Some(MessageId::String(batch.lock_token.clone())),
        content_type: Some(FEEDBACK_TYPE.into()),
        content_encoding: Some("utf-8".into()),
        ..Properties::new()
    };
    let header = Header {
        delivery_count: batch.deliveries.saturating_sub(1),
        ..Header::default()
    };
    let records: Vec<_> = batch.records.iter().map(Feedback::to_json).collect();
    let mut bytes = Vec::new();
    section(&mut bytes, &header);
    section(&mut bytes, &MessageAnnotations(annotations));
    section(&mut bytes, &properties);
    data(&mut bytes, serde_json::Value::Array(records).to_string().as_bytes());
    bytes
}

/// An answer to a request, encoded: its status under both names that clients look for, and a value.
pub(super) fn answer(request: Option<MessageId>, status: i32, words: &str, value: Value) -> Vec<u8> {
    let properties = Properties {
        correlation_id: request,
        ..Properties::new()
    };
    let application = [
        ("status-code", SimpleValue::Int(status)),
        ("status-description", SimpleValue::from(words)),
        ("statusCode", SimpleValue::Int(status)),
        ("statusDescription", SimpleValue::from(words)),
    ];
    let application = application
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let mut bytes = Vec::new();
    section(&mut bytes, &properties);
    section(&mut bytes, &ApplicationProperties(application));
    section(&mut bytes, &AmqpValue(value));
    bytes
}

/// Puts a system property in its place among the message's properties; false when it has none there.
fn set(properties: &mut Properties, name: &str, value: &str) -> bool {
    let text = || value.to_owned();
    match name {
        "message-id" => properties.message_id = Some(MessageId::String(text())),
        "correlation-id" => properties.correlation_id = Some(MessageId::String(text())),
        "user-id" => properties.user_id = Some(value.as_bytes().to_vec().into()),
        "to" => properties.to = Some(text()),
        "content-type" => properties.content_type = Some(value.into()),
        "content-encoding" => properties.content_encoding = Some(value.into()),
        "absolute-expiry-time" => match value.parse() {
            Ok(time) => properties.absolute_expiry_time = Some(timestamp(time)),
            Err(_) => return false,
        },
        _ => return false,
    }
    true
}

/// Times are times; the rest is text.
fn annotation(name: &str, value: &str) -> Value {
    match (name, value.parse()) {
        ("iothub-enqueuedtime" | "iothub-creation-time-utc", Ok(time)) => Value::Timestamp(timestamp(time)),
        _ => Value::String(value.to_owned()),
    }
}

/// The runtime metric of Event Hubs (capability `com.microsoft:enable-receiver-runtime-metric`).
fn newest_of(newest: PartitionProperties) -> Annotations {
    let mut annotations = Annotations::new();
    annotations.insert(
        "last_enqueued_sequence_number".into(),
        Value::Long(newest.last_sequence),
    );
    annotations.insert(
        "last_enqueued_offset".into(),
        Value::String(newest.last_offset.to_string()),
    );
    let enqueued = newest
        .last_enqueued
        .map_or(Value::Null, |time| Value::Timestamp(timestamp(time)));
    annotations.insert("last_enqueued_time_utc".into(), enqueued);
    annotations.insert(
        "runtime_info_retrieval_time_utc".into(),
        Value::Timestamp(timestamp(Utc::now())),
    );
    annotations
}

/// A time as AMQP has it.
pub(super) fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp::from_milliseconds(time.timestamp_millis())
}

fn section(bytes: &mut Vec<u8>, section: &impl Serialize) {
    match serde_amqp::to_vec(section) {
        Ok(section) => bytes.extend_from_slice(&section),
        // Nothing that is written here is of a kind that cannot be.
        Err(error) => tracing::error!("an AMQP message could not be written: {error}"),
    }
}

/// The section `amqp:data:binary`, written here so that a body is copied once.
fn data(bytes: &mut Vec<u8>, body: &[u8]) {
    bytes.extend_from_slice(&[0x00, 0x53, 0x75]);
    match u8::try_from(body.len()) {
        Ok(length) => bytes.extend_from_slice(&[0xa0, length]),
        Err(_) => {
            bytes.push(0xb0);
            bytes.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
    bytes.extend_from_slice(body);
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
