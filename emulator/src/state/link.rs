//! A connected device's end of the hub.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chrono::Utc;
use serde_json::{Value, json};
use setpoint_protocol::{
    PropertyBag,
    twin::{Document, Twin},
};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    DeviceEvent, EventKind, Hub, HubError, OutgoingMessage, Subscription,
    event::system_name,
    hub::{connection_event, system_properties},
    method::Answer,
    session::{Attached, Subscriptions},
};

/// Desired patches and method requests that may wait for a connection to write them. A device that is so far behind
/// does not read, and is disconnected.
const DELIVERY_BACKLOG: usize = 64;

/// What the hub has for the device.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// A service changed desired properties: the patch, and the version of the whole after it.
    Desired {
        /// The patch, without `$version`.
        patch: Document,
        /// The version.
        version: u64,
    },
    /// A service calls a method.
    Method {
        /// Its name, without `/`, `+` and `#`.
        name: String,
        /// The request id to answer with.
        rid: String,
        /// JSON, or nothing.
        payload: Arc<[u8]>,
    },
    /// A cloud-to-device message.
    Message(OutgoingMessage),
    /// The connection is to be closed; nothing follows.
    Close(CloseReason),
}

/// Why the hub closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The device connected a second time.
    #[error("the device connected again elsewhere")]
    TakenOver,
    /// The device was deleted.
    #[error("the device was deleted")]
    Deleted,
    /// The device was disabled.
    #[error("the device was disabled")]
    Disabled,
    /// It was asked for, as a fault.
    #[error("it was closed on request")]
    Kicked,
    /// The device did not read what was sent to it.
    #[error("the device does not read what is sent to it")]
    TooSlow,
}

/// The connection of one device. Dropping it disconnects the device, unless another connection took over.
pub struct Link {
    hub: Arc<Hub>,
    device_id: String,
    epoch: u64,
    session_present: bool,
    deliveries: mpsc::Receiver<Delivery>,
    close: oneshot::Receiver<CloseReason>,
    mail: Arc<Notify>,
    mute: Arc<AtomicBool>,
    /// Whether messages may be waiting that the bell has been rung for.
    look_for_mail: bool,
}

impl Hub {
    /// Connects a device that has been authenticated. An earlier connection of it is told to close. With `clean` the
    /// session starts empty and ends with the connection (MQTT's CleanSession).
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`] when it was deleted meanwhile.
    pub fn connect(self: &Arc<Hub>, device_id: &str, clean: bool, model_id: Option<&str>) -> Result<Link, HubError> {
        let (deliveries, receiver) = mpsc::channel(DELIVERY_BACKLOG);
        let (close, closed) = oneshot::channel();
        let mail = Arc::new(Notify::new());
        let mute = Arc::new(AtomicBool::new(false));
        let epoch = self.next_number();
        let session_present = self.with(device_id, |entry| {
            self.disconnect(device_id, entry, CloseReason::TakenOver);
            let session_present = entry.session.kept && !clean;
            if !session_present {
                entry.session.subscriptions = Subscriptions::default();
                entry.queue.disconnected(false);
            }
            entry.session.kept = !clean;
            entry.session.attached = Some(Attached {
                epoch,
                deliveries,
                mail: Arc::clone(&mail),
                mute: Arc::clone(&mute),
                close,
            });
            entry.model_id = model_id.unwrap_or_default().to_owned();
            let now = Utc::now();
            (entry.connection_changed, entry.last_activity) = (Some(now), Some(now));
            self.tell(connection_event(device_id, EventKind::Connected, now));
            session_present
        })?;
        self.listening.notify_waiters();
        Ok(Link {
            hub: Arc::clone(self),
            device_id: device_id.to_owned(),
            epoch,
            session_present,
            deliveries: receiver,
            close: closed,
            mail,
            mute,
            look_for_mail: true,
        })
    }
}

impl Link {
    /// Whether the hub had kept a session for this device.
    pub fn session_present(&self) -> bool {
        self.session_present
    }

    /// Whether the device is to hear nothing more on this connection ([`Hub::mute`]).
    pub fn is_mute(&self) -> bool {
        self.mute.load(Ordering::Acquire)
    }

    /// Lets the device hear nothing more on this connection.
    pub(crate) fn mute(&self) {
        self.mute.store(true, Ordering::Release);
    }

    /// Subscribes, or unsubscribes with `None`; the value is the QoS granted, 0 or 1.
    pub fn subscribe(&mut self, which: Subscription, qos: Option<u8>) {
        self.with(|entry| entry.session.subscriptions.set(which, qos));
        match which {
            Subscription::Messages => self.look_for_mail = true,
            Subscription::Methods => self.hub.listening.notify_waiters(),
            Subscription::TwinResponses | Subscription::Desired => {}
        }
    }

    /// The QoS granted to a subscription, `None` when not subscribed.
    pub fn subscription(&self, which: Subscription) -> Option<u8> {
        self.with(|entry| entry.session.subscriptions.get(which)).flatten()
    }

    /// What the hub has for the device next. Cancel safe; to be awaited by one task.
    pub async fn next(&mut self) -> Delivery {
        loop {
            if let Ok(reason) = self.close.try_recv() {
                return Delivery::Close(reason);
            }
            if self.look_for_mail {
                if let Some(message) = self.take_message() {
                    return Delivery::Message(message);
                }
                self.look_for_mail = false;
            }
            tokio::select! {
                biased;
                // The sender only ever goes away together with a reason, except when the hub itself does.
                reason = &mut self.close => return Delivery::Close(reason.unwrap_or(CloseReason::Deleted)),
                Some(delivery) = self.deliveries.recv() => return delivery,
                () = self.mail.notified() => self.look_for_mail = true,
            }
        }
    }

    fn take_message(&self) -> Option<OutgoingMessage> {
        self.with(|entry| {
            let qos = entry.session.subscriptions.get(Subscription::Messages)?;
            entry.queue.take(qos, Utc::now())
        })
        .flatten()
    }

    /// The device has taken the message of this packet id; false when it had none.
    pub fn acknowledge(&self, packet_id: u16) -> bool {
        self.with(|entry| entry.queue.acknowledge(packet_id)).unwrap_or(false)
    }

    /// Both halves of the twin, as the device sees them.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`] when it was deleted meanwhile.
    pub fn twin(&self) -> Result<Twin, HubError> {
        self.hub.with(&self.device_id, |entry| Twin {
            desired: entry.twin.desired.properties.clone(),
            reported: entry.twin.reported.properties.clone(),
        })
    }

    /// Merges a report into the twin; its new version.
    ///
    /// # Errors
    ///
    /// [`HubError::InvalidArgument`] and [`HubError::TooLarge`] for a report outside the limits; then nothing is changed.
    pub fn report(&self, patch: &Document) -> Result<u64, HubError> {
        self.hub.with(&self.device_id, |entry| {
            let now = Utc::now();
            let version = entry.twin.report(patch, now)?;
            entry.last_activity = Some(now);
            let mut reported = patch.clone();
            reported.insert("$version".to_owned(), json!(version));
            let body = json!({"version": version, "properties": {"reported": Value::Object(reported)}});
            let body = body.to_string().into_bytes();
            self.hub.tell(DeviceEvent {
                body,
                ..connection_event(&self.device_id, EventKind::Reported, now)
            });
            Ok(version)
        })?
    }

    /// Takes a telemetry message; also from a connection that was taken over, for its device believes it sent.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`] when the device was deleted meanwhile.
    pub fn telemetry(&self, properties: PropertyBag, body: Vec<u8>) -> Result<(), HubError> {
        self.hub.with(&self.device_id, |entry| {
            let now = Utc::now();
            entry.last_activity = Some(now);
            self.hub.journal.telemetry(&self.device_id, &properties, &body, now);
            let mut system = system_properties(&self.device_id, EventKind::Telemetry, now);
            system.extend(entry.authentication_properties(&self.device_id));
            let mut application = Vec::new();
            if !entry.model_id.is_empty() {
                system.push(("dt-dataschema".to_owned(), entry.model_id.clone()));
            }
            for (name, value) in properties.0 {
                match system_name(&name) {
                    // What the hub says of a message, above all whose it is, a device cannot say otherwise.
                    Some(name) if system.iter().any(|(said, _)| said == name) => {}
                    Some(name) => system.push((name.to_owned(), value.unwrap_or_default())),
                    None => application.push((name, value)),
                }
            }
            let event = connection_event(&self.device_id, EventKind::Telemetry, now);
            self.hub.tell(DeviceEvent {
                body,
                system,
                application,
                ..event
            });
        })
    }

    /// Takes an answer to a method request; one nobody waits for is ignored.
    pub fn respond(&self, rid: &str, status: u16, payload: Vec<u8>) {
        let call = self.with(|entry| entry.calls.remove(rid)).flatten();
        if let Some(call) = call {
            // The caller may have given up in this moment.
            let _ = call.send(Answer { status, payload });
        }
    }

    /// Works on the device while this connection is the one it has.
    fn with<T>(&self, work: impl FnOnce(&mut super::device::Entry) -> T) -> Option<T> {
        let worked = self.hub.with(&self.device_id, |entry| {
            let ours = entry
                .session
                .attached
                .as_ref()
                .is_some_and(|attached| attached.epoch == self.epoch);
            ours.then(|| work(entry))
        });
        worked.ok().flatten()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.with(|entry| {
            entry.session.attached = None;
            self.hub.disconnected(&self.device_id, entry);
        });
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
