//! The hub: its devices and who is connected.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, Utc};
use setpoint_protocol::{Key, sas::Token};
use tokio::sync::{Notify, broadcast};

use super::{
    AuthError, ClientCertificate, CloseReason, CloudMessage, DeviceEvent, EventKind, EventLog, Faults, Feedback,
    HubError, HubFault, Throttles, TrustedAuthority,
    device::Entry,
    feedback::FeedbackQueue,
    journal::Journal,
    keeping::Keeper,
    message::{MESSAGE_LIMIT, PROPERTIES_LIMIT},
    name::{path_of, split_name},
    registry::missing,
};

/// Events a listener may lag behind before it misses some. At the usual 100 bytes a message this is little; should every
/// message have the full 256 KB, it bounds what is held for a listener that stands still.
const EVENT_BACKLOG: usize = 1024;

/// An event and where it stands.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) event: Arc<DeviceEvent>,
    /// Partition and number in the built-in endpoint; `None` of what is not kept there.
    pub(crate) place: Option<(usize, u64)>,
    /// How many of those that are not kept have been told, this one included: by it a listener knows how many it has missed.
    pub(crate) unkept: u64,
}

/// Devices and modules by their names, see [`super::name`].
pub(super) type Entries = BTreeMap<String, Entry>;

/// A local IoT Hub. Wherever an id of a device is asked for, `device/module` stands for a module. Shared as an `Arc`; every method takes one lock for a moment, and none does I/O.
pub struct Hub {
    devices: Mutex<Entries>,
    events: broadcast::Sender<Arc<DeviceEvent>>,
    told: broadcast::Sender<Told>,
    unkept: AtomicU64,
    endpoint: EventLog,
    /// Rings when a device begins to listen for methods.
    pub(super) listening: Notify,
    /// For generation ids, connection epochs and request ids.
    numbers: AtomicU64,
    pub(super) faults: Arc<Faults<HubFault>>,
    pub(super) journal: Journal,
    pub(super) feedback: FeedbackQueue,
    authorities: Mutex<Vec<TrustedAuthority>>,
    policies: Mutex<Vec<(&'static str, Key)>>,
    pub(super) keeper: OnceLock<Keeper>,
    throttles: Throttles,
}

impl Hub {
    /// An empty hub.
    pub fn new() -> Arc<Hub> {
        Arc::new(Hub {
            devices: Mutex::default(),
            events: broadcast::channel(EVENT_BACKLOG).0,
            told: broadcast::channel(EVENT_BACKLOG).0,
            unkept: AtomicU64::new(0),
            endpoint: EventLog::default(),
            listening: Notify::new(),
            numbers: AtomicU64::new(1),
            faults: Arc::new(Faults::new(str::eq)),
            journal: Journal::default(),
            feedback: FeedbackQueue::default(),
            authorities: Mutex::default(),
            policies: Mutex::default(),
            keeper: OnceLock::new(),
            throttles: Throttles::default(),
        })
    }

    /// Whether a device may connect to the hub named `hub` with this token, now.
    ///
    /// # Errors
    ///
    /// Why not; for the log, the device is told one and the same in each case.
    pub fn authenticate(&self, device_id: &str, hub: &str, token: &Token) -> Result<(), AuthError> {
        let now = u64::try_from(Utc::now().timestamp()).unwrap_or(0);
        let policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let entries = self.lock();
        may_connect(&entries, device_id)?.authenticate(device_id, hub, token, now, &policies)
    }

    /// Whether a device that presented this certificate and no token may connect.
    ///
    /// # Errors
    ///
    /// As [`Hub::authenticate`].
    pub fn authenticate_certificate(&self, device_id: &str, certificate: &ClientCertificate) -> Result<(), AuthError> {
        let authorities = self.authorities.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let entries = self.lock();
        may_connect(&entries, device_id)?.authenticate_certificate(device_id, certificate, &authorities)
    }

    /// Lets in any device whose token is signed with the key of this policy, and names it: what a token service of the hub's
    /// owner hands out.
    pub fn trust_policy(&self, name: &'static str, key: Key) {
        self.policies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((name, key));
    }

    /// Trusts an authority: devices of [`Credentials::Authority`](super::Credentials) may connect with certificates it signed, as
    /// after its upload to a real hub and the proof of possession.
    pub fn trust_authority(&self, authority: TrustedAuthority) {
        self.authorities
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(authority);
    }

    /// Queues a message for a device, connected or not.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`], [`HubError::TooLarge`] for a body above 64 KB or properties above 60 KB,
    /// [`HubError::QueueFull`] when 50 wait.
    pub fn send_to_device(&self, device_id: &str, mut message: CloudMessage) -> Result<(), HubError> {
        let size = message.body.len();
        if size > MESSAGE_LIMIT {
            return Err(HubError::TooLarge(format!(
                "the message has {size} bytes: at most {MESSAGE_LIMIT} are allowed"
            )));
        }
        let size = message.properties.to_string().len();
        if size > PROPERTIES_LIMIT {
            return Err(HubError::TooLarge(format!(
                "the message's properties have {size} bytes: at most {PROPERTIES_LIMIT} are allowed"
            )));
        }
        if message.properties.get("$.to").is_none() {
            // Devices find out from it that the message was meant for them; the real hub always adds it.
            let to = format!("/{}/messages/devicebound", path_of(device_id));
            message.properties.0.push(("$.to".to_owned(), Some(to)));
        }
        self.with(device_id, |entry| {
            if !entry.queue.push(message, Utc::now()) {
                return Err(HubError::QueueFull(device_id.to_owned()));
            }
            entry.session.ring();
            Ok(())
        })?
    }

    /// Empties a device's queue; how many messages were in it. One that is being delivered right now may still arrive.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`].
    pub fn purge_messages(&self, device_id: &str) -> Result<usize, HubError> {
        self.with(device_id, |entry| entry.queue.purge())
    }

    /// Lets go of all messages whose time is over.
    pub(super) fn discard_expired(&self) {
        let now = Utc::now();
        let mut entries = self.lock();
        for (name, entry) in entries.iter_mut() {
            let before = self.marks(entry);
            entry.queue.discard_stale(now);
            self.tell_outcomes(name, entry);
            self.keep_changes(name, entry, before);
        }
    }

    /// Hands on what became of messages.
    fn tell_outcomes(&self, name: &str, entry: &mut Entry) {
        let outcomes = entry.queue.outcomes();
        let some = !outcomes.is_empty();
        for (original_message_id, outcome) in outcomes {
            self.feedback.push(Feedback {
                original_message_id,
                enqueued: Utc::now(),
                outcome,
                device_id: split_name(name).0.to_owned(),
                device_generation_id: entry.generation.to_string(),
            });
        }
        if some {
            self.keep_feedback();
        }
    }

    /// The throttles, all of them off at first.
    pub fn throttles(&self) -> &Throttles {
        &self.throttles
    }

    /// What devices do from now on. A listener more than 1,024 events behind misses the oldest and is told how many.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<DeviceEvent>> {
        self.events.subscribe()
    }

    /// The same with the places of those that are kept, which come in the order of their partition; and how many that are not kept
    /// have been told before.
    pub(crate) fn follow(&self) -> (broadcast::Receiver<Told>, u64) {
        let _telling = self.lock();
        (self.told.subscribe(), self.unkept.load(Ordering::Relaxed))
    }

    /// The built-in endpoint: the telemetry of all devices, as far back as it is kept. As at a real hub without routes of its own,
    /// nothing else goes there.
    pub fn endpoint(&self) -> &EventLog {
        &self.endpoint
    }

    /// Tells the listeners, if there are any, and keeps telemetry for those who come later. Called under the lock, which keeps the order.
    pub(super) fn tell(&self, event: DeviceEvent) {
        let event = Arc::new(event);
        let place = (event.kind == EventKind::Telemetry).then(|| {
            let stored = self.endpoint.append(Arc::clone(&event));
            (stored.partition, stored.sequence)
        });
        let unkept = u64::from(place.is_none());
        let _ = self.told.send(Told {
            event: Arc::clone(&event),
            place,
            unkept: self.unkept.fetch_add(unkept, Ordering::Relaxed) + unkept,
        });
        let _ = self.events.send(event);
    }

    pub(super) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// No number up to this one is given out any more.
    pub(super) fn number_above(&self, number: u64) {
        self.numbers.fetch_max(number + 1, Ordering::Relaxed);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Entries> {
        // A panic elsewhere must not end the hub; every change below is made whole before the lock is let go.
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with one device or module, under its name (see [`super::name`]).
    pub(super) fn with<T>(&self, name: &str, work: impl FnOnce(&mut Entry) -> T) -> Result<T, HubError> {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(name) else {
            return Err(missing(entries.contains_key(split_name(name).0), name));
        };
        let before = self.marks(entry);
        let worked = work(entry);
        self.tell_outcomes(name, entry);
        self.keep_changes(name, entry, before);
        Ok(worked)
    }

    /// Ends the device's connection, if there is one, and says so to the listeners.
    pub(super) fn disconnect(&self, device_id: &str, entry: &mut Entry, reason: CloseReason) {
        if entry.session.close(reason) {
            self.disconnected(device_id, entry);
        }
    }

    /// What follows the end of a connection.
    pub(super) fn disconnected(&self, device_id: &str, entry: &mut Entry) {
        let now = Utc::now();
        entry.connection_changed = Some(now);
        entry.queue.disconnected(entry.session.kept);
        if !entry.session.kept {
            entry.session.subscriptions = Default::default();
        }
        self.tell(connection_event(device_id, EventKind::Disconnected, now));
    }
}

/// The entry of a device or module that is not disabled, itself or with its device.
fn may_connect<'a>(entries: &'a Entries, name: &str) -> Result<&'a Entry, AuthError> {
    let device = entries.get(split_name(name).0).ok_or(AuthError::Unknown)?;
    if !device.enabled {
        return Err(AuthError::Disabled);
    }
    entries.get(name).ok_or(AuthError::Unknown)
}

/// An event without a body.
pub(super) fn connection_event(name: &str, kind: EventKind, now: DateTime<Utc>) -> DeviceEvent {
    let (device_id, module_id) = split_name(name);
    DeviceEvent {
        device_id: device_id.to_owned(),
        module_id: module_id.map(str::to_owned),
        enqueued: now,
        kind,
        body: Vec::new(),
        system: system_properties(name, kind, now),
        application: Vec::new(),
    }
}

/// The system properties every event has.
pub(super) fn system_properties(name: &str, kind: EventKind, now: DateTime<Utc>) -> Vec<(String, String)> {
    let (device_id, module_id) = split_name(name);
    let enqueued = now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let module = module_id.map(|module_id| ("iothub-connection-module-id", module_id));
    [("iothub-connection-device-id", device_id)]
        .into_iter()
        .chain(module)
        .chain([
            ("iothub-message-source", kind.source()),
            ("iothub-enqueuedtime", enqueued.as_str()),
        ])
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use setpoint_protocol::Key;

    use super::*;

    #[test]
    fn an_unknown_device_is_refused_like_a_wrong_key() {
        let token = Token::sign("hub/devices/d", &Key::from_bytes(vec![1; 32]), u64::MAX, None);
        assert_eq!(Hub::new().authenticate("d", "hub", &token), Err(AuthError::Unknown));
    }

    #[test]
    fn messages_have_a_size_and_a_number() {
        let hub = Hub::new();
        hub.create_device("d", None).unwrap();
        let message = |size| CloudMessage {
            body: vec![0; size],
            properties: Default::default(),
            expires: None,
        };
        assert!(matches!(
            hub.send_to_device("d", message(MESSAGE_LIMIT + 1)),
            Err(HubError::TooLarge(_))
        ));
        let properties = setpoint_protocol::PropertyBag(vec![("a".into(), Some("/".repeat(21 * 1024)))]);
        let encoded = hub.send_to_device(
            "d",
            CloudMessage {
                properties,
                ..message(1)
            },
        );
        assert!(
            matches!(encoded, Err(HubError::TooLarge(_))),
            "it is the encoded size that counts"
        );
        for _ in 0..super::super::QUEUE_LIMIT {
            hub.send_to_device("d", message(MESSAGE_LIMIT)).unwrap();
        }
        assert_eq!(
            hub.send_to_device("d", message(1)),
            Err(HubError::QueueFull("d".into()))
        );
        assert_eq!(hub.device("d").unwrap().waiting_messages, 50);
    }
}
