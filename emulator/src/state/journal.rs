//! What devices sent and when they connected, kept for a test to compare with: unlike a subscription to events it misses
//! nothing, up to a limit that its owner sets.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use setpoint_protocol::PropertyBag;

use super::Hub;

/// A telemetry message as a device sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// The body.
    pub body: Vec<u8>,
    /// System (`$.ct`, ..) and application properties, in the order sent.
    pub properties: PropertyBag,
    /// When the hub took it.
    pub enqueued: DateTime<Utc>,
}

/// A CONNECT for a device and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectAttempt {
    /// When it was answered.
    pub at: DateTime<Utc>,
    /// The CONNACK's return code: 0 when it was accepted.
    pub code: u8,
    /// Whether the hub had kept a session for the device.
    pub session_present: bool,
}

/// Entries by device, of all devices together at most `capacity`.
struct Log<T> {
    capacity: usize,
    length: usize,
    missed: u64,
    entries: BTreeMap<String, Vec<T>>,
}

impl<T: Clone> Log<T> {
    fn with_capacity(capacity: usize) -> Log<T> {
        Log {
            capacity,
            length: 0,
            missed: 0,
            entries: BTreeMap::new(),
        }
    }

    fn write(&mut self, device_id: &str, entry: impl FnOnce() -> T) {
        if self.capacity == 0 {
            return;
        }
        if self.length == self.capacity {
            self.missed += 1;
            return;
        }
        self.length += 1;
        self.entries.entry(device_id.to_owned()).or_default().push(entry());
    }

    fn of(&self, device_id: &str) -> Vec<T> {
        self.entries.get(device_id).cloned().unwrap_or_default()
    }
}

/// Both logs of a hub; off until they are given a capacity.
pub(super) struct Journal {
    telemetry: Mutex<Log<Telemetry>>,
    connects: Mutex<Log<ConnectAttempt>>,
}

impl Default for Journal {
    fn default() -> Journal {
        Journal {
            telemetry: Mutex::new(Log::with_capacity(0)),
            connects: Mutex::new(Log::with_capacity(0)),
        }
    }
}

impl Journal {
    pub(super) fn telemetry(&self, device_id: &str, properties: &PropertyBag, body: &[u8], enqueued: DateTime<Utc>) {
        lock(&self.telemetry).write(device_id, || Telemetry {
            body: body.to_vec(),
            properties: properties.clone(),
            enqueued,
        });
    }
}

impl Hub {
    /// Keeps the next `capacity` telemetry messages of all devices together; 0, as at first, keeps none. What was kept before is
    /// gone.
    pub fn keep_telemetry(&self, capacity: usize) {
        *lock(&self.journal.telemetry) = Log::with_capacity(capacity);
    }

    /// The telemetry kept of a device, in the order in which the hub took it.
    pub fn telemetry_of(&self, device_id: &str) -> Vec<Telemetry> {
        lock(&self.journal.telemetry).of(device_id)
    }

    /// How many messages came when the capacity was used up. With more than 0 what [`Hub::telemetry_of`] gives is not all.
    pub fn telemetry_missed(&self) -> u64 {
        lock(&self.journal.telemetry).missed
    }

    /// Keeps the next `capacity` CONNECTs of all devices together; 0, as at first, keeps none. What was kept before is gone.
    pub fn keep_connects(&self, capacity: usize) {
        *lock(&self.journal.connects) = Log::with_capacity(capacity);
    }

    /// The CONNECTs kept of a device, accepted and refused, in order. A device that is not registered has some, too.
    pub fn connects(&self, device_id: &str) -> Vec<ConnectAttempt> {
        lock(&self.journal.connects).of(device_id)
    }

    /// Takes note of the answer to a CONNECT.
    pub(crate) fn note_connect(&self, device_id: &str, code: u8, session_present: bool) {
        lock(&self.journal.connects).write(device_id, || ConnectAttempt {
            at: Utc::now(),
            code,
            session_present,
        });
    }
}

fn lock<T>(log: &Mutex<T>) -> MutexGuard<'_, T> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_unless_asked_for_and_no_more_than_asked_for() {
        let hub = Hub::new();
        hub.create_device("d", None).unwrap();
        let link = hub.connect("d", true, None).unwrap();
        let send = |text: &str| link.telemetry(PropertyBag::default(), text.into()).unwrap();
        send("before");
        assert_eq!(hub.telemetry_of("d"), []);
        hub.keep_telemetry(2);
        ["a", "b", "c"].into_iter().for_each(send);
        let bodies: Vec<_> = hub.telemetry_of("d").into_iter().map(|message| message.body).collect();
        assert_eq!(bodies, [b"a", b"b"]);
        assert_eq!(hub.telemetry_missed(), 1);
        hub.keep_telemetry(0);
        send("after");
        assert_eq!((hub.telemetry_of("d"), hub.telemetry_missed()), (Vec::new(), 0));
    }
}
