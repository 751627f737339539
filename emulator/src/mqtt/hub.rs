//! What a device may do with IoT Hub.

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};
use setpoint_protocol::{CloudTopic, DeviceTopic, Filter, Properties, PropertyBag};

use super::{
    packet::{Publish, Violation},
    session::{Ended, Outgoing, Service},
};
use crate::state::{Delivery, HubError, Link, METHOD_LIMIT, Subscription};

/// Largest device-to-cloud message, body and properties together, in bytes (IoT Hub quotas: 256 KB).
const TELEMETRY_LIMIT: usize = 256 * 1024;

pub(super) struct HubService {
    device_id: String,
    link: Link,
    will: Option<(PropertyBag, Vec<u8>)>,
}

impl HubService {
    /// For a device with its connection to the hub; `will` as [`check_will`] made it.
    pub(super) fn new(device_id: String, link: Link, will: Option<(PropertyBag, Vec<u8>)>) -> HubService {
        HubService { device_id, link, will }
    }

    fn twin_answer(&self, rid: String, result: Result<(u16, Option<u64>, Vec<u8>), HubError>) -> Option<Outgoing> {
        // Without a subscription there is nobody to tell.
        self.link.subscription(Subscription::TwinResponses)?;
        let (status, version, body) = result.unwrap_or_else(|error| (error.status(), None, refusal(&error)));
        Some(Outgoing::new(CloudTopic::TwinResponse { status, rid, version }, body))
    }

    fn report(&self, body: &[u8]) -> Result<u64, HubError> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(patch)) => self.link.report(&patch),
            Ok(_) => Err(HubError::InvalidArgument(
                "reported properties must be a JSON object".to_owned(),
            )),
            Err(error) => Err(HubError::InvalidArgument(format!(
                "the reported properties are not JSON: {error}"
            ))),
        }
    }

    fn subscription(&self, filter: &Filter) -> Option<Subscription> {
        match filter {
            Filter::TwinResponses => Some(Subscription::TwinResponses),
            Filter::Desired => Some(Subscription::Desired),
            Filter::Methods => Some(Subscription::Methods),
            Filter::Messages {
                device_id,
                module_id: None,
            } if *device_id == self.device_id => Some(Subscription::Messages),
            Filter::Messages { .. } | Filter::Dps => None,
        }
    }
}

impl Service for HubService {
    fn publish(&mut self, publish: Publish) -> Result<Option<Outgoing>, Ended> {
        match DeviceTopic::parse(&publish.topic) {
            Ok(DeviceTopic::Telemetry {
                device_id,
                module_id: None,
                properties,
            }) if device_id == self.device_id => {
                let (properties, body) = telemetry(properties, publish)?;
                // A device that was deleted in this moment gets no PUBACK; it is closed next.
                self.link.telemetry(properties, body).map_err(|_| Violation::Topic)?;
                Ok(None)
            }
            Ok(DeviceTopic::TwinGet { rid }) => {
                let twin = self
                    .link
                    .twin()
                    .map(|twin| (200, None, twin.to_json().to_string().into_bytes()));
                Ok(self.twin_answer(rid, twin))
            }
            Ok(DeviceTopic::TwinReport { rid }) => {
                let taken = self
                    .report(&publish.body)
                    .map(|version| (204, Some(version), Vec::new()));
                Ok(self.twin_answer(rid, taken))
            }
            Ok(DeviceTopic::MethodResponse { .. }) if publish.body.len() > METHOD_LIMIT => {
                Err(Violation::TooLarge.into())
            }
            Ok(DeviceTopic::MethodResponse { status, rid }) => {
                self.link.respond(&rid, status, publish.body);
                Ok(None)
            }
            _ => Err(Violation::Topic.into()),
        }
    }

    fn subscribe(&mut self, filter: Filter, qos: u8) -> Option<u8> {
        let which = self.subscription(&filter)?;
        let granted = qos.min(1);
        self.link.subscribe(which, Some(granted));
        Some(granted)
    }

    fn unsubscribe(&mut self, filter: Filter) {
        if let Some(which) = self.subscription(&filter) {
            self.link.subscribe(which, None);
        }
    }

    fn acknowledge(&mut self, packet_id: u16) {
        self.link.acknowledge(packet_id);
    }

    async fn next(&mut self) -> Result<Outgoing, Ended> {
        match self.link.next().await {
            Delivery::Desired { patch, version } => {
                let body = Properties { values: patch, version }.to_json().to_string().into_bytes();
                Ok(Outgoing::new(CloudTopic::Desired { version }, body))
            }
            Delivery::Method { name, rid, payload } => {
                Ok(Outgoing::new(CloudTopic::Method { name, rid }, payload.to_vec()))
            }
            Delivery::Message(message) => {
                let device_id = self.device_id.clone();
                let topic = CloudTopic::Message {
                    device_id,
                    module_id: None,
                    properties: message.properties,
                };
                let (packet_id, again) = (message.packet_id, message.again);
                Ok(Outgoing {
                    topic,
                    body: message.body,
                    packet_id,
                    again,
                })
            }
            Delivery::Close(reason) => Err(Ended::Hub(reason)),
        }
    }

    fn lost(&mut self) {
        if let Some((properties, body)) = self.will.take() {
            // A device deleted meanwhile has no last will.
            let _ = self.link.telemetry(properties, body);
        }
    }
}

/// A will, as the telemetry it becomes; refused unless it is for the device's own telemetry topic.
pub(super) fn check_will(will: Publish, device_id: &str) -> Result<(PropertyBag, Vec<u8>), Violation> {
    match DeviceTopic::parse(&will.topic) {
        Ok(DeviceTopic::Telemetry {
            device_id: named,
            module_id: None,
            properties,
        }) if named == device_id => {
            let (mut properties, body) = telemetry(properties, will)?;
            properties
                .0
                .push(("iothub-MessageType".to_owned(), Some("Will".to_owned())));
            Ok((properties, body))
        }
        _ => Err(Violation::Topic),
    }
}

fn telemetry(mut properties: PropertyBag, publish: Publish) -> Result<(PropertyBag, Vec<u8>), Violation> {
    let size = |(name, value): &(String, Option<String>)| name.len() + value.as_ref().map_or(0, String::len);
    if publish.body.len() + properties.0.iter().map(size).sum::<usize>() > TELEMETRY_LIMIT {
        return Err(Violation::TooLarge);
    }
    if publish.retain {
        // The hub keeps no messages for later subscribers; it only passes on that one was meant to be kept.
        properties.0.push(("mqtt-retain".to_owned(), Some("true".to_owned())));
    }
    Ok((properties, publish.body))
}

/// The body of a twin answer of 400 and above (Microsoft: "Update device twin's reported properties").
fn refusal(error: &HubError) -> Vec<u8> {
    json!({
        "errorCode": error.code(),
        "trackingId": format!("{:016x}", Utc::now().timestamp_micros()),
        "message": error.to_string(),
        "timestampUtc": Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true),
    })
    .to_string()
    .into_bytes()
}
