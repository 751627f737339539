//! What services send: tokens, questions about the event hub, and messages for devices.
//!
//! Sources: OASIS AMQP Claims-based Security 1.0; Microsoft, "AMQP request/response-based operations in Event Hubs" and
//! "Communicate with your IoT hub by using the AMQP protocol".

use chrono::DateTime;
use fe2o3_amqp_types::{
    definitions::{AmqpError, Error},
    messaging::{
        Accepted, ApplicationProperties, Body, DeliveryState, Message, MessageId, Properties, Rejected,
        message::DecodeIntoMessage,
    },
    primitives::SimpleValue,
};
use serde_amqp::{
    Value,
    primitives::{OrderedMap, Timestamp},
    read::IoReader,
};
use setpoint_protocol::PropertyBag;

use super::{
    fault,
    grants::Grants,
    message::{answer, timestamp},
    node::{EVENT_HUB, Node},
    shape,
};
use crate::state::{CloudMessage, Hub};

/// The time that the real service gives for a message that never was: the first year.
const NEVER: i64 = -62_135_596_800_000;

/// What became of a message.
pub(super) struct Taken {
    /// What its sender is told.
    pub(super) outcome: DeliveryState,
    /// What is to be sent on a link back, and the address that it is asked for.
    pub(super) answer: Option<(Option<String>, Vec<u8>)>,
}

impl From<Result<(), Error>> for Taken {
    fn from(result: Result<(), Error>) -> Taken {
        let outcome = match result {
            Ok(()) => DeliveryState::Accepted(Accepted {}),
            Err(error) => DeliveryState::Rejected(Rejected { error: Some(error) }),
        };
        Taken { outcome, answer: None }
    }
}

/// Takes a message that was sent to a node.
pub(super) fn take(node: &Node, bytes: &[u8], hub: &Hub, grants: &mut Grants) -> Taken {
    let Some(message) = decode(bytes) else {
        return Err(fault::error(AmqpError::DecodeError, "the message cannot be read")).into();
    };
    let (status, words, value) = match node {
        Node::Tokens => put_token(&message, grants),
        Node::Management => manage(&message, hub, grants),
        Node::ToDevices => return to_device(message, hub).into(),
        Node::Events { .. } | Node::Feedback => {
            return Err(fault::not_allowed("an event hub takes no messages here")).into();
        }
    };
    let properties = message.properties.unwrap_or_default();
    Taken {
        answer: Some((
            properties.reply_to,
            answer(properties.message_id, status, &words, value),
        )),
        ..Ok(()).into()
    }
}

fn decode(bytes: &[u8]) -> Option<Message<Body<Value>>> {
    shape::check_all(bytes).ok()?;
    Body::<Value>::decode_message_from_reader(IoReader::new(bytes)).ok()
}

type Answer = (i32, String, Value);

fn refuse(status: i32, words: impl Into<String>) -> Answer {
    (status, words.into(), Value::Null)
}

fn put_token(message: &Message<Body<Value>>, grants: &mut Grants) -> Answer {
    if property(message, "operation") != Some("put-token") {
        return refuse(400, "the operation must be put-token");
    }
    let Body::Value(token) = &message.body else {
        return refuse(400, "the body must be the token, as an AMQP value");
    };
    let Value::String(token) = &token.0 else {
        return refuse(400, "the token must be a text");
    };
    match grants.add(token) {
        // As IoT Hub says it, and its SDK for Node takes nothing else; Event Hubs says 202, and its SDKs take either.
        Ok(()) => (200, "OK".to_owned(), Value::Null),
        Err(reason) => {
            tracing::warn!(reason, "AMQP token refused");
            refuse(401, format!("InvalidSignature: {reason}"))
        }
    }
}

fn manage(message: &Message<Body<Value>>, hub: &Hub, grants: &mut Grants) -> Answer {
    if let Some(token) = property(message, "security_token") {
        // Only of use to a connection that has put no token; the answer says when it was none.
        let _ = grants.add(token);
    }
    if !grants.allow(&format!("{EVENT_HUB}/$management")) {
        return refuse(
            401,
            "Unauthorized access: put a token to $cbs, or send it as security_token",
        );
    }
    let name = property(message, "name").unwrap_or_default();
    if !name.eq_ignore_ascii_case(EVENT_HUB) && !name.eq_ignore_ascii_case("messages/events") {
        return refuse(
            404,
            format!("The messaging entity {name:?} could not be found: the event hub is {EVENT_HUB:?}"),
        );
    }
    match (property(message, "operation"), property(message, "type")) {
        (Some("READ"), Some(kind @ "com.microsoft:eventhub")) => {
            let ids = (0..hub.endpoint().partitions()).map(|id| Value::String(id.to_string()));
            let value = map([
                ("name", name.into()),
                ("type", kind.into()),
                ("created_at", Value::Timestamp(timestamp(hub.endpoint().created()))),
                (
                    "partition_count",
                    Value::Int(i32::try_from(hub.endpoint().partitions()).unwrap_or(i32::MAX)),
                ),
                ("partition_ids", Value::Array(ids.collect::<Vec<_>>().into())),
            ]);
            (200, "OK".to_owned(), value)
        }
        (Some("READ"), Some(kind @ "com.microsoft:partition")) => {
            let id = property(message, "partition").unwrap_or_default();
            let found = id.parse().ok().and_then(|number| hub.endpoint().properties(number));
            let Some(found) = found else {
                return refuse(404, format!("The specified partition {id:?} is invalid"));
            };
            let begin = i64::try_from(found.begin_sequence).unwrap_or(i64::MAX);
            let enqueued = found
                .last_enqueued
                .map_or(Timestamp::from_milliseconds(NEVER), timestamp);
            let value = map([
                ("name", name.into()),
                ("type", kind.into()),
                ("partition", id.into()),
                ("begin_sequence_number", Value::Long(begin)),
                ("last_enqueued_sequence_number", Value::Long(found.last_sequence)),
                ("last_enqueued_offset", Value::String(found.last_offset.to_string())),
                ("last_enqueued_time_utc", Value::Timestamp(enqueued)),
                ("is_partition_empty", Value::Bool(found.is_empty)),
            ]);
            (200, "OK".to_owned(), value)
        }
        _ => refuse(
            501,
            "the emulator answers READ of com.microsoft:eventhub and com.microsoft:partition",
        ),
    }
}

fn to_device(message: Message<Body<Value>>, hub: &Hub) -> Result<(), Error> {
    let properties = message.properties.unwrap_or_default();
    let to = properties.to.as_deref().unwrap_or_default();
    let device_id = addressee(to, hub).ok_or_else(|| {
        fault::error(
            AmqpError::InvalidField,
            "the property to must be /devices/{id}/messages/devicebound",
        )
    })?;
    let expires = properties
        .absolute_expiry_time
        .as_ref()
        .and_then(|time| DateTime::from_timestamp_millis(time.milliseconds()));
    let message = CloudMessage {
        body: body(message.body)
            .ok_or_else(|| fault::error(AmqpError::NotImplemented, "the body must be data, a text or bytes"))?,
        properties: bag(&properties, message.application_properties),
        expires,
    };
    hub.send_to_device(&device_id, message)
        .map_err(|error| fault::hub(&error))
}

/// The device of `/devices/{id}/messages/devicebound`. The Node SDK encodes the id as in a URL, the Python SDK does not.
fn addressee(to: &str, hub: &Hub) -> Option<String> {
    let (id, _) = to
        .trim_start_matches('/')
        .strip_prefix("devices/")?
        .split_once('/')
        .filter(|(_, rest)| rest.eq_ignore_ascii_case("messages/devicebound"))?;
    if hub.device(id).is_ok() {
        return Some(id.to_owned());
    }
    // A property bag of one name is a URL-encoded text.
    let decoded = PropertyBag::parse(id).ok().and_then(|bag| bag.0.into_iter().next());
    Some(decoded.map_or_else(|| id.to_owned(), |(name, _)| name))
}

fn body(body: Body<Value>) -> Option<Vec<u8>> {
    match body {
        Body::Data(data) => Some(data.into_iter().flat_map(|data| data.0.into_vec()).collect()),
        Body::Empty => Some(Vec::new()),
        Body::Value(value) => match value.0 {
            Value::String(text) => Some(text.into_bytes()),
            Value::Binary(bytes) => Some(bytes.into_vec()),
            Value::Null => Some(Vec::new()),
            _ => None,
        },
        Body::Sequence(_) => None,
    }
}

/// What a device sees of a message's properties.
fn bag(properties: &Properties, application: Option<ApplicationProperties>) -> PropertyBag {
    let expires = properties
        .absolute_expiry_time
        .as_ref()
        .and_then(|time| DateTime::from_timestamp_millis(time.milliseconds()))
        .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
    let user = properties
        .user_id
        .as_ref()
        .map(|user| String::from_utf8_lossy(user).into_owned());
    let system = [
        ("$.mid", properties.message_id.as_ref().map(id)),
        ("$.cid", properties.correlation_id.as_ref().map(id)),
        ("$.uid", user),
        ("$.to", properties.to.clone()),
        (
            "$.ct",
            properties.content_type.as_ref().map(|text| text.as_str().to_owned()),
        ),
        (
            "$.ce",
            properties
                .content_encoding
                .as_ref()
                .map(|text| text.as_str().to_owned()),
        ),
        ("$.exp", expires),
    ];
    let system = system
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name.to_owned(), Some(value))));
    let application = application.map(|properties| properties.0).unwrap_or_default();
    let application = application.into_iter().map(|(name, value)| (name, text(value)));
    PropertyBag(system.chain(application).collect())
}

fn id(id: &MessageId) -> String {
    match id {
        MessageId::Ulong(number) => number.to_string(),
        MessageId::Uuid(uuid) => Value::Uuid(uuid.clone()).to_string(),
        MessageId::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        MessageId::String(text) => text.clone(),
    }
}

/// A property's value as a device sees it: text.
fn text(value: SimpleValue) -> Option<String> {
    Some(match value {
        SimpleValue::Null => return None,
        SimpleValue::String(text) => text,
        SimpleValue::Symbol(symbol) => symbol.0,
        SimpleValue::Char(character) => character.to_string(),
        SimpleValue::Binary(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        other => Value::from(other).to_string(),
    })
}

fn property<'a>(message: &'a Message<Body<Value>>, name: &str) -> Option<&'a str> {
    match message.application_properties.as_ref()?.0.get(name)? {
        SimpleValue::String(text) => Some(text),
        _ => None,
    }
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let mut map = OrderedMap::new();
    for (name, value) in entries {
        map.insert(Value::from(name), value);
    }
    Value::Map(map)
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
