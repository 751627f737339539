//! The log beyond the process: what its keeper is told, and how what was kept comes back.
//!
//! The numbers are there at once, so that devices can go on; the messages may come later, while only [`EventLog::restored`] says
//! that all are there.

use std::collections::{BTreeSet, VecDeque};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{EventLog, Stored, lock};

/// Keeps a log. Called under the lock of what it is told of, in the order in which it happens: it must not call back.
pub(crate) trait LogKeeper: Send + Sync {
    /// A message was added.
    fn added(&self, stored: &Stored);
    /// A partition has nothing below this number any more.
    fn dropped(&self, partition: usize, below: u64);
    /// What holds for the whole log is now this, for [`EventLog::restore_about`].
    fn changed(&self, about: Value);
}

/// What holds for the whole log.
#[derive(Serialize, Deserialize)]
pub(super) struct About {
    pub(super) created: DateTime<Utc>,
    pub(super) groups: BTreeSet<String>,
}

impl EventLog {
    /// Has a keeper told of each change from now on. Only the first one is taken.
    pub(crate) fn keep_with(&self, keeper: Box<dyn LogKeeper>) {
        keeper.changed(json!(*lock(&self.about)));
        // A second one would have missed what the first was told.
        let _ = self.keeper.set(keeper);
    }

    /// Puts back what the keeper was told of the whole log.
    pub(crate) fn restore_about(&self, about: Value) -> Result<(), serde_json::Error> {
        *lock(&self.about) = serde_json::from_value(about)?;
        Ok(())
    }

    /// Says that messages will come back ([`EventLog::put_back`]), so that who reads waits for them.
    pub(crate) fn expect_back(&self) {
        self.whole.send_replace(false);
    }

    /// Goes on after these numbers, before anything new is added: `newest` is the last message that was kept and can be read,
    /// `sequence` the number of the last one, which may be a later one.
    pub(crate) fn resume(&self, partition: usize, sequence: u64, newest: Option<&Stored>) {
        if let Some(mut partition) = self.partition(partition) {
            partition.resume(sequence, newest);
        }
    }

    /// Puts messages of a partition back in front of those that have come since, in the order of their numbers.
    pub(crate) fn put_back(&self, number: usize, past: VecDeque<Stored>) {
        let Some(mut partition) = self.partition(number) else {
            return;
        };
        if partition.put_back(past, self.retention) {
            self.tell_dropped(number, &partition);
        }
    }

    /// Says that all messages are back.
    pub(crate) fn all_back(&self) {
        self.whole.send_replace(true);
    }

    /// Waits until the messages that were kept are back, a fraction of a second after the start. Who reads before misses them.
    pub async fn restored(&self) {
        // The sender lives as long as `self`.
        let _ = self.whole.subscribe().wait_for(|whole| *whole).await;
    }

    pub(super) fn tell_dropped(&self, number: usize, partition: &super::Partition) {
        if let Some(keeper) = self.keeper.get() {
            keeper.dropped(number, partition.first());
        }
    }
}
