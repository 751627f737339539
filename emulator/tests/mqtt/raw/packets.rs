//! Packets by hand.

use setpoint_protocol::Token;

pub(crate) const DEVICE: &str = "d";

/// Seconds that the device asks for.
pub(crate) const KEEP_ALIVE: u16 = 60;

/// Where the id scope goes, which is another one each time; as long as those are.
pub(crate) const SCOPE: &str = "0neSCOPESCO";

/// A packet from its first byte and what follows its length.
pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut left = body.len();
    loop {
        let digit = u8::try_from(left % 128).unwrap();
        left /= 128;
        bytes.push(if left > 0 { digit | 0x80 } else { digit });
        if left == 0 {
            break;
        }
    }
    bytes.extend(body);
    bytes
}

/// A text with its length before it.
pub(crate) fn text(text: &str) -> Vec<u8> {
    field(text.as_bytes())
}

/// Bytes with their length before them.
pub(crate) fn field(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// A PUBLISH; with a packet id for QoS 1.
pub(crate) fn publish(topic: &str, id: Option<u16>, body: &[u8]) -> Vec<u8> {
    publish_with(if id.is_some() { 2 } else { 0 }, topic, id, body)
}

/// A PUBLISH with these four flags.
pub(crate) fn publish_with(flags: u8, topic: &str, id: Option<u16>, body: &[u8]) -> Vec<u8> {
    let id = id.map(|id| id.to_be_bytes().to_vec()).unwrap_or_default();
    packet(0x30 | flags, &[&text(topic)[..], &id, body].concat())
}

pub(crate) fn subscribe(id: u16, filters: &[(&str, u8)]) -> Vec<u8> {
    let entries = filters
        .iter()
        .flat_map(|(filter, qos)| [text(filter), vec![*qos]].concat());
    packet(0x82, &id.to_be_bytes().into_iter().chain(entries).collect::<Vec<_>>())
}

pub(crate) fn unsubscribe(id: u16, filters: &[&str]) -> Vec<u8> {
    let entries = filters.iter().flat_map(|filter| text(filter));
    packet(0xA2, &id.to_be_bytes().into_iter().chain(entries).collect::<Vec<_>>())
}

pub(crate) fn connack(code: u8) -> [u8; 4] {
    [0x20, 2, 0, code]
}

pub(crate) fn puback(id: u16) -> [u8; 4] {
    let [high, low] = id.to_be_bytes();
    [0x40, 2, high, low]
}

/// The parts of a CONNECT, each to be set to anything.
#[derive(Clone)]
pub(crate) struct Hello {
    pub(crate) first: u8,
    pub(crate) name: Vec<u8>,
    pub(crate) level: u8,
    /// `None` for those that the fields below make.
    pub(crate) flags: Option<u8>,
    pub(crate) clean: bool,
    pub(crate) keep_alive: u16,
    pub(crate) client_id: Vec<u8>,
    /// Topic, body, QoS and RETAIN as they stand in the flags.
    pub(crate) will: Option<(Vec<u8>, Vec<u8>, u8)>,
    pub(crate) username: Option<Vec<u8>>,
    pub(crate) password: Option<Vec<u8>>,
    /// What follows all that.
    pub(crate) rest: Vec<u8>,
}

impl Hello {
    /// The device's to the hub.
    pub(crate) fn hub() -> Hello {
        Hello {
            first: 0x10,
            name: text("MQTT"),
            level: 4,
            flags: None,
            clean: true,
            keep_alive: KEEP_ALIVE,
            client_id: text(DEVICE),
            will: None,
            username: Some(text("localhost/d/?api-version=2021-04-12")),
            password: Some(token("localhost/devices/d", u64::MAX)),
            rest: Vec::new(),
        }
    }

    /// The registration's to DPS.
    pub(crate) fn dps(id_scope: &str) -> Hello {
        Hello {
            username: Some(text(&format!("{id_scope}/registrations/d/api-version=2019-03-31"))),
            password: Some(token(&format!("{id_scope}/registrations/d"), u64::MAX)),
            ..Hello::hub()
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let flags = (u8::from(self.username.is_some()) << 7)
            | (u8::from(self.password.is_some()) << 6)
            | self.will.as_ref().map_or(0, |(_, _, flags)| flags | 4)
            | (u8::from(self.clean) << 1);
        let mut body = [
            &self.name[..],
            &[self.level, self.flags.unwrap_or(flags)],
            &self.keep_alive.to_be_bytes(),
            &self.client_id,
        ]
        .concat();
        if let Some((topic, payload, _)) = &self.will {
            body.extend([&topic[..], payload].concat());
        }
        for field in [&self.username, &self.password].into_iter().flatten() {
            body.extend(field);
        }
        body.extend(&self.rest);
        packet(self.first, &body)
    }
}

/// A token as a field.
pub(crate) fn token(resource: &str, expiry: u64) -> Vec<u8> {
    text(&Token::sign(resource, &super::key(), expiry, None).to_string())
}

/// The bytes with the id scope in place of [`SCOPE`].
pub(crate) fn with_scope(bytes: &[u8], id_scope: &str) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if id_scope.len() == SCOPE.len() && id_scope != SCOPE {
        while let Some(at) = bytes.windows(SCOPE.len()).position(|window| window == SCOPE.as_bytes()) {
            bytes[at..at + SCOPE.len()].copy_from_slice(id_scope.as_bytes());
        }
    }
    bytes
}
