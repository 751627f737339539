use mqtt_protocol_core::mqtt::{
    common::Cursor,
    connection::{PacketBuildResult, PacketBuilder},
};

use proptest::prelude::*;

use super::*;

/// Parses one packet given as its bytes.
fn parse(bytes: &[u8]) -> Result<Packet, Violation> {
    match PacketBuilder::new().feed(&mut Cursor::new(bytes)) {
        PacketBuildResult::Complete(raw) => Packet::parse(&raw),
        other => panic!("{bytes:02x?}: {other:?}"),
    }
}

/// A CONNECT with these flags, client id "d", and whatever follows it.
fn connect_bytes(level: u8, flags: u8, rest: &[u8]) -> Vec<u8> {
    let body = [&[0, 4][..], b"MQTT", &[level, flags, 0, 60, 0, 1], b"d", rest].concat();
    [&[0x10, u8::try_from(body.len()).unwrap()][..], &body].concat()
}

#[test]
fn connect_is_read() {
    let rest = b"\0\x01t\0\x02hi\0\x01u\0\x01p";
    let Packet::Connect(connect) = parse(&connect_bytes(4, 0b1110_0110, rest)).unwrap() else {
        panic!()
    };
    assert!(connect.level_known && connect.clean);
    assert_eq!(
        (
            connect.client_id.as_str(),
            connect.keep_alive,
            connect.username.as_deref()
        ),
        ("d", 60, Some("u"))
    );
    assert_eq!(connect.password.0.as_deref(), Some(&b"p"[..]));
    let will = connect.will.as_ref().unwrap();
    assert_eq!(
        (will.topic.as_str(), will.body.as_slice(), will.retain),
        ("t", &b"hi"[..], true)
    );
    assert!(!format!("{connect:?}").contains("112"), "the password shows");
}

#[test]
fn another_level_is_told_apart_from_nonsense() {
    let Packet::Connect(connect) = parse(&connect_bytes(5, 2, b"")).unwrap() else {
        panic!()
    };
    assert!(!connect.level_known);
    for (flags, rest) in [
        (0b0000_0011, &b""[..]),       // reserved bit
        (0b0001_1110, b"\0\x01t\0\0"), // will with QoS 3
        (0b0000_1010, b""),            // will QoS without a will
        (0b0010_0010, b""),            // will RETAIN without a will
        (0b0100_0010, b"\0\x01p"),     // password without user name
        (0b1000_0010, b""),            // user name missing
        (0b1000_0010, b"\0\x01\0"),    // NUL in the user name
        (0b0000_0010, b"x"),           // more than a CONNECT holds
    ] {
        let refused = parse(&connect_bytes(4, flags, rest)).err();
        assert_eq!(refused, Some(Violation::Malformed("CONNECT")), "{flags:08b} {rest:?}");
    }
}

#[test]
fn publish_is_read_with_its_qos() {
    let Packet::Publish(publish) = parse(b"\x33\x06\0\x01t\0\x09!").unwrap() else {
        panic!()
    };
    assert_eq!(
        (publish.topic.as_str(), publish.acknowledge, publish.retain),
        ("t", Some(9), true)
    );
    assert_eq!(publish.body, b"!");
    assert_eq!(parse(b"\x34\x05\0\x01t\0\x09").err(), Some(Violation::ExactlyOnce));
    for bad in [
        &b"\x36\x05\0\x01t\0\x09"[..], // QoS 3
        b"\x32\x05\0\x01t\0\0",        // packet id 0
        b"\x38\x03\0\x01t",            // DUP with QoS 0
        b"\x30\x03\0\x02t",            // topic cut short
        b"\x30\x03\0\x01\0",           // NUL in the topic
        b"\x30\x03\0\x01\xff",         // not UTF-8
        b"\x30\0",                     // nothing at all
    ] {
        assert_eq!(parse(bad).err(), Some(Violation::Malformed("PUBLISH")), "{bad:02x?}");
    }
}

#[test]
fn subscribe_and_unsubscribe_are_read() {
    let Packet::Subscribe { id, entries } = parse(b"\x82\x0a\0\x07\0\x01a\x02\0\x01b\0").unwrap() else {
        panic!()
    };
    assert_eq!((id, entries), (7, vec![("a".to_owned(), 2), ("b".to_owned(), 0)]));
    let Packet::Unsubscribe { id, filters } = parse(b"\xa2\x05\0\x07\0\x01a").unwrap() else {
        panic!()
    };
    assert_eq!((id, filters), (7, vec!["a".to_owned()]));
    for bad in [
        &b"\x80\x06\0\x07\0\x01a\0"[..], // wrong flags
        b"\x82\x06\0\0\0\x01a\0",        // packet id 0
        b"\x82\x06\0\x07\0\x01a\x03",    // QoS 3
        b"\x82\x06\0\x07\0\x01a\x04",    // an option of MQTT 5
        b"\x82\x05\0\x07\0\x01a",        // no QoS
        b"\x82\x02\0\x07",               // no filter
        b"\x82\x05\0\x07\0\0\0",         // an empty filter
    ] {
        assert_eq!(parse(bad).err(), Some(Violation::Malformed("SUBSCRIBE")), "{bad:02x?}");
    }
    for bad in [
        &b"\xa0\x05\0\x07\0\x01a"[..],
        b"\xa2\x05\0\0\0\x01a",
        b"\xa2\x02\0\x07",
        b"\xa2\x04\0\x07\0\0",
    ] {
        assert_eq!(
            parse(bad).err(),
            Some(Violation::Malformed("UNSUBSCRIBE")),
            "{bad:02x?}"
        );
    }
}

#[test]
fn the_small_packets_have_one_form_each() {
    assert!(matches!(parse(b"\x40\x02\x01\x02"), Ok(Packet::Puback(0x0102))));
    assert!(matches!(parse(b"\xc0\0"), Ok(Packet::Pingreq)));
    assert!(matches!(parse(b"\xe0\0"), Ok(Packet::Disconnect)));
    for bad in [
        &b"\x40\x02\0\0"[..],
        b"\x40\x03\0\x01\0",
        b"\x42\x02\0\x01",
        b"\xc1\0",
        b"\xc0\x01\0",
        b"\xe0\x01\0",
    ] {
        assert!(matches!(parse(bad), Err(Violation::Malformed(_))), "{bad:02x?}");
    }
    for unexpected in [
        &b"\x50\x02\0\x01"[..],
        b"\x62\x02\0\x01",
        b"\x70\x02\0\x01",
        b"\x20\x02\0\0",
        b"\xd0\0",
        b"\xf0\0",
    ] {
        assert!(
            matches!(parse(unexpected), Err(Violation::Unexpected(_))),
            "{unexpected:02x?}"
        );
    }
}

#[test]
fn answers_are_what_the_standard_says() {
    assert_eq!(connack(ConnectReturnCode::Accepted, true).unwrap(), b"\x20\x02\x01\0");
    assert_eq!(
        connack(ConnectReturnCode::NotAuthorized, false).unwrap(),
        b"\x20\x02\0\x05"
    );
    assert_eq!(suback(7, &[0, 1]).unwrap(), b"\x90\x04\0\x07\0\x01");
    assert_eq!(unsuback(7).unwrap(), b"\xb0\x02\0\x07");
    assert_eq!(puback(0x0102).unwrap(), b"\x40\x02\x01\x02");
    assert_eq!(pingresp(), b"\xd0\0");
    assert_eq!(message("t", b"!".to_vec(), None, false).unwrap(), b"\x30\x04\0\x01t!");
    assert_eq!(
        message("t", Vec::new(), Some(9), true).unwrap(),
        b"\x3a\x05\0\x01t\0\x09"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (mut builder, mut cursor) = (PacketBuilder::new(), Cursor::new(bytes.as_slice()));
        while let PacketBuildResult::Complete(raw) = builder.feed(&mut cursor) {
            drop(Packet::parse(&raw));
        }
    }

    /// Most random bytes are no packet at all; these are nearly one.
    #[test]
    fn no_damaged_packet_makes_the_parser_panic(
        which in 0..4_usize,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = match which {
            0 => connect_bytes(4, 0b1110_0110, b"\0\x01t\0\x02hi\0\x01u\0\x01p"),
            1 => b"\x33\x06\0\x01t\0\x09!".to_vec(),
            2 => b"\x82\x0a\0\x07\0\x01a\x02\0\x01b\0".to_vec(),
            _ => b"\xa2\x05\0\x07\0\x01a".to_vec(),
        };
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let PacketBuildResult::Complete(raw) = PacketBuilder::new().feed(&mut Cursor::new(bytes.as_slice())) {
            drop(Packet::parse(&raw));
        }
    }
}
