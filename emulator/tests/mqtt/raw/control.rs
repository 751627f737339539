//! Packets that are nothing but their header and a number, and those that only a server sends.

use super::{
    Begin::{Hub, Listening},
    Case, End, PINGREQ, PINGRESP,
    packets::{Hello, packet, publish, subscribe, unsubscribe},
};

pub(crate) fn cases() -> Vec<Case> {
    let closed = |name, send: Vec<u8>| Case::bad(name, Hub, send, [], End::Closed);
    let unexpected = |name, send: Vec<u8>| Case::good(name, Hub, send, [], End::Closed);
    vec![
        Case::good("PINGREQ", Hub, PINGREQ.to_vec(), PINGRESP, End::Open),
        Case::bad("three PINGREQs", Hub, PINGREQ.repeat(3), PINGRESP.repeat(3), End::Open),
        // MQTT 3.1.1 does not demand the shortest form, unlike MQTT 5.
        Case::good(
            "PINGREQ with a length of two bytes",
            Hub,
            vec![0xC0, 0x80, 0],
            PINGRESP,
            End::Open,
        ),
        closed("PINGREQ with a flag", vec![0xC1, 0]),
        closed("PINGREQ with all flags", vec![0xCF, 0]),
        closed("PINGREQ with a body", packet(0xC0, &[0])),
        Case::good("DISCONNECT", Hub, vec![0xE0, 0], [], End::Closed),
        closed(
            "DISCONNECT and what nobody reads any more",
            [vec![0xE0, 0], PINGREQ.to_vec()].concat(),
        ),
        closed("DISCONNECT with a flag", vec![0xE1, 0]),
        closed("DISCONNECT with a reason, as MQTT 5 has it", packet(0xE0, &[0])),
        closed("a second CONNECT", Hello::hub().bytes()),
        Case::good(
            "PUBACK of nothing that was sent",
            Hub,
            vec![0x40, 2, 0, 7],
            [],
            End::Open,
        ),
        Case::good(
            "PUBACK of the last packet id",
            Hub,
            vec![0x40, 2, 0xFF, 0xFF],
            [],
            End::Open,
        ),
        closed("PUBACK of packet id 0", vec![0x40, 2, 0, 0]),
        closed("PUBACK without a packet id", vec![0x40, 0]),
        closed("PUBACK with half a packet id", packet(0x40, &[7])),
        closed("PUBACK with a reason, as MQTT 5 has it", packet(0x40, &[0, 7, 0])),
        closed("PUBACK with a flag", vec![0x42, 2, 0, 7]),
        // Without QoS 2 they belong to nothing.
        unexpected("PUBREC", vec![0x50, 2, 0, 7]),
        unexpected("PUBREL", vec![0x62, 2, 0, 7]),
        unexpected("PUBCOMP", vec![0x70, 2, 0, 7]),
        closed("CONNACK", vec![0x20, 2, 0, 0]),
        closed("SUBACK", vec![0x90, 3, 0, 7, 0]),
        closed("UNSUBACK", vec![0xB0, 2, 0, 7]),
        closed("PINGRESP", PINGRESP.to_vec()),
        closed("packet type 0", vec![0, 0]),
        closed("packet type 15, MQTT 5's AUTH", vec![0xF0, 0]),
        closed("a length of five bytes", vec![0xC0, 0x80, 0x80, 0x80, 0x80, 0]),
        Case::bad(
            "the answers to packets that came together keep their order",
            Listening,
            [
                publish("devices/d/messages/events/", Some(1), b"{}"),
                publish("$iothub/twin/GET/?$rid=1", Some(2), b""),
                subscribe(3, &[("$iothub/methods/POST/#", 1)]),
                unsubscribe(4, &["$iothub/methods/POST/#"]),
                PINGREQ.to_vec(),
            ]
            .concat(),
            [
                vec![0x40, 2, 0, 1, 0x40, 2, 0, 2],
                publish(
                    "$iothub/twin/res/200/?$rid=1",
                    None,
                    br#"{"desired":{"$version":1},"reported":{"$version":1}}"#,
                ),
                vec![0x90, 3, 0, 3, 1, 0xB0, 2, 0, 4, 0xD0, 0],
            ]
            .concat(),
            End::Open,
        ),
    ]
}
