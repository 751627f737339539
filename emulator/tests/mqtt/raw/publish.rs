//! PUBLISH: telemetry, and what is none.

use super::{
    Begin::Hub,
    Case, End,
    packets::{field, packet, puback, publish, publish_with, text},
};

const TELEMETRY: &str = "devices/d/messages/events/";

/// The hub's limit, in bytes.
const LARGEST: usize = 256 * 1024;

const QOS_1: u8 = 0b0010;
const QOS_2: u8 = 0b0100;
const RETAIN: u8 = 0b0001;
const DUP: u8 = 0b1000;

pub(crate) fn telemetry() -> Vec<Case> {
    let taken = |name, topic: &str| Case::good(name, Hub, publish(topic, Some(7), b"{}"), puback(7), End::Open);
    let with = |name, flags, id: Option<u16>| {
        let answer = id.map(|id| puback(id).to_vec()).unwrap_or_default();
        Case::good(name, Hub, publish_with(flags, TELEMETRY, id, b"{}"), answer, End::Open)
    };
    // Too long to be cut at every byte.
    let long = |name, topic: &str, size, answer: Vec<u8>, end| {
        Case::bad(name, Hub, publish(topic, Some(7), &vec![b'x'; size]), answer, end)
    };
    vec![
        with("telemetry of QoS 0", 0, None),
        with("telemetry of QoS 1", QOS_1, Some(7)),
        with("telemetry with the first packet id", QOS_1, Some(1)),
        with("telemetry with the last packet id", QOS_1, Some(u16::MAX)),
        with("telemetry of QoS 0 to retain", RETAIN, None),
        with("telemetry of QoS 1 to retain", QOS_1 | RETAIN, Some(7)),
        with("telemetry again", QOS_1 | DUP, Some(7)),
        with("telemetry again, to retain", QOS_1 | DUP | RETAIN, Some(7)),
        taken("telemetry without the last slash", "devices/d/messages/events"),
        taken("telemetry with properties", "devices/d/messages/events/a=b&c=d"),
        taken(
            "telemetry with system properties",
            "devices/d/messages/events/%24.ct=application%2Fjson&%24.ce=utf-8",
        ),
        taken(
            "telemetry with system properties not encoded",
            "devices/d/messages/events/$.ct=application%2Fjson&$.ce=utf-8",
        ),
        taken(
            "telemetry with a property without a value",
            "devices/d/messages/events/a",
        ),
        taken("telemetry with an empty property", "devices/d/messages/events/a="),
        taken(
            "telemetry with a property in UTF-8",
            "devices/d/messages/events/a=%C3%A4",
        ),
        Case::good(
            "telemetry without a body",
            Hub,
            publish(TELEMETRY, Some(7), b""),
            puback(7),
            End::Open,
        ),
        Case::good(
            "telemetry of bytes",
            Hub,
            publish(TELEMETRY, Some(7), &[0, 0xFF, 0xC0]),
            puback(7),
            End::Open,
        ),
        Case::bad(
            "one packet id twice",
            Hub,
            publish(TELEMETRY, Some(7), b"{}").repeat(2),
            puback(7).repeat(2),
            End::Open,
        ),
        long(
            "the largest telemetry",
            TELEMETRY,
            LARGEST,
            puback(7).to_vec(),
            End::Open,
        ),
        long(
            "telemetry of one byte more",
            TELEMETRY,
            LARGEST + 1,
            vec![],
            End::Closed,
        ),
        long(
            "the largest telemetry with its property",
            "devices/d/messages/events/a=b",
            LARGEST - 2,
            puback(7).to_vec(),
            End::Open,
        ),
        long(
            "one byte more with its property",
            "devices/d/messages/events/a=b",
            LARGEST - 1,
            vec![],
            End::Closed,
        ),
        Case::bad(
            "a packet larger than any message",
            Hub,
            vec![0x32, 0x80, 0x80, 0x80, 1],
            [],
            End::Closed,
        ),
        Case::good(
            "telemetry of QoS 2",
            Hub,
            publish_with(QOS_2, TELEMETRY, Some(7), b"{}"),
            [],
            End::Closed,
        ),
        Case::good(
            "telemetry of QoS 2 again",
            Hub,
            publish_with(QOS_2 | DUP, TELEMETRY, Some(7), b"{}"),
            [],
            End::Closed,
        ),
    ]
}

pub(crate) fn elsewhere() -> Vec<Case> {
    let closed = |name, topic: &str| Case::good(name, Hub, publish(topic, Some(7), b"{}"), [], End::Closed);
    vec![
        closed("a broker's topic", "home/lamp"),
        closed("another device's telemetry", "devices/e/messages/events/"),
        closed("telemetry of the device in another case", "devices/D/messages/events/"),
        closed("telemetry in another case", "Devices/d/Messages/Events/"),
        closed("telemetry of a module", "devices/d/modules/m/messages/events/"),
        closed("telemetry of nobody", "devices//messages/events/"),
        closed(
            "a topic that goes on where telemetry ends",
            "devices/d/messages/eventsx",
        ),
        closed("a property with half an escape", "devices/d/messages/events/a=%2"),
        closed(
            "a property with no UTF-8 in its escapes",
            "devices/d/messages/events/a=%FF",
        ),
        closed("messages to the device", "devices/d/messages/devicebound/"),
        closed("a slash before it all", "/devices/d/messages/events/"),
        closed("a desired patch", "$iothub/twin/PATCH/properties/desired/?$version=1"),
        closed("an answer of the hub", "$iothub/twin/res/200/?$rid=1"),
        closed("a twin request without an id", "$iothub/twin/GET/"),
        closed("a twin request with another parameter", "$iothub/twin/GET/?rid=1"),
        closed("a method's request", "$iothub/methods/POST/m/?$rid=1"),
        closed("a method's answer without a number", "$iothub/methods/res/fine/?$rid=1"),
        closed("a method's answer without an id", "$iothub/methods/res/200/"),
        closed("DPS's topic", "$dps/registrations/PUT/iotdps-register/?$rid=1"),
        closed("a broker's system", "$SYS/broker/uptime"),
    ]
}

pub(crate) fn ill_formed() -> Vec<Case> {
    let bad = |name, send: Vec<u8>| Case::bad(name, Hub, send, [], End::Closed);
    let topic = |name, topic: &[u8]| bad(name, packet(0x30, &[&field(topic)[..], b"{}"].concat()));
    vec![
        bad(
            "PUBLISH of QoS 3",
            publish_with(QOS_1 | QOS_2, TELEMETRY, Some(7), b"{}"),
        ),
        bad("PUBLISH of QoS 0 again", publish_with(DUP, TELEMETRY, None, b"{}")),
        bad("PUBLISH with packet id 0", publish(TELEMETRY, Some(0), b"{}")),
        bad("PUBLISH with nothing in it", packet(0x30, &[])),
        bad("PUBLISH with half a length", packet(0x30, &[0])),
        bad("PUBLISH without a packet id", packet(0x32, &text(TELEMETRY))),
        bad(
            "PUBLISH with half a packet id",
            packet(0x32, &[&text(TELEMETRY)[..], &[0]].concat()),
        ),
        bad(
            "PUBLISH with a topic longer than itself",
            packet(0x30, &[0xFF, 0xFF, b'd']),
        ),
        topic("an empty topic", b""),
        topic("a topic with NUL", b"devices/d/messages/events/\0"),
        topic("a topic that is no UTF-8", b"devices/d/messages/events/\xFF"),
        topic("a topic with an overlong slash", b"devices/d/messages/events/\xC0\xAF"),
        topic(
            "a topic with half a surrogate pair",
            b"devices/d/messages/events/\xED\xA0\x80",
        ),
        // MQTT-3.3.2-2
        topic("a topic with #", b"devices/d/messages/events/#"),
        topic("a topic with +", b"devices/+/messages/events/"),
        topic("a property with +", b"devices/d/messages/events/a=+"),
    ]
}
