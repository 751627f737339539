#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use fe2o3_amqp_types::{
    definitions::ErrorCondition,
    messaging::{AmqpValue, Data},
    primitives::Uuid,
};
use serde::Serialize;
use setpoint_protocol::Token;

use super::*;
use crate::{identity::Identity, state::OutgoingMessage};

fn encode(sections: &[&dyn Fn() -> Vec<u8>]) -> Vec<u8> {
    sections.iter().flat_map(|section| section()).collect()
}

fn bytes(section: &impl Serialize) -> Vec<u8> {
    serde_amqp::to_vec(section).unwrap()
}

fn application<const N: usize>(pairs: [(&str, SimpleValue); N]) -> Vec<u8> {
    bytes(&ApplicationProperties(
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    ))
}

fn request<const N: usize>(pairs: [(&str, SimpleValue); N], body: Value) -> Vec<u8> {
    let properties = Properties {
        message_id: Some(MessageId::String("1".to_owned())),
        reply_to: Some("back".to_owned()),
        ..Properties::new()
    };
    [bytes(&properties), application(pairs), bytes(&AmqpValue(body))].concat()
}

struct Place {
    hub: Arc<Hub>,
    identity: Arc<Identity>,
    grants: Grants,
}

impl Place {
    fn new() -> Place {
        let identity = Arc::new(Identity::temporary().unwrap());
        Place {
            hub: Hub::new(),
            grants: Grants::new(Arc::clone(&identity)),
            identity,
        }
    }

    fn token(&self) -> String {
        let policy = Some(self.identity.service_policy());
        Token::sign("localhost", self.identity.service_key(), u64::MAX, policy).to_string()
    }

    /// The status and the value of the answer to a request.
    fn ask(&mut self, node: Node, request: &[u8]) -> (i32, Value) {
        let taken = take(&node, request, &self.hub, &mut self.grants);
        assert!(taken.outcome.is_accepted());
        let (address, answer) = taken.answer.unwrap();
        assert_eq!(address.as_deref(), Some("back"));
        let answer = decode(&answer).unwrap();
        assert_eq!(
            answer.properties.unwrap().correlation_id,
            Some(MessageId::String("1".to_owned()))
        );
        let properties = answer.application_properties.unwrap().0;
        let Some(SimpleValue::Int(status)) = properties.get("status-code") else {
            panic!("{properties:?}")
        };
        (*status, answer.body.try_into_value().unwrap())
    }

    /// What became of a message for a device.
    fn send(&mut self, message: &[u8]) -> Result<(), ErrorCondition> {
        match take(&Node::ToDevices, message, &self.hub, &mut self.grants).outcome {
            DeliveryState::Accepted(_) => Ok(()),
            DeliveryState::Rejected(rejected) => Err(rejected.error.unwrap().condition),
            other => panic!("{other:?}"),
        }
    }

    /// The message that waits for a device.
    async fn received(&self, device_id: &str) -> OutgoingMessage {
        use crate::state::{Delivery, Subscription};
        let mut link = self.hub.connect(device_id, true, None).unwrap();
        link.subscribe(Subscription::Messages, Some(0));
        match link.next().await {
            Delivery::Message(message) => message,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_token_is_taken_or_refused() {
    let mut place = Place::new();
    let put = [
        ("operation", "put-token".into()),
        ("type", "servicebus.windows.net:sastoken".into()),
    ];
    let token = place.token();
    assert_eq!(place.ask(Node::Tokens, &request(put.clone(), "nonsense".into())).0, 401);
    assert!(!place.grants.allow("hub"));
    assert_eq!(place.ask(Node::Tokens, &request(put.clone(), Value::Null)).0, 400);
    assert_eq!(place.ask(Node::Tokens, &request([], token.clone().into())).0, 400);
    assert_eq!(place.ask(Node::Tokens, &request(put, token.into())).0, 200);
    assert!(place.grants.allow("hub"));
}

#[test]
fn the_event_hub_tells_what_it_is_to_who_may_know() {
    let mut place = Place::new();
    let token = place.token();
    let hub = |token: &str| {
        [
            ("operation", "READ".into()),
            ("type", "com.microsoft:eventhub".into()),
            ("name", EVENT_HUB.into()),
            ("security_token", token.into()),
        ]
    };
    assert_eq!(place.ask(Node::Management, &request(hub("none"), Value::Null)).0, 401);
    let (status, value) = place.ask(Node::Management, &request(hub(&token), Value::Null));
    let Value::Map(value) = value else { panic!("{value:?}") };
    assert_eq!(status, 200);
    let ids = ["0", "1", "2", "3"].map(Value::from).to_vec();
    assert_eq!(
        value.get(&Value::from("partition_ids")),
        Some(&Value::Array(ids.into()))
    );

    let partition = |id: &str| {
        [
            ("operation", "READ".into()),
            ("type", "com.microsoft:partition".into()),
            ("name", EVENT_HUB.into()),
            ("partition", id.into()),
        ]
    };
    let (status, value) = place.ask(Node::Management, &request(partition("0"), Value::Null));
    let Value::Map(value) = value else { panic!("{value:?}") };
    assert_eq!(status, 200);
    assert_eq!(
        value.get(&Value::from("last_enqueued_sequence_number")),
        Some(&Value::Long(-1))
    );
    assert_eq!(value.get(&Value::from("is_partition_empty")), Some(&Value::Bool(true)));
    assert_eq!(
        place.ask(Node::Management, &request(partition("4"), Value::Null)).0,
        404
    );
    let other = [
        ("operation", "READ".into()),
        ("type", "com.microsoft:eventhub".into()),
        ("name", "other".into()),
    ];
    assert_eq!(place.ask(Node::Management, &request(other, Value::Null)).0, 404);
    let unknown = [("operation", "UPDATE".into()), ("name", EVENT_HUB.into())];
    assert_eq!(place.ask(Node::Management, &request(unknown, Value::Null)).0, 501);
}

#[tokio::test]
async fn a_message_reaches_its_device_with_its_properties() {
    let mut place = Place::new();
    place.hub.create_device("d:1", None).unwrap();
    let properties = Properties {
        to: Some("/devices/d%3A1/messages/devicebound".to_owned()),
        message_id: Some(MessageId::Uuid(Uuid::from([0x11; 16]))),
        correlation_id: Some(MessageId::Ulong(7)),
        content_type: Some("application/json".into()),
        absolute_expiry_time: Some(Timestamp::from_milliseconds(4_000_000_000_000)),
        ..Properties::new()
    };
    let message = encode(&[
        &|| bytes(&properties),
        &|| {
            application([
                ("colour", "red".into()),
                ("count", 3_i32.into()),
                ("sure", true.into()),
                ("none", SimpleValue::Null),
            ])
        },
        &|| bytes(&Data::from(b"{}".to_vec())),
    ]);
    place.send(&message).unwrap();
    let received = place.received("d:1").await;
    assert_eq!(received.body, b"{}");
    for (name, value) in [
        ("$.mid", "11111111-1111-1111-1111-111111111111"),
        ("$.cid", "7"),
        ("$.to", "/devices/d%3A1/messages/devicebound"),
        ("$.ct", "application/json"),
        ("$.exp", "2096-10-02T07:06:40.000Z"),
        ("colour", "red"),
        ("count", "3"),
        ("sure", "true"),
    ] {
        assert_eq!(received.properties.get(name), Some(value), "{name}");
    }
    assert!(received.properties.0.contains(&("none".to_owned(), None)));
}

#[tokio::test]
async fn bodies_of_several_kinds_are_bytes_to_a_device() {
    let mut place = Place::new();
    place.hub.create_device("d", None).unwrap();
    let to = bytes(&Properties {
        to: Some("/devices/d/messages/deviceBound".to_owned()),
        ..Properties::new()
    });
    let data = |text: &str| bytes(&Data::from(text.as_bytes().to_vec()));
    for (body, expected) in [
        ([data("one, "), data("two")].concat(), "one, two"),
        (bytes(&AmqpValue(Value::from("text"))), "text"),
        (bytes(&AmqpValue(Value::Null)), ""),
    ] {
        place.send(&[to.clone(), body].concat()).unwrap();
        assert_eq!(place.received("d").await.body, expected.as_bytes());
    }
    let number = [to, bytes(&AmqpValue(Value::Long(1)))].concat();
    assert_eq!(place.send(&number), Err(AmqpError::NotImplemented.into()));
}

#[test]
fn a_message_that_cannot_be_delivered_is_rejected_with_the_reason() {
    let mut place = Place::new();
    place.hub.create_device("d", None).unwrap();
    let message = |to: &str, size: usize| {
        let properties = Properties {
            to: Some(to.to_owned()),
            ..Properties::new()
        };
        [bytes(&properties), bytes(&Data::from(vec![b'x'; size]))].concat()
    };
    let to = "/devices/d/messages/devicebound";
    for (message, expected) in [
        (
            message("/devices/none/messages/devicebound", 1),
            AmqpError::NotFound.into(),
        ),
        (message("/devices/d", 1), AmqpError::InvalidField.into()),
        (message("", 1), AmqpError::InvalidField.into()),
        (
            message(to, crate::state::MESSAGE_LIMIT + 1),
            fe2o3_amqp_types::definitions::LinkError::MessageSizeExceeded.into(),
        ),
        (vec![0x00, 0x53, 0x73], AmqpError::DecodeError.into()),
    ] {
        assert_eq!(place.send(&message), Err(expected));
    }
    for _ in 0..crate::state::QUEUE_LIMIT {
        place.send(&message(to, 1)).unwrap();
    }
    assert_eq!(
        place.send(&message(to, 1)),
        Err(AmqpError::ResourceLimitExceeded.into())
    );
}
