//! The first packet.

use super::{
    Begin::Nothing,
    Case, End, PINGREQ,
    packets::{Hello, connack, field, packet, publish, subscribe, text, token},
};

const TELEMETRY: &str = "devices/d/messages/events/";

fn will(topic: &str, body: &[u8], flags: u8) -> Hello {
    Hello {
        will: Some((text(topic), field(body), flags)),
        ..Hello::hub()
    }
}

fn taken(name: &'static str, hello: Hello) -> Case {
    Case::good(name, Nothing, hello.bytes(), connack(0), End::Open)
}

pub(crate) fn well_formed() -> Vec<Case> {
    let keep_alive = |keep_alive| Hello {
        keep_alive,
        ..Hello::hub()
    };
    let username = |username: &str| Hello {
        username: Some(text(username)),
        ..Hello::hub()
    };
    vec![
        taken("CONNECT", Hello::hub()),
        taken(
            "CONNECT that keeps its session: there is none yet",
            Hello {
                clean: false,
                ..Hello::hub()
            },
        ),
        taken("CONNECT without keep-alive", keep_alive(0)),
        taken("CONNECT with the longest keep-alive", keep_alive(1177)),
        taken("CONNECT with a keep-alive that is cut", keep_alive(u16::MAX)),
        taken("CONNECT with a will", will(TELEMETRY, b"gone", 0)),
        taken("CONNECT with a will of QoS 1", will(TELEMETRY, b"gone", 0x08)),
        taken("CONNECT with a will of QoS 2", will(TELEMETRY, b"gone", 0x10)),
        taken("CONNECT with a will to retain", will(TELEMETRY, b"gone", 0x20)),
        taken("CONNECT with an empty will", will(TELEMETRY, b"", 0)),
        taken("CONNECT with a will of bytes", will(TELEMETRY, &[0, 0xFF], 0)),
        taken(
            "CONNECT with properties of its will",
            will("devices/d/messages/events/a=b&%24.ct=c", b"gone", 0),
        ),
        taken("CONNECT without api-version", username("localhost/d/")),
        taken(
            "CONNECT as the C SDK had it: no question mark",
            username("localhost/d/api-version=2016-11-14&DeviceClientType=iothubclient%2F1.1.12"),
        ),
        taken(
            "CONNECT with a model id",
            username("localhost/d/?api-version=2021-04-12&model-id=dtmi%3Aa%3Bb%3B1"),
        ),
        taken(
            "CONNECT with a secondary key",
            Hello {
                password: Some(text(
                    &setpoint_protocol::Token::sign(
                        "localhost/devices/d",
                        &setpoint_protocol::Key::from_bytes(vec![2; 32]),
                        u64::MAX,
                        None,
                    )
                    .to_string(),
                )),
                ..Hello::hub()
            },
        ),
    ]
}

/// Azure's front end answers whoever it does not know with 5, whatever it did not like; and another version of MQTT with 1, as
/// MQTT demands.
pub(crate) fn refused() -> Vec<Case> {
    let refused = |name, code, hello: Hello| Case::good(name, Nothing, hello.bytes(), connack(code), End::Closed);
    let other = |client_id: &str, username: &str| Hello {
        client_id: text(client_id),
        username: Some(text(username)),
        ..Hello::hub()
    };
    let password = |password: Vec<u8>| Hello {
        password: Some(password),
        ..Hello::hub()
    };
    let level = |level| Hello { level, ..Hello::hub() };
    let hub = "localhost/d/?api-version=2021-04-12";
    let mut forged = token("localhost/devices/d", u64::MAX);
    let at = forged.windows(4).position(|window| window == b"sig=").unwrap() + 4;
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    vec![
        refused("level 0", 1, level(0)),
        refused("level 3", 1, level(3)),
        refused(
            "MQTT 5",
            1,
            Hello {
                // Its properties, none, stand where the client id's length is.
                client_id: [&[0][..], &text("d")].concat(),
                ..level(5)
            },
        ),
        refused("level 132, a bridge's", 1, level(132)),
        refused("another client id", 5, other("e", hub)),
        refused("the client id in another case", 5, other("D", hub)),
        refused("an empty client id", 5, other("", hub)),
        refused(
            "an empty client id that keeps its session",
            2,
            Hello {
                clean: false,
                ..other("", hub)
            },
        ),
        refused(
            "no user name",
            5,
            Hello {
                username: None,
                password: None,
                ..Hello::hub()
            },
        ),
        refused("an empty user name", 5, other("d", "")),
        refused("a user name of one part", 5, other("d", "localhost")),
        refused(
            "an unknown device",
            5,
            other("nobody", "localhost/nobody/?api-version=2021-04-12"),
        ),
        refused(
            "an unknown module",
            5,
            other("d/m", "localhost/d/m/?api-version=2021-04-12"),
        ),
        refused(
            "no password",
            5,
            Hello {
                password: None,
                ..Hello::hub()
            },
        ),
        refused("an empty password", 5, password(text(""))),
        refused("a password that is no token", 5, password(text("secret"))),
        refused("a password that is no text", 5, password(field(&[0xFF, 0xFE]))),
        refused("a token with another signature", 5, password(forged)),
        refused(
            "a token of another hub",
            5,
            password(token("elsewhere/devices/d", u64::MAX)),
        ),
        refused(
            "a token of another device",
            5,
            password(token("localhost/devices/e", u64::MAX)),
        ),
        refused(
            "a token that has ended",
            5,
            password(token("localhost/devices/d", 1_000_000_000)),
        ),
        refused("a will elsewhere", 5, will("home/lamp", b"off", 0)),
        refused(
            "a will of another device",
            5,
            will("devices/e/messages/events/", b"off", 0),
        ),
        refused(
            "a will with a malformed property",
            5,
            will("devices/d/messages/events/%zz", b"off", 0),
        ),
    ]
}

/// What MQTT has closed without a word.
pub(crate) fn ill_formed() -> Vec<Case> {
    let bad = |name, send: Vec<u8>| Case::bad(name, Nothing, send, [], End::Closed);
    let hello = |name, hello: Hello| bad(name, hello.bytes());
    let named = |name: &str| Hello {
        name: text(name),
        ..Hello::hub()
    };
    let flags = |flags, username: Option<Vec<u8>>, password: Option<Vec<u8>>| Hello {
        flags: Some(flags),
        username,
        password,
        ..Hello::hub()
    };
    let id = |bytes: &[u8]| Hello {
        client_id: field(bytes),
        ..Hello::hub()
    };
    let (name, secret) = (Some(text("localhost/d/")), Some(text("x")));
    vec![
        hello(
            "MQTT 3.1's name",
            Hello {
                level: 3,
                ..named("MQIsdp")
            },
        ),
        hello("another protocol's name", named("HTTP")),
        hello("the name in another case", named("mqtt")),
        hello("an empty name", named("")),
        hello("a name that goes on", named("MQTTT")),
        hello(
            "a fixed header with flag 0",
            Hello {
                first: 0x11,
                ..Hello::hub()
            },
        ),
        hello(
            "a fixed header with flag 3",
            Hello {
                first: 0x18,
                ..Hello::hub()
            },
        ),
        hello("the reserved flag", flags(0b1100_0011, name.clone(), secret.clone())),
        hello(
            "a will's QoS without a will",
            flags(0b1100_1010, name.clone(), secret.clone()),
        ),
        hello(
            "a will's RETAIN without a will",
            flags(0b1110_0010, name.clone(), secret.clone()),
        ),
        hello(
            "a password without a user name",
            flags(0b0100_0010, None, secret.clone()),
        ),
        hello("a user name that is not there", flags(0b1000_0010, None, None)),
        hello("a password that is not there", flags(0b1100_0010, name.clone(), None)),
        hello("a user name nobody announced", flags(0b0000_0010, name.clone(), None)),
        hello("a will that is not there", flags(0b0000_0110, None, None)),
        hello(
            "a will's QoS of 3",
            Hello {
                flags: Some(0b1101_1110),
                ..will(TELEMETRY, b"gone", 0x18)
            },
        ),
        hello(
            "a will's topic that is no text",
            Hello {
                will: Some((field(&[0xFF]), field(b""), 0)),
                ..Hello::hub()
            },
        ),
        hello("a will's topic with NUL", will("devices/d/messages/events/\0", b"", 0)),
        hello("a client id with NUL", id(b"d\0")),
        hello("a client id that is no UTF-8", id(&[b'd', 0xFF])),
        hello("a client id with an overlong slash", id(&[0xC0, 0xAF])),
        hello("a client id with half a surrogate pair", id(&[0xED, 0xA0, 0x80])),
        hello(
            "a user name with NUL",
            Hello {
                username: Some(text("localhost/d/\0")),
                ..Hello::hub()
            },
        ),
        hello(
            "a user name that is no UTF-8",
            Hello {
                username: Some(field(&[0x80])),
                ..Hello::hub()
            },
        ),
        hello(
            "a byte too many",
            Hello {
                rest: vec![0],
                ..Hello::hub()
            },
        ),
        hello(
            "no client id",
            Hello {
                client_id: Vec::new(),
                username: None,
                password: None,
                ..Hello::hub()
            },
        ),
        hello(
            "a client id longer than the packet",
            Hello {
                client_id: vec![0xFF, 0xFF, b'd'],
                username: None,
                password: None,
                ..Hello::hub()
            },
        ),
        bad("CONNECT with nothing in it", packet(0x10, &[])),
        bad("CONNECT with a name alone", packet(0x10, &text("MQTT"))),
        bad(
            "CONNECT with a length of five bytes",
            vec![0x10, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        ),
        bad("the longest length MQTT has", vec![0x10, 0xFF, 0xFF, 0xFF, 0x7F]),
    ]
}

pub(crate) fn other_first_packets() -> Vec<Case> {
    let first = |name, send: Vec<u8>| Case::bad(name, Nothing, send, [], End::Closed);
    vec![
        first("packet type 0 first", vec![0, 0]),
        first("CONNACK first", connack(0).to_vec()),
        first("PUBLISH first", publish(TELEMETRY, None, b"{}")),
        first("PUBACK first", vec![0x40, 2, 0, 1]),
        first("SUBSCRIBE first", subscribe(1, &[("$iothub/twin/res/#", 0)])),
        first("PINGREQ first", PINGREQ.to_vec()),
        first("DISCONNECT first", vec![0xE0, 0]),
        first("packet type 15 first", vec![0xF0, 0]),
        first(
            "HTTP",
            b"GET / HTTP/1.1\r\nHost: localhost:8883\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n".to_vec(),
        ),
        Case::bad(
            "two CONNECTs at once",
            Nothing,
            [Hello::hub().bytes(), Hello::hub().bytes()].concat(),
            connack(0),
            End::Closed,
        ),
        Case::bad(
            "CONNECT and a ping at once",
            Nothing,
            [Hello::hub().bytes(), PINGREQ.to_vec()].concat(),
            [&connack(0)[..], &[0xD0, 0]].concat(),
            End::Open,
        ),
    ]
}
