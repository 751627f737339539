//! Who reads where: in a consumer group, a partition has either one reader with an epoch or a few without.
//!
//! Source: Microsoft, "Event processor host", "Epoch"; the words of the errors are the service's.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

/// Readers without an epoch that a partition can have in one consumer group (Event Hubs quotas).
pub const READERS_PER_GROUP: usize = 5;

/// Why a reader is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// A reader has a higher epoch.
    #[error("a receiver with a higher epoch of '{0}' already exists")]
    HigherEpoch(i64),
    /// A reader has an epoch, and this one none.
    #[error(
        "at least one receiver for the endpoint is created with epoch of '{0}', and so non-epoch receiver is not allowed"
    )]
    Exclusive(i64),
    /// There are as many readers as may be.
    #[error(
        "exceeded the maximum number of allowed receivers per partition in a consumer group which is {READERS_PER_GROUP}"
    )]
    TooMany,
}

type Place = (String, usize);

struct Reader {
    number: u64,
    epoch: Option<i64>,
    lost: Arc<AtomicBool>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    readers: HashMap<Place, Vec<Reader>>,
}

pub(super) struct Seats {
    taken: Mutex<Taken>,
    bell: Arc<Notify>,
}

/// A reader's permission; given back when dropped.
pub struct Seat {
    seats: Arc<Seats>,
    place: Place,
    number: u64,
    lost: Arc<AtomicBool>,
}

impl Seats {
    pub(super) fn new(bell: Arc<Notify>) -> Arc<Seats> {
        Arc::new(Seats {
            taken: Mutex::default(),
            bell,
        })
    }

    pub(super) fn claim(
        self: &Arc<Seats>,
        group: &str,
        partition: usize,
        epoch: Option<i64>,
    ) -> Result<Seat, ClaimError> {
        let place = (group.to_ascii_lowercase(), partition);
        let mut taken = super::lock(&self.taken);
        let number = taken.next;
        let readers = taken.readers.entry(place.clone()).or_default();
        let highest = readers.iter().filter_map(|reader| reader.epoch).max();
        match (epoch, highest) {
            (None, Some(highest)) => return Err(ClaimError::Exclusive(highest)),
            (None, None) if readers.len() >= READERS_PER_GROUP => return Err(ClaimError::TooMany),
            (Some(epoch), Some(highest)) if epoch < highest => return Err(ClaimError::HigherEpoch(highest)),
            _ => {}
        }
        if epoch.is_some() {
            for reader in readers.drain(..) {
                reader.lost.store(true, Ordering::Release);
            }
        }
        let lost = Arc::new(AtomicBool::new(false));
        readers.push(Reader {
            number,
            epoch,
            lost: Arc::clone(&lost),
        });
        taken.next += 1;
        drop(taken);
        self.bell.notify_waiters();
        Ok(Seat {
            seats: Arc::clone(self),
            place,
            number,
            lost,
        })
    }
}

impl Seat {
    /// Whether a reader with an epoch has taken the place.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = super::lock(&self.seats.taken);
        if let Some(readers) = taken.readers.get_mut(&self.place) {
            readers.retain(|reader| reader.number != self.number);
            if readers.is_empty() {
                taken.readers.remove(&self.place);
            }
        }
    }
}
