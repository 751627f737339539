//! A hub's event log, kept in the store and brought back from it.
//!
//! The last numbers are read before anybody connects. The messages, which can be hundreds of thousands, come back in a thread of
//! their own, so that a start takes no longer for them.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use crate::state::endpoint::row::{decode, encode};
use crate::state::endpoint::{LogKeeper, Stored};
use crate::state::{ENDPOINT, EventLog, Hub};
use crate::store::{Enough, PastEvents, Store, StoreError};

/// The log of the hub whose rows begin with `prefix`.
struct LogInStore {
    store: Arc<Store>,
    prefix: Arc<str>,
}

impl LogKeeper for LogInStore {
    fn added(&self, stored: &Stored) {
        self.store
            .note_event(&self.prefix, key(stored.partition), stored.sequence, encode(stored));
    }

    fn dropped(&self, partition: usize, below: u64) {
        self.store.note_dropped(&self.prefix, key(partition), below);
    }

    fn changed(&self, about: Value) {
        self.store.note(format!("{}{ENDPOINT}", self.prefix), Some(&about));
    }
}

fn key(partition: usize) -> u32 {
    u32::try_from(partition).unwrap_or(u32::MAX)
}

/// Keeps the log of a hub from now on, after what was kept of it.
pub(super) fn keep(store: &Arc<Store>, prefix: &str, hub: &Arc<Hub>) -> Result<(), StoreError> {
    let log = hub.endpoint();
    let past = store.events(prefix)?;
    let mut some = false;
    for partition in 0..log.partitions() {
        some |= resume(log, partition, &past)?;
    }
    log.keep_with(Box::new(LogInStore {
        store: Arc::clone(store),
        prefix: Arc::from(prefix),
    }));
    if some {
        log.expect_back();
        let waited = Waited(Arc::clone(hub));
        store.beside(move || {
            let log = waited.0.endpoint();
            for partition in 0..log.partitions() {
                bring_back(log, partition, &past);
            }
        })?;
    }
    Ok(())
}

/// A log whose readers wait; they do no more once this is dropped, however that comes.
struct Waited(Arc<Hub>);

impl Drop for Waited {
    fn drop(&mut self) {
        self.0.endpoint().all_back();
    }
}

/// Has a partition go on with the numbers after those that were kept; whether there were any.
fn resume(log: &EventLog, partition: usize, past: &PastEvents) -> Result<bool, StoreError> {
    let (mut last, mut newest) = (None, None);
    past.newest(key(partition), |sequence, row| {
        last.get_or_insert(sequence);
        newest = decode(partition, sequence, row);
        if newest.is_some() { Enough::Yes } else { Enough::No }
    })?;
    if let Some(last) = last {
        log.resume(partition, last, newest.as_ref());
    }
    Ok(last.is_some())
}

/// Puts a partition's messages back. One that cannot be read is passed over: the others are worth having.
fn bring_back(log: &EventLog, partition: usize, past: &PastEvents) {
    let (mut messages, mut damaged) = (VecDeque::new(), 0_u64);
    let read = past.each(key(partition), |sequence, row| match decode(partition, sequence, row) {
        Some(stored) => messages.push_back(stored),
        None => damaged += 1,
    });
    if damaged > 0 {
        tracing::error!(
            "{damaged} messages of partition {partition} of the built-in endpoint are damaged and left out"
        );
    }
    if let Err(error) = read {
        tracing::error!("some messages of partition {partition} of the built-in endpoint are left out: {error}");
    }
    log.put_back(partition, messages);
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
