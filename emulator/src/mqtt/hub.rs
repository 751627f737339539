//! What a device may do with IoT Hub.

use std::{sync::Arc, time::Duration};

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};
use setpoint_protocol::{CloudTopic, DeviceTopic, Filter, Properties, PropertyBag};
use tokio::time::{self, Instant};

use super::{
    injected::Injected,
    packet::{Publish, Violation},
    session::{Ended, Outgoing, Service},
};
use crate::state::{
    Admission, Delivery, Faults, Hub, HubError, HubFault, Link, METHOD_LIMIT, OutgoingMessage, Stored, Subscription,
    Throttle, TwinRequest,
    faults::{Acknowledgement, TwinFault},
    split_name,
};

/// Largest device-to-cloud message, body and properties together, in bytes (IoT Hub quotas: 256 KB).
const TELEMETRY_LIMIT: usize = 256 * 1024;

/// Status, version and body of the answer to a twin request.
type Answer = (u16, Option<u64>, Vec<u8>);

pub(super) struct HubService {
    /// `device`, or `device/module`.
    device_id: String,
    link: Link,
    will: Option<(PropertyBag, Vec<u8>)>,
    hub: Arc<Hub>,
    faults: Arc<Faults<HubFault>>,
    /// A message that goes out a second time, next.
    again: Option<OutgoingMessage>,
    /// A fault that a message asked for, and when it strikes.
    injected: Option<(Instant, Injected)>,
    /// Whether what was just published gets no PUBACK.
    withhold: bool,
    /// How long the PUBACK of what was just published waits for its turn.
    turn: Duration,
}

/// What is added to the packet id of a message that goes out a second time. The hub's own ids stay below: they are as many as
/// messages that wait.
const SECOND_ID: u16 = 0x4000;

impl HubService {
    /// For a device with its connection to the hub; `will` as [`check_will`] made it.
    pub(super) fn new(
        device_id: String,
        link: Link,
        will: Option<(PropertyBag, Vec<u8>)>,
        hub: Arc<Hub>,
    ) -> HubService {
        let faults = Arc::clone(hub.faults());
        HubService {
            device_id,
            link,
            will,
            hub,
            faults,
            again: None,
            injected: None,
            withhold: false,
            turn: Duration::ZERO,
        }
    }

    fn inject(&mut self, fault: Injected) {
        self.injected = Some((Instant::now() + fault.delay, fault));
    }

    /// Serves a twin request, unless a fault says otherwise.
    fn twin_request(&self, request: TwinRequest, rid: String, body: &[u8]) -> Result<Option<Outgoing>, Ended> {
        let fault = self.faults.on_twin(&self.device_id, request);
        if let Some(TwinFault::Refuse { status, retry_after }) = fault {
            let body = refusal(u32::from(status) * 1000 + 1, "This refusal was asked for.");
            return Ok(self.twin_answer(rid, status, None, retry_after, body));
        }
        let throttle = match request {
            TwinRequest::Report => Throttle::TwinUpdates,
            _ => Throttle::TwinReads,
        };
        let turn = match self.hub.throttles().admit(throttle, 1) {
            Admission::After(turn) => turn,
            Admission::Refused => {
                let error = HubError::Throttled(throttle);
                let body = refusal(error.code(), &error.to_string());
                return Ok(self.twin_answer(rid, error.status(), None, None, body));
            }
        };
        let result = match request {
            TwinRequest::Report => self.report(body)?,
            _ => self
                .link
                .twin()
                .map(|twin| (200, None, twin.to_json().to_string().into_bytes())),
        };
        let (status, version, body) =
            result.unwrap_or_else(|error| (error.status(), None, refusal(error.code(), &error.to_string())));
        let answer = self.twin_answer(rid, status, version, None, body);
        Ok(match fault {
            Some(TwinFault::Ignore) => None,
            Some(TwinFault::Delay(after)) => answer.map(|answer| Outgoing { after, ..answer }),
            _ => answer.map(|answer| Outgoing { after: turn, ..answer }),
        })
    }

    fn twin_answer(
        &self,
        rid: String,
        status: u16,
        version: Option<u64>,
        retry_after: Option<u64>,
        body: Vec<u8>,
    ) -> Option<Outgoing> {
        // Without a subscription there is nobody to tell.
        self.link.subscription(Subscription::TwinResponses)?;
        let topic = CloudTopic::TwinResponse {
            status,
            rid,
            version,
            retry_after,
        };
        Some(Outgoing::new(topic, body))
    }

    /// Takes a report; what to answer.
    fn report(&self, body: &[u8]) -> Result<Result<Answer, HubError>, Ended> {
        let patch = match serde_json::from_slice(body) {
            Ok(Value::Object(patch)) => patch,
            Ok(_) => {
                let why = "reported properties must be a JSON object".to_owned();
                return Ok(Err(HubError::InvalidArgument(why)));
            }
            Err(error) => {
                let why = format!("the reported properties are not JSON: {error}");
                return Ok(Err(HubError::InvalidArgument(why)));
            }
        };
        self.close_on(Stored::Report, false)?;
        let taken = self.link.report(&patch);
        if taken.is_ok() {
            self.close_on(Stored::Report, true)?;
        }
        Ok(taken.map(|version| (204, Some(version), Vec::new())))
    }

    /// Ends the connection over a message if a fault wants it.
    fn close_on(&self, publish: Stored, stored: bool) -> Result<(), Ended> {
        if self.faults.on_store(&self.device_id, publish, stored) {
            Err(Ended::Fault)
        } else {
            Ok(())
        }
    }

    fn message(&self, message: OutgoingMessage) -> Outgoing {
        let (device_id, module_id) = split_name(&self.device_id);
        let topic = CloudTopic::Message {
            device_id: device_id.to_owned(),
            module_id: module_id.map(str::to_owned),
            properties: message.properties,
        };
        Outgoing {
            packet_id: message.packet_id,
            again: message.again,
            ..Outgoing::new(topic, message.body)
        }
    }

    fn subscription(&self, filter: &Filter) -> Option<Subscription> {
        match filter {
            Filter::TwinResponses => Some(Subscription::TwinResponses),
            Filter::Desired => Some(Subscription::Desired),
            Filter::Methods => Some(Subscription::Methods),
            // The Embedded C SDK subscribes to `devices/+/..`; no device id has a `+` in it.
            Filter::Messages { device_id, module_id }
                if split_name(&self.device_id) == (device_id, module_id.as_deref())
                    || (device_id == "+" && module_id.is_none()) =>
            {
                Some(Subscription::Messages)
            }
            // Of inputs and all else that one may listen for, messages are all that a hub has for a module.
            Filter::Inputs { device_id, module_id } | Filter::Module { device_id, module_id }
                if split_name(&self.device_id) == (device_id, Some(module_id)) =>
            {
                Some(Subscription::Messages)
            }
            Filter::Messages { .. } | Filter::Inputs { .. } | Filter::Module { .. } | Filter::Dps => None,
        }
    }
}

impl Service for HubService {
    fn publish(&mut self, publish: Publish) -> Result<Option<Outgoing>, Ended> {
        // Of a message before this that had no PUBACK.
        (self.withhold, self.turn) = (false, Duration::ZERO);
        match DeviceTopic::parse(&publish.topic) {
            Ok(DeviceTopic::Telemetry {
                device_id,
                module_id,
                properties,
            }) if split_name(&self.device_id) == (device_id.as_str(), module_id.as_deref()) => {
                let (properties, body) = telemetry(properties, publish)?;
                if let Some(fault) = Injected::of(&properties) {
                    self.withhold = true;
                    self.inject(fault);
                    return Ok(None);
                }
                self.turn = match self.hub.throttles().admit(Throttle::Sends, 1) {
                    Admission::After(turn) => turn,
                    Admission::Refused => return Err(Ended::Throttled),
                };
                // A device that was deleted in this moment gets no PUBACK; it is closed next.
                self.close_on(Stored::Telemetry, false)?;
                self.link.telemetry(properties, body).map_err(|_| Violation::Topic)?;
                self.close_on(Stored::Telemetry, true)?;
                Ok(None)
            }
            Ok(DeviceTopic::TwinGet { rid }) => self.twin_request(TwinRequest::Read, rid, &[]),
            Ok(DeviceTopic::TwinReport { rid }) => self.twin_request(TwinRequest::Report, rid, &publish.body),
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

    fn acknowledgement(&mut self) -> Acknowledgement {
        if std::mem::take(&mut self.withhold) {
            return Acknowledgement {
                copies: 0,
                ..Acknowledgement::PROPER
            };
        }
        let acknowledgement = self.faults.on_puback(&self.device_id);
        Acknowledgement {
            after: acknowledgement.after + std::mem::take(&mut self.turn),
            ..acknowledgement
        }
    }

    fn answers_ping(&mut self) -> bool {
        !self.faults.on_ping(&self.device_id)
    }

    fn is_mute(&self) -> bool {
        self.link.is_mute()
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
        if let Some(message) = self.again.take() {
            return Ok(self.message(message));
        }
        loop {
            let delivery = match &self.injected {
                Some((due, fault)) => tokio::select! {
                    delivery = self.link.next() => delivery,
                    () = time::sleep_until(*due) => return Err(fault.clone().strike(&self.device_id, &self.faults)),
                },
                None => self.link.next().await,
            };
            return match delivery {
                Delivery::Desired { patch, version } => {
                    let body = Properties { values: patch, version }.to_json().to_string().into_bytes();
                    Ok(Outgoing::new(CloudTopic::Desired { version }, body))
                }
                Delivery::Method { name, rid, payload } => {
                    Ok(Outgoing::new(CloudTopic::Method { name, rid }, payload.to_vec()))
                }
                Delivery::Message(message) => {
                    if let Some(fault) = Injected::of(&message.properties) {
                        // It was for the hub, not for the device.
                        if let Some(packet_id) = message.packet_id {
                            self.link.acknowledge(packet_id);
                        }
                        self.inject(fault);
                        continue;
                    }
                    if self.faults.on_message(&self.device_id) {
                        self.again = Some(OutgoingMessage {
                            packet_id: message.packet_id.map(|id| id | SECOND_ID),
                            ..message.clone()
                        });
                    }
                    Ok(self.message(message))
                }
                Delivery::Close(reason) => Err(Ended::Hub(reason)),
            };
        }
    }

    fn lost(&mut self) {
        if let Some((properties, body)) = self.will.take() {
            // A device deleted meanwhile has no last will.
            let _ = self.link.telemetry(properties, body);
        }
    }
}

/// A will, as the telemetry it becomes; refused unless it is for the own telemetry topic of `device_id`, a device or
/// `device/module`.
pub(super) fn check_will(will: Publish, device_id: &str) -> Result<(PropertyBag, Vec<u8>), Violation> {
    match DeviceTopic::parse(&will.topic) {
        Ok(DeviceTopic::Telemetry {
            device_id: device,
            module_id: module,
            properties,
        }) if split_name(device_id) == (device.as_str(), module.as_deref()) => {
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
fn refusal(code: u32, message: &str) -> Vec<u8> {
    json!({
        "errorCode": code,
        "trackingId": format!("{:016x}", Utc::now().timestamp_micros()),
        "message": message,
        "timestampUtc": Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true),
    })
    .to_string()
    .into_bytes()
}
