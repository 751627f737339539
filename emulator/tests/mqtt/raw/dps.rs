//! The same with DPS.

use super::{
    Begin::{Dps, Nothing},
    Case, End, PINGREQ, PINGRESP,
    packets::{Hello, SCOPE, connack, packet, puback, publish, publish_with, subscribe, text, unsubscribe},
};

const ANSWERS: &str = "$dps/registrations/res/#";
const REGISTER: &str = "$dps/registrations/PUT/iotdps-register/?$rid=1";
const POLL: &str = "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1&operationId=x";

pub(crate) fn cases() -> Vec<Case> {
    let connect = |name, hello: Hello, code, end| Case::good(name, Nothing, hello.bytes(), connack(code), end);
    let closed = |name, send: Vec<u8>| Case::good(name, Dps, send, [], End::Closed);
    let bad = |name, send: Vec<u8>| Case::bad(name, Dps, send, [], End::Closed);
    let open = |name, send: Vec<u8>, answer: Vec<u8>| Case::good(name, Dps, send, answer, End::Open);
    let body = br#"{"registrationId":"d"}"#;
    vec![
        connect("CONNECT to DPS", Hello::dps(SCOPE), 0, End::Open),
        connect(
            "CONNECT to DPS that keeps its session, which DPS does not",
            Hello {
                clean: false,
                ..Hello::dps(SCOPE)
            },
            0,
            End::Open,
        ),
        connect(
            "CONNECT to DPS with another client id",
            Hello {
                client_id: text("e"),
                ..Hello::dps(SCOPE)
            },
            5,
            End::Closed,
        ),
        // DPS judges when the device registers [wire].
        connect(
            "CONNECT to DPS with a wrong password",
            Hello {
                password: Some(text("secret")),
                ..Hello::dps(SCOPE)
            },
            0,
            End::Open,
        ),
        connect(
            "CONNECT to DPS without a password",
            Hello {
                password: None,
                ..Hello::dps(SCOPE)
            },
            0,
            End::Open,
        ),
        connect(
            "MQTT 5 with DPS",
            Hello {
                level: 5,
                ..Hello::dps(SCOPE)
            },
            1,
            End::Closed,
        ),
        open("a ping to DPS", PINGREQ.to_vec(), PINGRESP.to_vec()),
        open(
            "DPS's answers at QoS 0",
            subscribe(7, &[(ANSWERS, 0)]),
            vec![0x90, 3, 0, 7, 0],
        ),
        open(
            "DPS's answers at QoS 1",
            subscribe(7, &[(ANSWERS, 1)]),
            vec![0x90, 3, 0, 7, 1],
        ),
        open(
            "DPS's answers at QoS 2",
            subscribe(7, &[(ANSWERS, 2)]),
            vec![0x90, 3, 0, 7, 1],
        ),
        open("UNSUBSCRIBE at DPS", unsubscribe(7, &[ANSWERS]), vec![0xB0, 2, 0, 7]),
        open(
            "a registration by one that does not listen",
            publish(REGISTER, Some(7), body),
            puback(7).to_vec(),
        ),
        open(
            "a poll by one that does not listen",
            publish(POLL, Some(7), b" "),
            puback(7).to_vec(),
        ),
        closed("the hub's filter at DPS", subscribe(7, &[("$iothub/twin/res/#", 0)])),
        closed("everything at DPS", subscribe(7, &[("#", 0)])),
        closed(
            "telemetry to DPS",
            publish("devices/d/messages/events/", Some(7), b"{}"),
        ),
        closed("a broker's topic at DPS", publish("home/lamp", None, b"on")),
        closed(
            "a registration without an id",
            publish("$dps/registrations/PUT/iotdps-register/", Some(7), body),
        ),
        closed(
            "a poll without an operation",
            publish(
                "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1",
                Some(7),
                b"",
            ),
        ),
        closed("a registration of QoS 2", publish_with(4, REGISTER, Some(7), body)),
        closed("DISCONNECT from DPS", vec![0xE0, 0]),
        bad("a second CONNECT to DPS", Hello::dps(SCOPE).bytes()),
        bad("SUBSCRIBE at DPS with packet id 0", subscribe(0, &[(ANSWERS, 0)])),
        bad("PINGREQ to DPS with a body", packet(0xC0, &[0])),
    ]
}
