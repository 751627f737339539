//! What a hub says, as a device reads it, without a connection: what `fuzz/` gives its bytes to. Only with the feature
//! `fuzzing`.

use rumqttc::{Packet, PubAck, Publish, QoS};
use setpoint_protocol::twin::Document;

pub use super::dps::fuzzing::dps_answer;
use super::exchange::Exchange;
use super::{Event, Outgoing};

/// A connection on which the device `device` has asked for its twin, reported and sent telemetry: messages 1, 2 and 3, in
/// packets of the same numbers.
#[derive(Debug)]
pub struct HubAnswers(Exchange);

impl Default for HubAnswers {
    fn default() -> HubAnswers {
        let mut exchange = Exchange::new("device");
        let telemetry = Outgoing::Telemetry {
            component: None,
            body: "{}".to_owned(),
            properties: Vec::new(),
        };
        let sent = [Outgoing::GetTwin, Outgoing::Report(Document::new()), telemetry];
        for (number, outgoing) in (1..).zip(&sent) {
            exchange.send(u64::from(number), outgoing);
            exchange.sent(number, outgoing, u64::from(number));
        }
        HubAnswers(exchange)
    }
}

impl HubAnswers {
    /// The hub publishes this; what comes of it for the device, or why the connection ends.
    ///
    /// # Errors
    /// When the hub says what it never does.
    pub fn publish(&mut self, topic: &[u8], body: &[u8]) -> Result<Vec<Event>, String> {
        self.observe(Packet::Publish(publication(topic, body)))
    }

    /// The hub acknowledges this packet.
    ///
    /// # Errors
    /// As [`Self::publish`].
    pub fn acknowledge(&mut self, packet_id: u16) -> Result<Vec<Event>, String> {
        self.observe(Packet::PubAck(PubAck::new(packet_id)))
    }

    fn observe(&mut self, packet: Packet) -> Result<Vec<Event>, String> {
        self.0.observe(packet)?;
        Ok(std::iter::from_fn(|| self.0.pop()).collect())
    }
}

/// A packet with any bytes as its topic.
pub(super) fn publication(topic: &[u8], body: &[u8]) -> Publish {
    let mut publish = Publish::new("", QoS::AtMostOnce, body.to_vec());
    publish.topic = topic.to_vec().into();
    publish
}
