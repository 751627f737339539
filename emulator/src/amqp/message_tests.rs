#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use fe2o3_amqp_types::messaging::{Body, Message, annotations::OwnedKey, message::DecodeIntoMessage};
use serde_amqp::read::IoReader;

use super::*;
use crate::state::{DeviceEvent, EventKind};

const ENQUEUED: DateTime<Utc> = DateTime::from_timestamp_nanos(1_700_000_000_123_000_000);

fn stored(body: Vec<u8>) -> Stored {
    let text = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    Stored {
        partition: 0,
        sequence: 7,
        offset: 1234,
        event: Arc::new(DeviceEvent {
            device_id: "d".to_owned(),
            module_id: Some("m".to_owned()),
            enqueued: ENQUEUED,
            kind: EventKind::Telemetry,
            body,
            system: text(&[
                ("iothub-connection-device-id", "d"),
                ("iothub-enqueuedtime", "2023-11-14T22:13:20.123Z"),
                ("dt-dataschema", "dtmi:com:example:Thermostat;1"),
                ("message-id", "m-1"),
                ("content-type", "application/json"),
                ("absolute-expiry-time", "no time"),
            ]),
            application: vec![("colour".to_owned(), Some("red".to_owned())), ("none".to_owned(), None)],
        }),
    }
}

fn read(bytes: &[u8]) -> Message<Body<Value>> {
    Body::<Value>::decode_message_from_reader(IoReader::new(bytes)).unwrap()
}

#[test]
fn a_reader_finds_each_property_in_its_place() {
    let message = read(&event(&stored(b"{\"a\":1}".to_vec()), None));
    let annotations = message.message_annotations.unwrap().0;
    for (name, expected) in [
        ("iothub-connection-device-id", Value::from("d")),
        ("iothub-connection-module-id", Value::from("m")),
        ("iothub-enqueuedtime", Value::Timestamp(timestamp(ENQUEUED))),
        ("dt-dataschema", Value::from("dtmi:com:example:Thermostat;1")),
        ("absolute-expiry-time", Value::from("no time")),
        ("x-opt-sequence-number", Value::Long(7)),
        ("x-opt-offset", Value::from("1234")),
        ("x-opt-enqueued-time", Value::Timestamp(timestamp(ENQUEUED))),
    ] {
        assert_eq!(annotations.get(&OwnedKey::from(name)), Some(&expected), "{name}");
    }
    assert_eq!(annotations.len(), 8);
    let properties = message.properties.unwrap();
    assert_eq!(properties.message_id, Some(MessageId::String("m-1".to_owned())));
    assert_eq!(properties.content_type, Some("application/json".into()));
    let application = message.application_properties.unwrap().0;
    assert_eq!(application.get("colour"), Some(&SimpleValue::from("red")));
    assert_eq!(application.get("none"), Some(&SimpleValue::Null));
    assert!(message.delivery_annotations.is_none());
    assert_eq!(message.body.try_into_data().unwrap().next().unwrap(), b"{\"a\":1}");
}

#[test]
fn a_body_of_any_length_arrives() {
    for length in [0, 1, 255, 256, 256 * 1024] {
        let message = read(&event(&stored(vec![b'x'; length]), None));
        assert_eq!(message.body.try_into_data().unwrap().next().unwrap().len(), length);
    }
}

#[test]
fn who_wants_to_know_learns_how_far_behind_it_is() {
    let newest = PartitionProperties {
        begin_sequence: 0,
        last_sequence: 9,
        last_offset: 5000,
        last_enqueued: Some(ENQUEUED),
        is_empty: false,
    };
    let annotations = read(&event(&stored(Vec::new()), Some(newest)))
        .delivery_annotations
        .unwrap()
        .0;
    assert_eq!(
        annotations.get(&OwnedKey::from("last_enqueued_sequence_number")),
        Some(&Value::Long(9))
    );
    assert_eq!(
        annotations.get(&OwnedKey::from("last_enqueued_offset")),
        Some(&Value::from("5000"))
    );
}

#[test]
fn an_answer_names_its_request() {
    let message = read(&answer(Some(MessageId::Ulong(5)), 202, "Accepted", Value::Null));
    assert_eq!(message.properties.unwrap().correlation_id, Some(MessageId::Ulong(5)));
    let application = message.application_properties.unwrap().0;
    assert_eq!(application.get("status-code"), Some(&SimpleValue::Int(202)));
    assert_eq!(
        application.get("statusDescription"),
        Some(&SimpleValue::from("Accepted"))
    );
}
