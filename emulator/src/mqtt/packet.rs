//! MQTT packets: what came, checked more strictly than the codec does, and what goes.

use mqtt_protocol_core::mqtt::{
    connection::{PacketData, RawPacket},
    packet::{Qos, v3_1_1 as codec},
    result_code::{ConnectReturnCode, MqttError, SubackReturnCode},
};

/// A client breaks MQTT or the service's rules; its connection is closed without a word, as both demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Violation {
    #[error("the client sent something that is not MQTT, or too long")]
    Frame,
    #[error("the client sent a malformed {0}")]
    Malformed(&'static str),
    #[error("the client sent {0} where it may not")]
    Unexpected(&'static str),
    #[error("the client published with QoS 2, which the service does not offer")]
    ExactlyOnce,
    #[error("the client published to a topic that is not one of the service's, or not its own")]
    Topic,
    #[error("the client subscribed to a filter that is not one of the service's, or not its own")]
    Filter,
    #[error("the client published more than a message may hold")]
    TooLarge,
}

/// A packet from a client.
#[derive(Debug)]
pub(super) enum Packet {
    Connect(Box<Connect>),
    Publish(Publish),
    Puback(u16),
    Subscribe { id: u16, entries: Vec<(String, u8)> },
    Unsubscribe { id: u16, filters: Vec<String> },
    Pingreq,
    Disconnect,
}

#[derive(Debug)]
pub(super) struct Connect {
    /// False for a client of MQTT 5 or of an unknown level; then nothing else holds.
    pub(super) level_known: bool,
    pub(super) client_id: String,
    pub(super) clean: bool,
    /// Seconds; 0 for none.
    pub(super) keep_alive: u16,
    pub(super) username: Option<String>,
    /// A secret.
    pub(super) password: Secret,
    pub(super) will: Option<Publish>,
}

/// Bytes that `Debug` does not show.
#[derive(Default)]
pub(super) struct Secret(pub(super) Option<Vec<u8>>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[derive(Debug)]
pub(super) struct Publish {
    pub(super) topic: String,
    /// 0 or 1, with a packet id for 1.
    pub(super) acknowledge: Option<u16>,
    pub(super) retain: bool,
    pub(super) body: Vec<u8>,
}

impl Packet {
    pub(super) fn parse(raw: &RawPacket) -> Result<Packet, Violation> {
        let body = raw.data_as_slice();
        match (raw.packet_type(), raw.flags(), body) {
            (1, 0, _) => Ok(Packet::Connect(Box::new(connect(raw)?))),
            (3, ..) => Ok(Packet::Publish(publish(raw)?)),
            (4, 0, &[high, low]) if (high, low) != (0, 0) => Ok(Packet::Puback(u16::from_be_bytes([high, low]))),
            (8, 2, _) => subscribe(raw),
            (10, 2, _) => unsubscribe(raw),
            (12, 0, []) => Ok(Packet::Pingreq),
            (14, 0, []) => Ok(Packet::Disconnect),
            (1, ..) => Err(Violation::Malformed("CONNECT")),
            (4, ..) => Err(Violation::Malformed("PUBACK")),
            (8, ..) => Err(Violation::Malformed("SUBSCRIBE")),
            (10, ..) => Err(Violation::Malformed("UNSUBSCRIBE")),
            (12, ..) => Err(Violation::Malformed("PINGREQ")),
            (14, ..) => Err(Violation::Malformed("DISCONNECT")),
            // Without QoS 2 there is nothing PUBREC, PUBREL and PUBCOMP could belong to.
            _ => Err(Violation::Unexpected("a packet of another kind")),
        }
    }
}

fn connect(raw: &RawPacket) -> Result<Connect, Violation> {
    const MALFORMED: Violation = Violation::Malformed("CONNECT");
    let packet = match raw.parse_exact(codec::Connect::parse) {
        Ok(packet) => packet,
        Err(MqttError::UnsupportedProtocolVersion) => {
            return Ok(Connect {
                level_known: false,
                client_id: String::new(),
                clean: true,
                keep_alive: 0,
                username: None,
                password: Secret::default(),
                will: None,
            });
        }
        Err(_) => return Err(MALFORMED),
    };
    // The codec does not look at the reserved bit, at a will's QoS of 3, or at a will's QoS and RETAIN without a will.
    let flags = raw.data_as_slice().get(7).copied().unwrap_or(1);
    let (will, will_details) = (flags & 0b100 != 0, flags & 0b11_1000);
    if flags & 1 != 0 || will_details & 0b1_1000 == 0b1_1000 || (!will && will_details != 0) {
        return Err(MALFORMED);
    }
    let will = packet.will_topic().map(|topic| Publish {
        topic: topic.to_owned(),
        acknowledge: None,
        retain: packet.will_retain(),
        body: packet.will_payload().unwrap_or_default().to_vec(),
    });
    let texts = [Some(packet.client_id()), packet.user_name(), packet.will_topic()];
    if texts.into_iter().flatten().any(|text| text.contains('\0')) {
        return Err(MALFORMED);
    }
    Ok(Connect {
        level_known: true,
        client_id: packet.client_id().to_owned(),
        clean: packet.clean_session(),
        keep_alive: packet.keep_alive(),
        username: packet.user_name().map(str::to_owned),
        password: Secret(packet.password().map(<[u8]>::to_vec)),
        will,
    })
}

fn publish(raw: &RawPacket) -> Result<Publish, Violation> {
    const MALFORMED: Violation = Violation::Malformed("PUBLISH");
    let PacketData::Publish(data) = &raw.data else {
        return Err(MALFORMED);
    };
    let (packet, _) = codec::Publish::parse(raw.flags(), data.clone()).map_err(|_| MALFORMED)?;
    let acknowledge = match (packet.qos(), packet.packet_id()) {
        (Qos::AtMostOnce, _) => None,
        (Qos::AtLeastOnce, Some(id)) if id != 0 => Some(id),
        (Qos::ExactlyOnce, _) => return Err(Violation::ExactlyOnce),
        _ => return Err(MALFORMED),
    };
    let topic = packet.topic_name();
    // A topic has no wildcards, and a character at least (MQTT 3.1.1, 3.3.2.1 and 4.7.3).
    if topic.is_empty() || topic.contains(['\0', '+', '#']) || (packet.dup() && acknowledge.is_none()) {
        return Err(MALFORMED);
    }
    Ok(Publish {
        topic: packet.topic_name().to_owned(),
        acknowledge,
        retain: packet.retain(),
        body: packet.payload().as_slice().to_vec(),
    })
}

fn subscribe(raw: &RawPacket) -> Result<Packet, Violation> {
    const MALFORMED: Violation = Violation::Malformed("SUBSCRIBE");
    let packet = raw.parse_exact(codec::Subscribe::parse).map_err(|_| MALFORMED)?;
    let entry = |entry: &mqtt_protocol_core::mqtt::packet::SubEntry| {
        // The codec takes MQTT 5's options too; in 3.1.1 these bits are reserved.
        let [options] = *entry.sub_opts().to_buffer();
        let filter = entry.topic_filter();
        (options <= 2 && !filter.is_empty() && !filter.contains('\0')).then(|| (filter.to_owned(), options))
    };
    let entries = packet
        .entries()
        .iter()
        .map(entry)
        .collect::<Option<Vec<_>>>()
        .ok_or(MALFORMED)?;
    if packet.packet_id() == 0 {
        return Err(MALFORMED);
    }
    Ok(Packet::Subscribe {
        id: packet.packet_id(),
        entries,
    })
}

fn unsubscribe(raw: &RawPacket) -> Result<Packet, Violation> {
    const MALFORMED: Violation = Violation::Malformed("UNSUBSCRIBE");
    let packet = raw.parse_exact(codec::Unsubscribe::parse).map_err(|_| MALFORMED)?;
    let filters: Vec<String> = packet
        .entries()
        .iter()
        .map(|filter| filter.as_str().to_owned())
        .collect();
    if packet.packet_id() == 0 || filters.iter().any(|filter| filter.is_empty() || filter.contains('\0')) {
        return Err(MALFORMED);
    }
    Ok(Packet::Unsubscribe {
        id: packet.packet_id(),
        filters,
    })
}

/// The answer to a CONNECT.
pub(super) fn connack(code: ConnectReturnCode, session_present: bool) -> Result<Vec<u8>, MqttError> {
    Ok(codec::Connack::builder()
        .session_present(session_present)
        .return_code(code)
        .build()?
        .to_continuous_buffer())
}

/// The answer to a SUBSCRIBE: the QoS granted to each filter, 0 or 1.
pub(super) fn suback(id: u16, granted: &[u8]) -> Result<Vec<u8>, MqttError> {
    let code = |qos: &u8| match qos {
        0 => SubackReturnCode::SuccessMaximumQos0,
        _ => SubackReturnCode::SuccessMaximumQos1,
    };
    let codes = granted.iter().map(code).collect();
    Ok(codec::Suback::builder()
        .packet_id(id)
        .return_codes(codes)
        .build()?
        .to_continuous_buffer())
}

/// The answer to an UNSUBSCRIBE.
pub(super) fn unsuback(id: u16) -> Result<Vec<u8>, MqttError> {
    Ok(codec::Unsuback::builder().packet_id(id).build()?.to_continuous_buffer())
}

/// The answer to a PUBLISH with QoS 1.
pub(super) fn puback(id: u16) -> Result<Vec<u8>, MqttError> {
    Ok(codec::Puback::builder().packet_id(id).build()?.to_continuous_buffer())
}

/// The answer to a PINGREQ.
pub(super) fn pingresp() -> Vec<u8> {
    codec::Pingresp::new().to_continuous_buffer()
}

/// A message to the client: QoS 1 with a packet id, else QoS 0.
pub(super) fn message(topic: &str, body: Vec<u8>, packet_id: Option<u16>, again: bool) -> Result<Vec<u8>, MqttError> {
    let qos = if packet_id.is_some() {
        Qos::AtLeastOnce
    } else {
        Qos::AtMostOnce
    };
    let publish = codec::Publish::builder()
        .topic_name(topic)?
        .qos(qos)
        .dup(again)
        .payload(body);
    let publish = match packet_id {
        Some(id) => publish.packet_id(id),
        None => publish,
    };
    Ok(publish.build()?.to_continuous_buffer())
}

#[cfg(test)]
#[path = "packet_tests.rs"]
mod tests;
