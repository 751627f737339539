use super::*;
use rumqttc::PubAck;
use serde_json::{Value, json};
use setpoint_protocol::twin::Document;

fn exchange() -> Exchange {
    Exchange::new("dev-1")
}

fn document(json: Value) -> Document {
    json.as_object().unwrap().clone()
}

fn telemetry(body: &str) -> Outgoing {
    Outgoing::Telemetry {
        component: None,
        body: body.to_owned(),
        properties: Vec::new(),
    }
}

/// Hands a message over, which goes out in this packet.
fn send_in(exchange: &mut Exchange, packet_id: u16, id: u64, outgoing: &Outgoing) {
    exchange.send(id, outgoing).unwrap();
    exchange.sent(packet_id, outgoing, id);
}

fn acknowledged(packet_id: u16) -> Packet {
    Packet::PubAck(PubAck::new(packet_id))
}

fn published(topic: &str, body: &str) -> Packet {
    Packet::Publish(Publish::new(topic, QoS::AtLeastOnce, body))
}

fn events(exchange: &mut Exchange) -> Vec<Event> {
    std::iter::from_fn(|| exchange.pop()).collect()
}

#[test]
fn telemetry_carries_its_properties_in_the_topic() {
    let message = exchange().send(1, &telemetry(r#"{"temperature":21}"#)).unwrap();
    assert_eq!(
        message.topic,
        "devices/dev-1/messages/events/%24.ct=application%2Fjson&%24.ce=utf-8"
    );
    assert_eq!(message.body, br#"{"temperature":21}"#.as_slice());
    let outgoing = Outgoing::Telemetry {
        component: Some("thermostat1".to_owned()),
        body: "{}".to_owned(),
        properties: vec![("alarm level".to_owned(), "a/b".to_owned())],
    };
    let message = exchange().send(1, &outgoing).unwrap();
    let expected =
        "devices/dev-1/messages/events/%24.ct=application%2Fjson&%24.ce=utf-8&%24.sub=thermostat1&alarm%20level=a%2Fb";
    assert_eq!(message.topic, expected);
}

#[test]
fn the_other_messages_go_to_their_topics() {
    let message = exchange().send(7, &Outgoing::GetTwin).unwrap();
    assert_eq!(
        (&message.topic[..], &message.body[..]),
        (b"$iothub/twin/GET/?$rid=7".as_slice(), b"".as_slice())
    );
    let message = exchange()
        .send(8, &Outgoing::Report(document(json!({"a": null}))))
        .unwrap();
    assert_eq!(message.topic, "$iothub/twin/PATCH/properties/reported/?$rid=8");
    assert_eq!(message.body, br#"{"a":null}"#.as_slice());
    let response = Outgoing::Response {
        rid: "1f".to_owned(),
        status: 404,
        payload: "null".to_owned(),
    };
    let message = exchange().send(9, &response).unwrap();
    assert_eq!(
        (&message.topic[..], &message.body[..]),
        (b"$iothub/methods/res/404/?$rid=1f".as_slice(), b"null".as_slice())
    );
}

#[test]
fn telemetry_is_delivered_when_its_own_packet_is_acknowledged() {
    let mut exchange = exchange();
    send_in(&mut exchange, 1, 10, &telemetry("{}"));
    send_in(&mut exchange, 2, 11, &Outgoing::GetTwin);
    send_in(&mut exchange, 3, 12, &telemetry("{}"));
    exchange.observe(acknowledged(3)).unwrap();
    exchange.observe(acknowledged(2)).unwrap();
    assert_eq!(
        events(&mut exchange),
        [Event::Delivered(12)],
        "a question's PUBACK is no delivery"
    );
    assert!(!exchange.is_idle());
    exchange.observe(acknowledged(1)).unwrap();
    assert_eq!(events(&mut exchange), [Event::Delivered(10)]);
    assert!(exchange.is_idle());
}

#[test]
fn a_packet_id_is_used_again() {
    let mut exchange = exchange();
    for id in [10, 11] {
        send_in(&mut exchange, 1, id, &telemetry("{}"));
        exchange.observe(acknowledged(1)).unwrap();
        exchange.observe(acknowledged(1)).unwrap();
        assert_eq!(events(&mut exchange), [Event::Delivered(id)]);
    }
}

#[test]
fn a_report_is_delivered_by_its_answer_alone() {
    let mut exchange = exchange();
    send_in(&mut exchange, 1, 5, &Outgoing::Report(Document::new()));
    exchange.observe(acknowledged(1)).unwrap();
    assert_eq!(events(&mut exchange), []);
    exchange
        .observe(published("$iothub/twin/res/204/?$rid=5&$version=3", ""))
        .unwrap();
    exchange
        .observe(published("$iothub/twin/res/204/?$rid=5&$version=3", ""))
        .unwrap();
    assert_eq!(events(&mut exchange), [Event::Delivered(5)]);
}

#[test]
fn a_refused_request_says_its_status() {
    let mut exchange = exchange();
    exchange.send(5, &Outgoing::Report(Document::new())).unwrap();
    exchange.send(6, &Outgoing::GetTwin).unwrap();
    exchange.observe(published("$iothub/twin/res/413/?$rid=5", "")).unwrap();
    exchange
        .observe(published("$iothub/twin/res/429/?$rid=6&retry-after=5", ""))
        .unwrap();
    let expected = [
        Event::Refused {
            id: 5,
            status: 413,
            retry_after: None,
        },
        Event::Refused {
            id: 6,
            status: 429,
            retry_after: Some(Duration::from_secs(5)),
        },
    ];
    assert_eq!(events(&mut exchange), expected);
}

#[test]
fn the_twin_comes_as_asked_for() {
    let mut exchange = exchange();
    exchange.send(5, &Outgoing::GetTwin).unwrap();
    let body = r#"{"desired": {"a": 1, "$version": 4}, "reported": {"$version": 9}}"#;
    exchange
        .observe(published("$iothub/twin/res/200/?$rid=5", body))
        .unwrap();
    assert_eq!(
        events(&mut exchange),
        [Event::Twin(Twin::parse(body.as_bytes()).unwrap())]
    );
}

#[test]
fn answers_to_earlier_connections_are_passed_over() {
    let mut exchange = exchange();
    exchange.observe(published("$iothub/twin/res/204/?$rid=5", "")).unwrap();
    exchange
        .observe(published("$iothub/twin/res/200/?$rid=8f2c-uuid", ""))
        .unwrap();
    exchange.observe(published("a/b", "")).unwrap();
    assert_eq!(events(&mut exchange), []);
}

#[test]
fn what_the_hub_sends_becomes_events() {
    let mut exchange = exchange();
    exchange
        .observe(published(
            "$iothub/twin/PATCH/properties/desired/?$version=3",
            r#"{"a":null,"$version":3}"#,
        ))
        .unwrap();
    exchange
        .observe(published("$iothub/methods/POST/getMaxMinReport/?$rid=1f", "not json"))
        .unwrap();
    let bound = "devices/dev-1/messages/devicebound/%24.mid=1&%24.to=%2Fdevices%2Fdev-1&null&a=b%20c";
    exchange.observe(published(bound, "hello")).unwrap();
    let expected = [
        Event::Desired {
            patch: document(json!({"a": null})),
            version: 3,
        },
        Event::Method {
            rid: "1f".to_owned(),
            name: "getMaxMinReport".to_owned(),
            payload: b"not json".to_vec(),
        },
        Event::Message {
            body: b"hello".to_vec(),
            properties: vec![("null".to_owned(), String::new()), ("a".to_owned(), "b c".to_owned())],
        },
    ];
    assert_eq!(events(&mut exchange), expected);
}

#[test]
fn documents_that_are_none_are_errors() {
    let mut exchange = exchange();
    let desired = published("$iothub/twin/PATCH/properties/desired/?$version=3", "[]");
    assert!(exchange.observe(desired).unwrap_err().contains("desired properties"));
    exchange.send(5, &Outgoing::GetTwin).unwrap();
    assert!(
        exchange
            .observe(published("$iothub/twin/res/200/?$rid=5", "{}"))
            .unwrap_err()
            .contains("desired")
    );
}

#[test]
fn what_is_too_large_for_the_hub_is_refused_here() {
    let mut exchange = exchange();
    assert_eq!(exchange.send(5, &telemetry(&"x".repeat(LARGEST_MESSAGE))), None);
    assert_eq!(
        events(&mut exchange),
        [Event::Refused {
            id: 5,
            status: 413,
            retry_after: None
        }]
    );
    assert!(exchange.is_idle());
}

/// A cloud-to-device message in a packet of its own.
fn message(packet_id: u16) -> Packet {
    let mut publish = Publish::new("devices/dev-1/messages/devicebound/", QoS::AtLeastOnce, "");
    publish.pkid = packet_id;
    Packet::Publish(publish)
}

#[test]
fn a_message_is_acknowledged_when_the_next_event_is_asked_for() {
    let mut exchange = exchange();
    exchange.observe(message(7)).unwrap();
    exchange.observe(message(8)).unwrap();
    assert!(exchange.pop().is_some());
    assert_eq!(
        exchange.take_handled(),
        Vec::<u16>::new(),
        "it may not have been handled yet"
    );
    assert!(exchange.pop().is_some());
    assert_eq!(exchange.take_handled(), [7]);
    assert!(exchange.pop().is_none());
    assert_eq!(exchange.take_handled(), [8]);
    assert!(exchange.pop().is_none());
    assert_eq!(exchange.take_handled(), Vec::<u16>::new(), "once is enough");
}

#[test]
fn what_means_nothing_to_the_device_is_acknowledged_in_its_turn() {
    let mut exchange = exchange();
    let mut stray = Publish::new("devices/dev-1/nonsense", QoS::AtLeastOnce, "");
    stray.pkid = 8;
    exchange.observe(message(7)).unwrap();
    exchange.observe(Packet::Publish(stray)).unwrap();
    exchange.pop();
    assert_eq!(exchange.take_handled(), Vec::<u16>::new());
    exchange.pop();
    assert_eq!(exchange.take_handled(), [7, 8]);
}

#[test]
fn qos_0_is_not_acknowledged() {
    let mut exchange = exchange();
    let call = Publish::new("$iothub/methods/POST/reboot/?$rid=1", QoS::AtMostOnce, "");
    exchange.observe(Packet::Publish(call)).unwrap();
    assert!(exchange.pop().is_some());
    assert!(exchange.pop().is_none());
    assert_eq!(exchange.take_handled(), Vec::<u16>::new());
}
