//! The hub: its devices and who is connected.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, Utc};
use setpoint_protocol::{identifier::is_device_id, sas::Token};
use tokio::sync::{Notify, broadcast};

use super::{
    AuthError, ClientCertificate, CloseReason, CloudMessage, Credentials, Device, DeviceEvent, EventKind, EventLog,
    Faults, HubError, HubFault,
    device::{Entry, make_keys},
    journal::Journal,
    message::{MESSAGE_LIMIT, PROPERTIES_LIMIT},
};

/// Events a listener may lag behind before it misses some. At the usual 100 bytes a message this is little; should every
/// message have the full 256 KB, it bounds what is held for a listener that stands still.
const EVENT_BACKLOG: usize = 1024;

/// A local IoT Hub. Shared as an `Arc`; every method takes a lock for a moment, and none does I/O.
pub struct Hub {
    devices: Mutex<BTreeMap<String, Entry>>,
    events: broadcast::Sender<Arc<DeviceEvent>>,
    endpoint: EventLog,
    /// Rings when a device begins to listen for methods.
    pub(super) listening: Notify,
    /// For generation ids, connection epochs and request ids.
    numbers: AtomicU64,
    pub(super) faults: Arc<Faults<HubFault>>,
    pub(super) journal: Journal,
}

impl Hub {
    /// An empty hub.
    pub fn new() -> Arc<Hub> {
        Arc::new(Hub {
            devices: Mutex::default(),
            events: broadcast::channel(EVENT_BACKLOG).0,
            endpoint: EventLog::default(),
            listening: Notify::new(),
            numbers: AtomicU64::new(1),
            faults: Arc::new(Faults::new(str::eq)),
            journal: Journal::default(),
        })
    }

    /// Registers a device; without credentials it gets fresh random keys.
    ///
    /// # Errors
    ///
    /// [`HubError::InvalidArgument`] for an id the hub does not take, [`HubError::DeviceAlreadyExists`],
    /// [`HubError::NoRandomness`].
    pub fn create_device(&self, device_id: &str, credentials: Option<Credentials>) -> Result<Device, HubError> {
        if !is_device_id(device_id) {
            return Err(HubError::InvalidArgument(format!(
                "{device_id:?} is not a device id: 1 to 128 characters of letters, digits and - . % _ * ? ! ( ) , : = @ $ '"
            )));
        }
        let credentials = credentials.map_or_else(|| make_keys().map(Credentials::Keys), Ok)?;
        let generation = self.next_number();
        let mut devices = self.lock();
        if devices.contains_key(device_id) {
            return Err(HubError::DeviceAlreadyExists(device_id.to_owned()));
        }
        let entry = devices
            .entry(device_id.to_owned())
            .or_insert(Entry::new(generation, credentials, Utc::now()));
        Ok(entry.show(device_id))
    }

    /// Gives a device these credentials, registering it first if need be: what DPS does when it assigns.
    pub(super) fn assign_device(&self, device_id: &str, credentials: Credentials) -> Result<(), HubError> {
        match self.create_device(device_id, Some(credentials.clone())) {
            Err(HubError::DeviceAlreadyExists(_)) => self.update_device(device_id, Some(credentials), None).map(drop),
            other => other.map(drop),
        }
    }

    /// Changes a device's credentials, its permission to connect, or both; what is `None` stays. A device that may no longer
    /// connect is disconnected.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`].
    pub fn update_device(
        &self,
        device_id: &str,
        credentials: Option<Credentials>,
        enabled: Option<bool>,
    ) -> Result<Device, HubError> {
        self.with(device_id, |entry| {
            let credentials = credentials.unwrap_or_else(|| entry.credentials.clone());
            let enabled = enabled.unwrap_or(entry.enabled);
            if credentials != entry.credentials || enabled != entry.enabled {
                entry.identity_version += 1;
            }
            (entry.credentials, entry.enabled) = (credentials, enabled);
            if !enabled {
                self.disconnect(device_id, entry, CloseReason::Disabled);
            }
            entry.show(device_id)
        })
    }

    /// One device.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`].
    pub fn device(&self, device_id: &str) -> Result<Device, HubError> {
        self.with(device_id, |entry| entry.show(device_id))
    }

    /// All devices, ordered by id.
    pub fn devices(&self) -> Vec<Device> {
        self.lock()
            .iter()
            .map(|(device_id, entry)| entry.show(device_id))
            .collect()
    }

    /// Removes a device with its twin and messages, and closes its connection.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`].
    pub fn delete_device(&self, device_id: &str) -> Result<(), HubError> {
        let mut devices = self.lock();
        let mut entry = devices
            .remove(device_id)
            .ok_or_else(|| HubError::DeviceNotFound(device_id.to_owned()))?;
        self.disconnect(device_id, &mut entry, CloseReason::Deleted);
        Ok(())
    }

    /// Whether a device may connect to the hub named `hub` with this token, now.
    ///
    /// # Errors
    ///
    /// Why not; for the log, the device is told one and the same in each case.
    pub fn authenticate(&self, device_id: &str, hub: &str, token: &Token) -> Result<(), AuthError> {
        let now = u64::try_from(Utc::now().timestamp()).unwrap_or(0);
        self.with(device_id, |entry| entry.authenticate(device_id, hub, token, now))
            .unwrap_or(Err(AuthError::Unknown))
    }

    /// Whether a device that presented this certificate and no token may connect.
    ///
    /// # Errors
    ///
    /// As [`Hub::authenticate`].
    pub fn authenticate_certificate(&self, device_id: &str, certificate: &ClientCertificate) -> Result<(), AuthError> {
        let thumbprint = certificate.thumbprint();
        self.with(device_id, |entry| entry.authenticate_certificate(thumbprint))
            .unwrap_or(Err(AuthError::Unknown))
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
            let to = format!("/devices/{device_id}/messages/devicebound");
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

    /// What devices do from now on. A listener more than 1,024 events behind misses the oldest and is told how many.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<DeviceEvent>> {
        self.events.subscribe()
    }

    /// The built-in endpoint: the telemetry of all devices, as far back as it is kept. As at a real hub without routes of its own,
    /// nothing else goes there.
    pub fn endpoint(&self) -> &EventLog {
        &self.endpoint
    }

    /// Tells the listeners, if there are any, and keeps telemetry for those who come later.
    pub(super) fn tell(&self, event: DeviceEvent) {
        let event = Arc::new(event);
        if event.kind == EventKind::Telemetry {
            self.endpoint.append(Arc::clone(&event));
        }
        let _ = self.events.send(event);
    }

    pub(super) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        // A panic elsewhere must not end the hub; every change below is made whole before the lock is let go.
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with one device.
    pub(super) fn with<T>(&self, device_id: &str, work: impl FnOnce(&mut Entry) -> T) -> Result<T, HubError> {
        match self.lock().get_mut(device_id) {
            Some(entry) => Ok(work(entry)),
            None => Err(HubError::DeviceNotFound(device_id.to_owned())),
        }
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

/// An event without a body.
pub(super) fn connection_event(device_id: &str, kind: EventKind, now: DateTime<Utc>) -> DeviceEvent {
    DeviceEvent {
        device_id: device_id.to_owned(),
        module_id: None,
        enqueued: now,
        kind,
        body: Vec::new(),
        system: system_properties(device_id, kind, now),
        application: Vec::new(),
    }
}

/// The system properties every event has.
pub(super) fn system_properties(device_id: &str, kind: EventKind, now: DateTime<Utc>) -> Vec<(String, String)> {
    let enqueued = now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    [
        ("iothub-connection-device-id", device_id),
        ("iothub-message-source", kind.source()),
        ("iothub-enqueuedtime", enqueued.as_str()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

#[cfg(test)]
mod tests {
    use setpoint_protocol::Key;

    use super::*;

    #[test]
    fn a_device_is_made_once_with_its_own_keys() {
        let hub = Hub::new();
        let device = hub.create_device("d", None).unwrap();
        let keys = device.credentials.keys().unwrap();
        assert_ne!(keys[0], keys[1]);
        assert_eq!(
            hub.create_device("d", None).unwrap_err(),
            HubError::DeviceAlreadyExists("d".into())
        );
        assert!(matches!(
            hub.create_device("a/b", None),
            Err(HubError::InvalidArgument(_))
        ));
        hub.delete_device("d").unwrap();
        let second = hub.create_device("d", None).unwrap();
        assert_ne!(second.generation_id, device.generation_id);
    }

    #[test]
    fn assigning_again_gives_new_keys_and_keeps_the_twin() {
        let hub = Hub::new();
        let keys = |byte| Credentials::from([byte, byte + 1].map(|byte| Key::from_bytes(vec![byte; 32])));
        hub.assign_device("d", keys(1)).unwrap();
        let patch = serde_json::json!({"tags": {"site": "a"}});
        hub.patch_twin("d", patch.as_object().unwrap(), None).unwrap();
        hub.assign_device("d", keys(5)).unwrap();
        assert_eq!(hub.device("d").unwrap().credentials, keys(5));
        assert_eq!(hub.twin("d").unwrap()["tags"]["site"], "a");
    }

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
