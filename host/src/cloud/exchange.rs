//! What is under way between a device and its hub: which packet and which request carries which message of the device's,
//! and what the hub's packets mean. Knows MQTT's packets, does no I/O.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use rumqttc::{Packet, Publish, QoS};
use setpoint_protocol::properties::PropertyBag;
use setpoint_protocol::topic::{CloudTopic, DeviceTopic};
use setpoint_protocol::twin::{Properties, Twin};

use super::mqtt::LARGEST_MESSAGE;
use super::{Event, Outgoing};

/// Content Too Large: said here to what the hub would drop the connection for.
const TOO_LARGE: u16 = 413;

/// A message as MQTT carries it.
#[derive(Debug, PartialEq)]
pub(super) struct Message {
    pub(super) topic: Bytes,
    pub(super) body: Bytes,
}

/// What a twin request asked for.
#[derive(Debug)]
enum Request {
    Twin,
    Report,
}

/// The state of one connection, from the subscriptions on.
#[derive(Debug)]
pub(super) struct Exchange {
    device_id: String,
    /// The topic of telemetry without a component and properties, which is the beginning of every other's.
    telemetry: Bytes,
    /// Packets sent and not acknowledged, which a hub does in their order. Telemetry has the id its delivery is reported under; for
    /// everything else PUBACK means nothing.
    unacknowledged: VecDeque<(u16, Option<u64>)>,
    /// Twin requests without an answer; the device's id of the message is the request id.
    requests: HashMap<u64, Request>,
    ready: VecDeque<Ready>,
    /// The packet whose event was handed over last: it counts as handled when the next one is asked for.
    handed_over: Option<u16>,
    /// Packets to be acknowledged, in the order in which they came.
    handled: Vec<u16>,
}

/// What has come and was not asked for yet.
#[derive(Debug)]
struct Ready {
    /// None when it means nothing to the device; it is acknowledged in its turn all the same.
    event: Option<Event>,
    /// The packet it came in, when the hub waits for an acknowledgement.
    packet_id: Option<u16>,
}

impl From<Event> for Ready {
    fn from(event: Event) -> Ready {
        Ready {
            event: Some(event),
            packet_id: None,
        }
    }
}

impl Exchange {
    pub(super) fn new(device_id: &str) -> Exchange {
        let telemetry = DeviceTopic::Telemetry {
            device_id: device_id.to_owned(),
            module_id: None,
            properties: PropertyBag::from_iter(CONTENT),
        };
        Exchange {
            device_id: device_id.to_owned(),
            telemetry: telemetry.to_string().into(),
            unacknowledged: VecDeque::new(),
            requests: HashMap::new(),
            ready: VecDeque::new(),
            handed_over: None,
            handled: Vec::new(),
        }
    }

    /// The next event for the device, which has handled the one before.
    pub(super) fn pop(&mut self) -> Option<Event> {
        self.handled.extend(self.handed_over.take());
        while let Some(Ready { event, packet_id }) = self.ready.pop_front() {
            if event.is_some() {
                self.handed_over = packet_id;
                return event;
            }
            self.handled.extend(packet_id);
        }
        None
    }

    /// The packets of what has been handled, which the caller acknowledges at once.
    pub(super) fn take_handled(&mut self) -> Vec<u16> {
        std::mem::take(&mut self.handled)
    }

    /// Whether everything sent has been acknowledged.
    pub(super) fn is_idle(&self) -> bool {
        self.unacknowledged.is_empty()
    }

    /// What to publish for `outgoing`, which the caller does at once, and then says so with [`Exchange::sent`]. Nothing when it is too large for the hub: then the
    /// device is told that it is refused.
    pub(super) fn send(&mut self, id: u64, outgoing: &Outgoing) -> Option<Message> {
        let rid = || id.to_string();
        let (topic, body, request) = match outgoing {
            Outgoing::GetTwin => (
                DeviceTopic::TwinGet { rid: rid() }.to_string().into(),
                Bytes::new(),
                Some(Request::Twin),
            ),
            Outgoing::Report(patch) => {
                // A document of JSON values always has a JSON text.
                let body = serde_json::to_vec(patch).unwrap_or_default();
                (
                    DeviceTopic::TwinReport { rid: rid() }.to_string().into(),
                    body.into(),
                    Some(Request::Report),
                )
            }
            Outgoing::Response { rid, status, payload } => {
                let topic = DeviceTopic::MethodResponse {
                    status: *status,
                    rid: rid.clone(),
                };
                (topic.to_string().into(), payload.clone().into(), None)
            }
            Outgoing::Telemetry {
                component,
                body,
                properties,
            } => {
                let topic = self.telemetry_topic(component.as_deref(), properties);
                (topic, body.clone().into(), None)
            }
        };
        // The client would find a topic that is too long only when it writes it, and end the connection over it.
        if topic.len() > usize::from(u16::MAX) || topic.len() + body.len() > LARGEST_MESSAGE {
            let refused = Event::Refused {
                id,
                status: TOO_LARGE,
                retry_after: None,
            };
            self.ready.push_back(refused.into());
            return None;
        }
        if let Some(request) = request {
            self.requests.insert(id, request);
        }
        Some(Message { topic, body })
    }

    fn telemetry_topic(&self, component: Option<&str>, application: &[(String, String)]) -> Bytes {
        let component = component.map(|component| ("$.sub", component));
        let application = application.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let more: PropertyBag = component.into_iter().chain(application).collect();
        let more = more.to_string();
        if more.is_empty() {
            return self.telemetry.clone();
        }
        [&self.telemetry[..], b"&", more.as_bytes()].concat().into()
    }

    /// What was published for `outgoing` went out in this packet.
    pub(super) fn sent(&mut self, packet_id: u16, outgoing: &Outgoing, id: u64) {
        let id = matches!(outgoing, Outgoing::Telemetry { .. }).then_some(id);
        self.unacknowledged.push_back((packet_id, id));
    }

    /// Takes note of what was received. An error is an answer that the hub does not give.
    pub(super) fn observe(&mut self, packet: Packet) -> Result<(), String> {
        match packet {
            Packet::PubAck(acknowledgement) => {
                let place = self
                    .unacknowledged
                    .iter()
                    .position(|(packet_id, _)| *packet_id == acknowledgement.pkid);
                let settled = place.and_then(|place| self.unacknowledged.remove(place));
                let id = settled.and_then(|(_, id)| id);
                self.ready.extend(id.map(|id| Event::Delivered(id).into()));
            }
            Packet::Publish(publish) => self.receive(&publish)?,
            _ => {}
        }
        Ok(())
    }

    fn receive(&mut self, publish: &Publish) -> Result<(), String> {
        let topic = String::from_utf8_lossy(&publish.topic);
        let body = publish.payload.as_ref();
        let event = match CloudTopic::parse(&topic) {
            Ok(CloudTopic::TwinResponse {
                status,
                rid,
                retry_after,
                ..
            }) => self.answer(status, &rid, retry_after.map(Duration::from_secs), body)?,
            Ok(CloudTopic::Desired { version }) => match Properties::parse(body) {
                Ok(patch) => Some(Event::Desired {
                    patch: patch.values,
                    version,
                }),
                Err(error) => return Err(format!("desired properties that are none: {error}")),
            },
            Ok(CloudTopic::Method { name, rid }) => Some(Event::Method {
                rid,
                name,
                payload: body.to_vec(),
            }),
            Ok(CloudTopic::Message { properties, .. }) => Some(Event::Message {
                body: body.to_vec(),
                properties: application_properties(properties),
            }),
            Ok(CloudTopic::DpsResponse { .. }) | Err(_) => {
                tracing::warn!(device = %self.device_id, %topic, "message on a topic that was not subscribed to");
                None
            }
        };
        let packet_id = (publish.qos != QoS::AtMostOnce).then_some(publish.pkid);
        self.ready.push_back(Ready { event, packet_id });
        Ok(())
    }

    fn answer(
        &mut self,
        status: u16,
        rid: &str,
        retry_after: Option<Duration>,
        body: &[u8],
    ) -> Result<Option<Event>, String> {
        let Some((id, request)) = rid.parse().ok().and_then(|id| Some((id, self.requests.remove(&id)?))) else {
            // The answer to a request of an earlier connection: with a kept session the hub may still deliver it.
            tracing::debug!(device = %self.device_id, rid, status, "answer to no request of this connection");
            return Ok(None);
        };
        match (status, request) {
            (200..=299, Request::Report) => Ok(Some(Event::Delivered(id))),
            (200..=299, Request::Twin) => match Twin::parse(body) {
                Ok(twin) => Ok(Some(Event::Twin(twin))),
                Err(error) => Err(error.to_string()),
            },
            (status, _) => Ok(Some(Event::Refused {
                id,
                status,
                retry_after,
            })),
        }
    }
}

/// What telemetry is: content type and encoding. The component and the application's properties follow; this is Python's order
/// and encoding, so that a router which compares text sees the same.
const CONTENT: [(&str, &str); 2] = [("$.ct", "application/json"), ("$.ce", "utf-8")];

/// Those of the sender; null, which MQTT alone can say, counts as empty.
fn application_properties(properties: PropertyBag) -> Vec<(String, String)> {
    let own = properties.0.into_iter().filter(|(name, _)| !name.starts_with('$'));
    own.map(|(name, value)| (name, value.unwrap_or_default())).collect()
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
