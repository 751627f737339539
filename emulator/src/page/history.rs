//! What devices did, kept within bounds for a browser that comes later.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::Utc;
use tokio::sync::broadcast::error::RecvError;

use crate::state::endpoint::Position;
use crate::state::{DeviceEvent, EventLog, Hub, Told};

/// Most events kept of one device: at one message a second, an hour and twenty minutes.
const OF_ONE_DEVICE: usize = 5_000;

/// Most bytes kept of one device.
const BYTES_OF_ONE_DEVICE: usize = 4 * 1024 * 1024;

/// Most bytes kept of all devices of a hub together.
const BYTES: usize = 64 * 1024 * 1024;

/// How many events that are gone may be remembered in order, beyond those that are there.
const SLACK: usize = 1_000;

/// What an event takes beside its body and properties, in bytes: a guess.
const OVERHEAD: usize = 512;

/// An event and its number, which grows by one with every event of any device.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) number: u64,
    pub(super) event: Arc<DeviceEvent>,
}

#[derive(Default)]
struct OfDevice {
    events: VecDeque<Kept>,
    bytes: usize,
}

#[derive(Default)]
struct Inner {
    next: u64,
    bytes: usize,
    events: usize,
    devices: HashMap<Arc<str>, OfDevice>,
    /// Every event's number and device, oldest first; for a while also of those that are gone.
    order: VecDeque<(u64, Arc<str>)>,
    missed: u64,
}

/// The events kept. The oldest make room: of a device that has too many, then of all.
pub(super) struct History {
    inner: Mutex<Inner>,
    epoch: String,
}

impl Default for History {
    fn default() -> History {
        History {
            inner: Mutex::default(),
            epoch: format!("{:x}", Utc::now().timestamp_micros()),
        }
    }
}

impl History {
    /// Tells one emulator's numbers from those of the next.
    pub(super) fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Adds an event.
    pub(super) fn add(&self, event: Arc<DeviceEvent>) {
        self.lock().add(event);
    }

    /// A device's events from number `from` on, oldest first, at most `limit` of the newest.
    pub(super) fn of(&self, device_id: &str, from: u64, limit: usize) -> Vec<Kept> {
        let inner = self.lock();
        let Some(device) = inner.devices.get(device_id) else {
            return Vec::new();
        };
        let first = device.events.partition_point(|kept| kept.number < from);
        let skipped = first.max(device.events.len().saturating_sub(limit));
        device.events.range(skipped..).cloned().collect()
    }

    /// One event of a device, if it is still kept.
    pub(super) fn one(&self, device_id: &str, number: u64) -> Option<Kept> {
        self.of(device_id, number, usize::MAX)
            .into_iter()
            .next()
            .filter(|kept| kept.number == number)
    }

    /// The number of the next event.
    #[cfg(test)]
    fn next(&self) -> u64 {
        self.lock().next
    }

    /// Events that were not kept because the hub was faster than the one who writes them down.
    pub(super) fn missed(&self) -> u64 {
        self.lock().missed
    }

    /// Forgets a device that is gone.
    pub(super) fn forget(&self, device_id: &str) {
        let mut inner = self.lock();
        if let Some(device) = inner.devices.remove(device_id) {
            inner.bytes -= device.bytes;
            inner.events -= device.events.len();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn add(&mut self, event: Arc<DeviceEvent>) {
        let number = self.next;
        self.next += 1;
        let known = self.devices.get_key_value(event.device_id.as_str());
        let device_id = known.map_or_else(|| Arc::from(event.device_id.as_str()), |(id, _)| Arc::clone(id));
        let size = size(&event);
        let device = self.devices.entry(Arc::clone(&device_id)).or_default();
        device.events.push_back(Kept { number, event });
        device.bytes += size;
        self.bytes += size;
        self.events += 1;
        let held = |device: &OfDevice| {
            let (events, bytes) = (device.events.len(), device.bytes);
            events <= OF_ONE_DEVICE && (bytes <= BYTES_OF_ONE_DEVICE || events <= 1)
        };
        while self.devices.get(&device_id).is_some_and(|device| !held(device)) {
            self.drop_oldest(&device_id);
        }
        self.order.push_back((number, device_id));
        while self.bytes > BYTES {
            let Some((number, device_id)) = self.order.pop_front() else {
                break;
            };
            if is_held(&self.devices, number, &device_id) {
                self.drop_oldest(&device_id);
            }
        }
        if self.order.len() > 2 * self.events + SLACK {
            let devices = &self.devices;
            self.order
                .retain(|(number, device_id)| is_held(devices, *number, device_id));
        }
    }

    fn drop_oldest(&mut self, device_id: &str) {
        let Some(device) = self.devices.get_mut(device_id) else {
            return;
        };
        let Some(dropped) = device.events.pop_front() else {
            return;
        };
        let freed = size(&dropped.event);
        device.bytes -= freed;
        self.bytes -= freed;
        self.events -= 1;
        if device.events.is_empty() {
            self.devices.remove(device_id);
        }
    }
}

/// Whether a device's event of this number is still there.
fn is_held(devices: &HashMap<Arc<str>, OfDevice>, number: u64, device_id: &str) -> bool {
    let oldest = devices.get(device_id).and_then(|device| device.events.front());
    oldest.is_some_and(|kept| kept.number <= number)
}

fn size(event: &DeviceEvent) -> usize {
    let system = event.system.iter().map(|(name, value)| name.len() + value.len());
    let application = event.application.iter();
    let application = application.map(|(name, value)| name.len() + value.as_ref().map_or(0, String::len));
    OVERHEAD + event.body.len() + system.sum::<usize>() + application.sum::<usize>()
}

/// Keeps what the hub's devices do from now on, after the telemetry that its built-in endpoint has of them already: from before a
/// restart, if that is kept.
///
/// Begins to listen at once, not only when the future is polled.
pub(super) fn record(hub: Arc<Hub>, history: Arc<History>) -> impl Future<Output = ()> + Send + 'static {
    let (mut events, _) = hub.follow();
    let log = hub.endpoint();
    let latest = |partition| log.locate(partition, Position::Latest).unwrap_or_default();
    let next: Vec<_> = (0..log.partitions()).map(latest).collect();
    async move {
        hub.endpoint().restored().await;
        for event in past(hub.endpoint(), &next) {
            history.add(event);
        }
        loop {
            match events.recv().await {
                // Came in the moment in which this began, and is among those before.
                Ok(Told { place, .. }) if place.is_some_and(|(of, number)| next.get(of) > Some(&number)) => {}
                Ok(Told { event, .. }) => history.add(event),
                Err(RecvError::Lagged(missed)) => history.lock().missed += missed,
                Err(RecvError::Closed) => return,
            }
        }
    }
}

/// The messages of the built-in endpoint in the order in which they came, of each partition those before the number in `next`; as
/// many of the newest as there is room for.
fn past(log: &EventLog, next: &[u64]) -> Vec<Arc<DeviceEvent>> {
    let mut events = Vec::new();
    for (partition, next) in next.iter().enumerate() {
        let stored = log.read(partition, 0, usize::MAX);
        let before = stored.into_iter().take_while(|stored| stored.sequence < *next);
        events.extend(before.map(|stored| stored.event));
    }
    events.sort_by_key(|event| event.enqueued);
    // Of hundreds of thousands that are too many, only the size would be counted.
    let mut room = BYTES;
    let kept = events.iter().rev().take_while(|event| {
        let size = size(event);
        let fits = size <= room;
        room = room.saturating_sub(size);
        fits
    });
    let kept = kept.count();
    events.split_off(events.len() - kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::EventKind;

    fn event(device_id: &str, size: usize) -> Arc<DeviceEvent> {
        Arc::new(DeviceEvent {
            device_id: device_id.to_owned(),
            module_id: None,
            enqueued: Utc::now(),
            kind: EventKind::Telemetry,
            body: vec![b'1'; size],
            system: Vec::new(),
            application: Vec::new(),
        })
    }

    fn numbers(history: &History, device_id: &str, from: u64, limit: usize) -> Vec<u64> {
        history
            .of(device_id, from, limit)
            .iter()
            .map(|kept| kept.number)
            .collect()
    }

    #[test]
    fn a_device_is_read_from_anywhere() {
        let history = History::default();
        for device in ["a", "b", "a", "a"] {
            history.add(event(device, 1));
        }
        assert_eq!(numbers(&history, "a", 0, 10), [0, 2, 3]);
        assert_eq!(numbers(&history, "a", 1, 10), [2, 3]);
        assert_eq!(numbers(&history, "a", 0, 2), [2, 3], "the newest");
        assert_eq!(numbers(&history, "a", 4, 10), [0; 0]);
        assert_eq!(numbers(&history, "c", 0, 10), [0; 0]);
        assert!(history.one("a", 2).is_some() && history.one("a", 1).is_none());
        history.forget("a");
        assert_eq!(numbers(&history, "a", 0, 10), [0; 0]);
    }

    #[test]
    fn one_device_has_its_bounds_and_the_others_keep_theirs() {
        let history = History::default();
        history.add(event("quiet", 1));
        for _ in 0..3 * OF_ONE_DEVICE {
            history.add(event("busy", 1));
        }
        assert_eq!(history.of("busy", 0, usize::MAX).len(), OF_ONE_DEVICE);
        for _ in 0..100 {
            history.add(event("large", 256 * 1024));
        }
        let large = history.of("large", 0, usize::MAX).len();
        assert!((1..=BYTES_OF_ONE_DEVICE / (256 * 1024)).contains(&large), "{large}");
        assert_eq!(numbers(&history, "quiet", 0, 10), [0]);
        let inner = history.lock();
        let remembered = inner.order.len();
        assert!(
            remembered <= 2 * inner.events + SLACK,
            "{remembered} of {}",
            inner.events
        );
    }

    #[test]
    fn all_together_have_bounds_too_and_the_oldest_goes_first() {
        let history = History::default();
        history.add(event("first", 1));
        for number in 0..100 {
            for _ in 0..4 {
                history.add(event(&format!("device-{number}"), 256 * 1024));
            }
        }
        let inner = history.lock();
        assert!(inner.bytes <= BYTES);
        let counted: usize = inner.devices.values().map(|device| device.bytes).sum();
        assert_eq!(inner.bytes, counted);
        assert!(!inner.devices.contains_key("first") && !inner.devices.contains_key("device-0"));
        assert!(inner.devices.contains_key("device-99"));
        let events: usize = inner.devices.values().map(|device| device.events.len()).sum();
        assert_eq!(inner.events, events);
    }

    #[tokio::test]
    async fn what_was_sent_before_is_there_from_the_start() {
        let hub = Hub::new();
        for id in ["a", "b"] {
            hub.create_device(id, None).unwrap();
        }
        for (id, text) in [("a", "1"), ("b", "2"), ("a", "3")] {
            let link = hub.connect(id, true, None).unwrap();
            link.telemetry(Default::default(), text.as_bytes().to_vec()).unwrap();
        }
        let history = Arc::new(History::default());
        let recorder = record(Arc::clone(&hub), Arc::clone(&history));
        // Comes before it has begun to read, and is written down once.
        let link = hub.connect("a", true, None).unwrap();
        link.telemetry(Default::default(), b"4".to_vec()).unwrap();
        assert_eq!(futures_util::FutureExt::now_or_never(recorder), None);
        let texts = |id| -> Vec<_> {
            history
                .of(id, 0, 9)
                .iter()
                .map(|kept| kept.event.body.clone())
                .collect()
        };
        assert_eq!(
            (texts("a"), texts("b")),
            (
                vec![b"1".to_vec(), b"3".to_vec(), Vec::new(), b"4".to_vec()],
                vec![b"2".to_vec()]
            )
        );
    }

    #[tokio::test]
    async fn what_devices_do_is_written_down() {
        let hub = Hub::new();
        hub.create_device("d", None).unwrap();
        let history = Arc::new(History::default());
        let recorder = record(Arc::clone(&hub), Arc::clone(&history));
        let link = hub.connect("d", true, None).unwrap();
        link.telemetry(Default::default(), b"{}".to_vec()).unwrap();
        let written = async {
            while history.next() < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = recorder => unreachable!("the hub lives"),
            () = written => {}
        }
        let kinds: Vec<_> = history.of("d", 0, 9).iter().map(|kept| kept.event.kind).collect();
        assert_eq!(kinds, [EventKind::Connected, EventKind::Telemetry]);
    }
}
