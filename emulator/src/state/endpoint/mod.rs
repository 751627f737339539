//! The built-in endpoint: what devices sent, kept for services to read, as an event hub of the real hub keeps it.
//!
//! An [`EventLog`] has partitions, each a queue of its own with sequence numbers, offsets and a lock. A device's messages are
//! all in one of them, in the order in which the hub took them. What is too old is dropped, by number and by bytes. Readers
//! keep their place themselves, and ask from there; [`EventLog::claim`] says who may read where.

mod keeping;
mod partition;
pub(crate) mod row;
mod seats;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::sync::{Notify, futures::Notified, watch};

use super::DeviceEvent;
use keeping::About;
pub(crate) use keeping::LogKeeper;
use partition::Partition;
use seats::Seats;
pub use seats::{ClaimError, READERS_PER_GROUP, Seat};

/// Partitions of a hub that was not told otherwise; the real hub's default.
pub const PARTITIONS: usize = 4;

/// The consumer group that every event hub has.
pub const DEFAULT_GROUP: &str = "$Default";

/// How much a partition keeps; whichever is reached first. The real hub keeps by time, one day or more, on disks of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Most messages.
    pub messages: usize,
    /// Most bytes in memory, those around a message counted as well as can be guessed. A single message is kept even if
    /// larger.
    pub bytes: usize,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            messages: 100_000,
            bytes: 32 * 1024 * 1024,
        }
    }
}

/// A message of the log. Cheap to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Which partition, from 0.
    pub partition: usize,
    /// Its number in the partition, from 0, without gaps.
    pub sequence: u64,
    /// Its place in the partition, in bytes from the beginning of time.
    pub offset: u64,
    /// The message; when it was enqueued stands in it.
    pub event: Arc<DeviceEvent>,
}

/// Where in a partition reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// With the oldest message that is kept.
    Earliest,
    /// With the next message that comes.
    Latest,
    /// After the message of this offset, or with it.
    Offset {
        /// The offset.
        offset: u64,
        /// Whether with that message.
        inclusive: bool,
    },
    /// After the message of this sequence number, or with it.
    Sequence {
        /// The number; below 0 is before all.
        sequence: i64,
        /// Whether with that message.
        inclusive: bool,
    },
    /// With the first message enqueued after this time, in milliseconds since 1970, or at it.
    Enqueued {
        /// The time.
        milliseconds: i64,
        /// Whether also with one of that very time.
        inclusive: bool,
    },
}

/// What a partition holds at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionProperties {
    /// The number of the oldest message kept; of the next to come when there is none.
    pub begin_sequence: u64,
    /// The number of the newest message; -1 before the first.
    pub last_sequence: i64,
    /// The offset of the newest message; -1 before the first.
    pub last_offset: i64,
    /// When the newest message was enqueued; `None` before the first.
    pub last_enqueued: Option<DateTime<Utc>>,
    /// Whether nothing is kept.
    pub is_empty: bool,
}

/// What the devices of a hub sent, in partitions.
pub struct EventLog {
    retention: Retention,
    partitions: Vec<Mutex<Partition>>,
    about: Mutex<About>,
    keeper: OnceLock<Box<dyn LogKeeper>>,
    /// Whether nothing is to come back any more of what was kept.
    whole: watch::Sender<bool>,
    seats: Arc<Seats>,
    /// Rings when a message is added, and when a reader has lost its seat.
    appended: Arc<Notify>,
}

impl Default for EventLog {
    fn default() -> EventLog {
        EventLog::new(PARTITIONS, Retention::default())
    }
}

impl EventLog {
    /// An empty log with the group `$Default`. At least one partition is made.
    pub fn new(partitions: usize, retention: Retention) -> EventLog {
        let appended = Arc::new(Notify::new());
        EventLog {
            retention,
            partitions: (0..partitions.max(1)).map(|_| Mutex::default()).collect(),
            about: Mutex::new(About {
                created: Utc::now(),
                groups: BTreeSet::from([DEFAULT_GROUP.to_owned()]),
            }),
            keeper: OnceLock::new(),
            whole: watch::Sender::new(true),
            seats: Seats::new(Arc::clone(&appended)),
            appended,
        }
    }

    /// When it was made.
    pub fn created(&self) -> DateTime<Utc> {
        lock(&self.about).created
    }

    /// How many partitions it has; they are numbered from 0.
    pub fn partitions(&self) -> usize {
        self.partitions.len()
    }

    /// The partition that has a device's messages: the same at every start.
    pub fn partition_of(&self, device_id: &str) -> usize {
        // FNV-1a, because the standard library's hash may change with its version.
        let hash = device_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        usize::try_from(hash % self.partitions.len() as u64).unwrap_or(0)
    }

    /// Adds a message at the end of its device's partition and wakes the readers; returns where it stands.
    pub fn append(&self, event: Arc<DeviceEvent>) -> Stored {
        let number = self.partition_of(&event.device_id);
        let stored = self.with(number, |partition| {
            let (stored, dropped) = partition.append(number, event, self.retention);
            // Under the lock, so that they are kept in the order of their numbers.
            if let Some(keeper) = self.keeper.get() {
                keeper.added(&stored);
            }
            if dropped {
                self.tell_dropped(number, partition);
            }
            stored
        });
        self.appended.notify_waiters();
        stored
    }

    /// The sequence number that reading from `position` begins with; `None` when there is no such partition.
    pub fn locate(&self, partition: usize, position: Position) -> Option<u64> {
        self.partition(partition).map(|partition| partition.locate(position))
    }

    /// At most `limit` messages with numbers from `sequence` on, in order; what is no longer kept is left out.
    pub fn read(&self, partition: usize, sequence: u64, limit: usize) -> Vec<Stored> {
        self.partition(partition)
            .map(|partition| partition.read(sequence, limit))
            .unwrap_or_default()
    }

    /// What a partition holds; `None` when there is no such partition.
    pub fn properties(&self, partition: usize) -> Option<PartitionProperties> {
        self.partition(partition).map(|partition| partition.properties())
    }

    /// Resolves at the next message after this call was first polled or enabled, and when a reader loses its seat.
    pub fn appended(&self) -> Notified<'_> {
        self.appended.notified()
    }

    /// Adds a consumer group; false when it was there.
    pub fn add_group(&self, name: &str) -> bool {
        self.change_groups(|groups| groups.insert(name.to_owned()))
    }

    /// Removes a consumer group; false when there was none. `$Default` stays.
    pub fn remove_group(&self, name: &str) -> bool {
        name != DEFAULT_GROUP && self.change_groups(|groups| groups.remove(name))
    }

    fn change_groups(&self, change: impl FnOnce(&mut BTreeSet<String>) -> bool) -> bool {
        let mut about = lock(&self.about);
        let changed = change(&mut about.groups);
        if let Some(keeper) = self.keeper.get().filter(|_| changed) {
            keeper.changed(json!(*about));
        }
        changed
    }

    /// Whether there is a consumer group of this name, whose case does not count.
    pub fn has_group(&self, name: &str) -> bool {
        lock(&self.about)
            .groups
            .iter()
            .any(|group| group.eq_ignore_ascii_case(name))
    }

    /// Takes a seat for reading a partition in a consumer group. `epoch` makes the reader the only one there: it sends away those
    /// with a lower one, the same, or none (Event Hubs: owner level).
    ///
    /// # Errors
    ///
    /// [`ClaimError`] when another reader stands in the way.
    pub fn claim(&self, group: &str, partition: usize, epoch: Option<i64>) -> Result<Seat, ClaimError> {
        self.seats.claim(group, partition, epoch)
    }

    fn partition(&self, number: usize) -> Option<MutexGuard<'_, Partition>> {
        self.partitions.get(number).map(lock)
    }

    /// Works on a partition that exists; the first one otherwise, which there always is.
    fn with<T>(&self, number: usize, work: impl FnOnce(&mut Partition) -> T) -> T {
        let mut spare = Partition::default();
        match self.partition(number) {
            Some(mut partition) => work(&mut partition),
            None => work(&mut spare),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
