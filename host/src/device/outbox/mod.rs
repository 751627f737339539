//! What the hub has not taken yet: bounded, and in an order that survives every connection. An entry leaves when the hub has
//! acknowledged it, not before, so nothing rests on the MQTT client's own queue.
//!
//! Telemetry ([`queue`]) is a list of events: each is delivered, in order. Reported properties ([`reported`]) are a state: of
//! each only the latest value is. With a [`Store`] both survive the process.

mod capacity;
mod ledger;
mod queue;
mod reported;
mod store;

use std::time::Duration;

pub use capacity::{Capacity, Overflow};
pub use store::{Store, StoreError};

use ledger::Ledger;
use queue::{Queue, size};
use reported::Reported;
use store::Kept;

use crate::cloud::{Assignment, Outgoing};
use crate::effect::Member;

/// Everything a device has accepted and its hub has not taken.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: Queue,
    reported: Reported,
    ledger: Ledger,
    last_id: u64,
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new(Capacity::default())
    }
}

impl Outbox {
    pub(super) fn new(capacity: Capacity) -> Self {
        Self {
            queue: Queue::new(capacity),
            reported: Reported::default(),
            ledger: Ledger::default(),
            last_id: 0,
        }
    }

    /// Goes on with what an earlier process has left, and keeps what this one accepts.
    pub(super) fn keep_in(&mut self, store: Store) -> Result<(), StoreError> {
        let kept = store.load()?;
        self.ledger = Ledger::of(store, &kept);
        let Kept { telemetry, reported } = kept;
        let ids = telemetry.iter().map(|(id, _)| *id);
        let ids = ids.chain(reported.iter().map(|property| property.seq));
        self.last_id = ids.max().unwrap_or(0).max(self.last_id);
        self.queue.restore(telemetry);
        self.reported.restore(reported);
        Ok(())
    }

    /// Free places for telemetry, in messages and bytes.
    pub(super) fn room(&self) -> (usize, usize) {
        self.queue.room()
    }

    /// Free places for properties.
    pub(super) fn room_for_properties(&self) -> (usize, usize) {
        self.reported.room()
    }

    /// An id that no message has had; those of one device, however often it connects, are all different.
    pub(super) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Accepts telemetry.
    pub(super) fn push(&mut self, outgoing: Outgoing) {
        let id = self.new_id();
        self.ledger.put_telemetry(id, &outgoing);
        let bytes = size(&outgoing);
        for dropped in self.queue.push(id, outgoing, bytes) {
            self.ledger.remove_telemetry(dropped);
        }
    }

    /// Accepts a property's value in the place of the one that waits.
    pub(super) fn report(&mut self, member: Member, value: serde_json::Value) {
        let seq = self.new_id();
        self.ledger.put_property(seq, &member, &value);
        self.reported.set(seq, member, value);
    }

    /// The newest messages accepted, so many, the oldest of them first.
    pub(super) fn newest(&self, count: usize) -> impl Iterator<Item = &Outgoing> {
        self.queue.newest(count)
    }

    /// The next to hand over, the oldest first, while the windows are open. It counts as handed over with this.
    pub(super) fn take(&mut self, now: Duration) -> Option<(u64, &Outgoing)> {
        let patch = self.reported.next_seq(now);
        let message = self.queue.next_id();
        match (patch, message) {
            (Some(patch), message) if message.is_none_or(|message| patch < message) => {
                let id = self.new_id();
                // A hub that listens sees what was reported between two messages between them.
                Some((id, self.reported.take(id, message)?))
            }
            _ => self.queue.take(),
        }
    }

    /// The hub has taken it. None when it is not waited for, say after a reconnect.
    pub(super) fn delivered(&mut self, id: u64) -> Option<Outgoing> {
        if let Some(message) = self.queue.settle(id) {
            self.ledger.remove_telemetry(id);
            return Some(message);
        }
        let settled = self.reported.settle(id)?;
        for property in &settled.properties {
            self.ledger.remove_property(property.seq, &property.member);
        }
        Some(settled.outgoing)
    }

    /// The hub has refused it for good. A patch of several properties is taken apart, and each is sent by itself, so that one
    /// that cannot be taken holds up no other; what is dropped is returned.
    pub(super) fn refused(&mut self, id: u64) -> Option<Outgoing> {
        if self.reported.divide(id) {
            return None;
        }
        self.delivered(id)
    }

    /// The hub is too busy for it: it is sent again, not before `until`.
    pub(super) fn hold(&mut self, id: u64, until: Duration) {
        self.reported.hold(id, until);
    }

    /// When something that is held may be sent.
    pub(super) fn held_until(&self) -> Option<Duration> {
        self.reported.held_until()
    }

    /// There is a connection.
    pub(super) fn connected(&mut self) {
        self.reported.connected();
    }

    /// The connection is gone: what was in flight is sent again, first and in order.
    pub(super) fn connection_lost(&mut self) {
        self.queue.connection_lost();
        self.reported.connection_lost();
    }

    /// The ids of the telemetry and of the patch whose answer is due next.
    pub(super) fn awaited(&self) -> [Option<u64>; 2] {
        [self.queue.awaited(), self.reported.awaited()]
    }

    /// Messages handed over that the hub has not answered.
    pub(super) fn in_flight(&self) -> usize {
        self.queue.in_flight() + self.reported.in_flight()
    }

    /// Messages and properties that wait.
    pub(super) fn len(&self) -> usize {
        self.queue.len() + self.reported.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Messages given up for newer ones.
    pub(super) fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// Whether anything accepted is not in the store yet.
    pub(super) fn must_flush(&self) -> bool {
        self.ledger.has_additions()
    }

    /// Writes what was accepted to the store, and what has left it since. Waits for the disk.
    pub(super) fn flush(&mut self) {
        self.ledger.flush();
    }

    /// When what has left is to be taken out of the store, although nothing came that would take it along.
    pub(super) fn next_flush(&mut self, now: Duration) -> Option<Duration> {
        self.ledger.next_flush(now)
    }

    /// What the store knows of the device's assignment.
    pub(super) fn assignment(&self) -> Option<Assignment> {
        self.ledger.assignment()
    }

    /// Remembers the assignment.
    pub(super) fn put_assignment(&mut self, assignment: &Assignment) {
        self.ledger.put_assignment(assignment);
    }

    /// Remembers what a guest of this model saved.
    pub(super) fn put_state(&mut self, model_id: &str, state: &[u8]) {
        self.ledger.put_state(model_id, state);
    }

    /// Takes what a guest of this model saved; it is there for one start.
    pub(super) fn take_state(&mut self, model_id: &str) -> Option<Vec<u8>> {
        self.ledger.take_state(model_id)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
