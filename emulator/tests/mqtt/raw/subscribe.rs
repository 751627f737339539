//! SUBSCRIBE and UNSUBSCRIBE.
//!
//! The hub ends the connection over a SUBSCRIBE that it does not take, rather than to refuse it in a SUBACK: so Microsoft's own
//! middleware for FreeRTOS has it (azure-iot-middleware-freertos, pull request 89).

use super::{
    Begin::Hub,
    Case, End,
    packets::{field, packet, subscribe as filters, text, unsubscribe as names},
};

const TWIN: &str = "$iothub/twin/res/#";
const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/#";
const METHODS: &str = "$iothub/methods/POST/#";
const MESSAGES: &str = "devices/d/messages/devicebound/#";

fn suback(id: u16, granted: &[u8]) -> Vec<u8> {
    packet(0x90, &[&id.to_be_bytes()[..], granted].concat())
}

pub(crate) fn taken() -> Vec<Case> {
    let taken = |name, entries: &[(&str, u8)], granted: &[u8]| {
        Case::good(name, Hub, filters(7, entries), suback(7, granted), End::Open)
    };
    vec![
        taken("twin answers at QoS 0", &[(TWIN, 0)], &[0]),
        taken("twin answers at QoS 1", &[(TWIN, 1)], &[1]),
        taken("twin answers at QoS 2", &[(TWIN, 2)], &[1]),
        taken("desired properties at QoS 0", &[(DESIRED, 0)], &[0]),
        taken("desired properties at QoS 1", &[(DESIRED, 1)], &[1]),
        taken("desired properties at QoS 2", &[(DESIRED, 2)], &[1]),
        taken("methods at QoS 0", &[(METHODS, 0)], &[0]),
        taken("methods at QoS 1", &[(METHODS, 1)], &[1]),
        taken("methods at QoS 2", &[(METHODS, 2)], &[1]),
        taken("messages at QoS 0", &[(MESSAGES, 0)], &[0]),
        taken("messages at QoS 1", &[(MESSAGES, 1)], &[1]),
        taken("messages at QoS 2", &[(MESSAGES, 2)], &[1]),
        taken(
            "messages as the Embedded C SDK has them",
            &[("devices/+/messages/devicebound/#", 1)],
            &[1],
        ),
        taken(
            "everything at once",
            &[(TWIN, 0), (DESIRED, 1), (METHODS, 2), (MESSAGES, 1)],
            &[0, 1, 1, 1],
        ),
        taken("one filter twice", &[(METHODS, 0), (METHODS, 1)], &[0, 1]),
        Case::bad(
            "a filter again",
            Hub,
            [filters(7, &[(METHODS, 1)]), filters(8, &[(METHODS, 0)])].concat(),
            [suback(7, &[1]), suback(8, &[0])].concat(),
            End::Open,
        ),
        Case::good(
            "the last packet id",
            Hub,
            filters(u16::MAX, &[(TWIN, 0)]),
            suback(u16::MAX, &[0]),
            End::Open,
        ),
    ]
}

pub(crate) fn not_taken() -> Vec<Case> {
    let closed = |name, filter: &str| Case::good(name, Hub, filters(7, &[(filter, 0)]), [], End::Closed);
    let bad = |name, send: Vec<u8>| Case::bad(name, Hub, send, [], End::Closed);
    let entry = |filter: &[u8], options: u8| packet(0x82, &[&[0, 7][..], &field(filter), &[options]].concat());
    vec![
        closed("everything there is", "#"),
        closed("one level", "+"),
        closed("a broker's filter", "home/lamp"),
        closed("the system's topics", "$SYS/#"),
        closed("another device's messages", "devices/e/messages/devicebound/#"),
        closed(
            "the device's messages in another case",
            "devices/D/messages/devicebound/#",
        ),
        closed("a module's messages", "devices/d/modules/m/messages/devicebound/#"),
        closed("a module's inputs", "devices/d/modules/m/inputs/#"),
        closed("all of a module", "devices/d/modules/m/#"),
        closed("a device's inputs", "devices/d/inputs/#"),
        closed("all of a device", "devices/d/#"),
        closed("messages without a wildcard", "devices/d/messages/devicebound/"),
        closed("telemetry itself", "devices/d/messages/events/#"),
        closed("all of the hub", "$iothub/#"),
        closed("one status of twin answers", "$iothub/twin/res/200/#"),
        closed("twin answers of one level", "$iothub/twin/res/+"),
        closed("one method", "$iothub/methods/POST/reboot/#"),
        closed("DPS's answers", "$dps/registrations/res/#"),
        closed("a shared subscription", "$share/g/$iothub/methods/POST/#"),
        Case::good(
            "one that is taken beside one that is not",
            Hub,
            filters(7, &[(TWIN, 0), ("home/lamp", 0)]),
            [],
            End::Closed,
        ),
        bad(
            "SUBSCRIBE with flags 0",
            packet(0x80, &[&[0, 7][..], &text(TWIN), &[0]].concat()),
        ),
        bad(
            "SUBSCRIBE with flags 15",
            packet(0x8F, &[&[0, 7][..], &text(TWIN), &[0]].concat()),
        ),
        bad("SUBSCRIBE with packet id 0", filters(0, &[(TWIN, 0)])),
        bad("SUBSCRIBE with nothing in it", packet(0x82, &[])),
        bad("SUBSCRIBE with a packet id alone", packet(0x82, &[0, 7])),
        bad(
            "SUBSCRIBE without a QoS",
            packet(0x82, &[&[0, 7][..], &text(TWIN)].concat()),
        ),
        bad("SUBSCRIBE with QoS 3", entry(TWIN.as_bytes(), 3)),
        bad("SUBSCRIBE with MQTT 5's no local", entry(TWIN.as_bytes(), 4)),
        bad("SUBSCRIBE with a reserved bit", entry(TWIN.as_bytes(), 0x80)),
        bad("SUBSCRIBE to an empty filter", entry(b"", 0)),
        bad("SUBSCRIBE to a filter with NUL", entry(b"$iothub/twin/res/\0", 0)),
        bad("SUBSCRIBE to a filter that is no UTF-8", entry(b"\xFF", 0)),
        bad("SUBSCRIBE to a filter with # inside", entry(b"a/#/b", 0)),
        bad(
            "SUBSCRIBE to a filter longer than itself",
            packet(0x82, &[0, 7, 0xFF, 0xFF, b'a', 0]),
        ),
    ]
}

pub(crate) fn unsubscribe() -> Vec<Case> {
    const UNSUBACK: [u8; 4] = [0xB0, 2, 0, 7];
    let taken = |name, entries: &[&str]| Case::good(name, Hub, names(7, entries), UNSUBACK, End::Open);
    let bad = |name, send: Vec<u8>| Case::bad(name, Hub, send, [], End::Closed);
    vec![
        Case::bad(
            "UNSUBSCRIBE",
            Hub,
            [filters(6, &[(METHODS, 1)]), names(7, &[METHODS])].concat(),
            [suback(6, &[1]), UNSUBACK.to_vec()].concat(),
            End::Open,
        ),
        taken("UNSUBSCRIBE of what was not subscribed", &[METHODS]),
        taken(
            "UNSUBSCRIBE of messages as the Embedded C SDK has them",
            &["devices/+/messages/devicebound/#"],
        ),
        // MQTT-3.10.4-5: it is answered even where nothing is deleted.
        taken("UNSUBSCRIBE of what cannot be subscribed", &["home/lamp"]),
        taken("UNSUBSCRIBE of several", &[TWIN, DESIRED, METHODS, MESSAGES]),
        bad(
            "UNSUBSCRIBE with flags 0",
            packet(0xA0, &[&[0, 7][..], &text(TWIN)].concat()),
        ),
        bad("UNSUBSCRIBE with packet id 0", names(0, &[TWIN])),
        bad("UNSUBSCRIBE with nothing in it", packet(0xA2, &[])),
        bad("UNSUBSCRIBE with a packet id alone", packet(0xA2, &[0, 7])),
        bad("UNSUBSCRIBE of an empty filter", names(7, &[""])),
        bad("UNSUBSCRIBE of a filter with NUL", names(7, &["a\0"])),
        bad(
            "UNSUBSCRIBE of a filter that is no UTF-8",
            packet(0xA2, &[&[0, 7][..], &field(b"\xFF")].concat()),
        ),
        bad(
            "UNSUBSCRIBE of a filter longer than itself",
            packet(0xA2, &[0, 7, 0xFF, 0xFF, b'a']),
        ),
    ]
}
