//! One partition: a queue of messages.

use std::{collections::VecDeque, sync::Arc};

use super::{PartitionProperties, Position, Retention, Stored};
use crate::state::DeviceEvent;

/// What a message takes beside its body and its properties' text, in bytes; a guess.
const OVERHEAD: usize = 256;

/// What a property takes beside its text: two strings with their allocations.
const PROPERTY_OVERHEAD: usize = 80;

#[derive(Default)]
pub(super) struct Partition {
    messages: VecDeque<Stored>,
    /// The number of the next message.
    next_sequence: u64,
    /// The offset of the next message.
    next_offset: u64,
    /// Of the newest message, kept or not.
    last: Option<(u64, chrono::DateTime<chrono::Utc>)>,
    /// What the messages take in memory.
    bytes: usize,
    /// The number that followed those that were kept beyond the process.
    resumed: u64,
}

/// What a message takes in the numbering of offsets at most: nothing that the hub takes is larger.
const LARGEST: u64 = 1 << 20;

impl Partition {
    /// Adds a message; whether others were dropped for it.
    pub(super) fn append(&mut self, partition: usize, event: Arc<DeviceEvent>, retention: Retention) -> (Stored, bool) {
        let stored = Stored {
            partition,
            sequence: self.next_sequence,
            offset: self.next_offset,
            event,
        };
        let size = size(&stored.event);
        self.next_sequence += 1;
        self.next_offset += size as u64;
        self.last = Some((stored.offset, stored.event.enqueued));
        self.bytes += size;
        self.messages.push_back(stored.clone());
        (stored, self.shrink(retention))
    }

    /// Drops what is too old; whether it was anything.
    fn shrink(&mut self, retention: Retention) -> bool {
        let before = self.messages.len();
        while self.messages.len() > 1 && (self.messages.len() > retention.messages || self.bytes > retention.bytes) {
            let dropped = self.messages.pop_front();
            self.bytes -= dropped.map_or(0, |dropped| size(&dropped.event));
        }
        self.messages.len() < before
    }

    /// Goes on after the number of the last message that was kept, and after the last one that can be read.
    pub(super) fn resume(&mut self, sequence: u64, newest: Option<&Stored>) {
        (self.next_sequence, self.resumed) = (sequence + 1, sequence + 1);
        if let Some(newest) = newest {
            self.last = Some((newest.offset, newest.event.enqueued));
            // Beyond those that cannot be read as well, so that no offset is given out twice.
            self.next_offset = newest.offset + size(&newest.event) as u64 + (sequence - newest.sequence) * LARGEST;
        }
    }

    /// Takes messages back that were kept, in front of those that have come since; whether any of all were dropped.
    pub(super) fn put_back(&mut self, mut past: VecDeque<Stored>, retention: Retention) -> bool {
        let kept = past.len() + self.messages.len();
        // So much has come since that what was dropped of it leaves no room for those before.
        if self.messages.front().is_some_and(|first| first.sequence > self.resumed) {
            past.clear();
        }
        past.append(&mut self.messages);
        self.messages = past;
        self.bytes = self.messages.iter().map(|stored| size(&stored.event)).sum();
        self.shrink(retention);
        self.messages.len() < kept
    }

    pub(super) fn locate(&self, position: Position) -> u64 {
        let first = self.first();
        match position {
            Position::Earliest => first,
            Position::Latest => self.next_sequence,
            Position::Offset { offset, inclusive } => {
                self.first_where(|stored| stored.offset > offset || (inclusive && stored.offset == offset))
            }
            Position::Sequence { sequence, inclusive } => {
                let next = sequence.saturating_add(i64::from(!inclusive));
                u64::try_from(next).unwrap_or(0).clamp(first, self.next_sequence)
            }
            // The clock may have been set back meanwhile, so the times need not be in order.
            Position::Enqueued {
                milliseconds,
                inclusive,
            } => self
                .messages
                .iter()
                .find(|stored| {
                    let enqueued = stored.event.enqueued.timestamp_millis();
                    enqueued > milliseconds || (inclusive && enqueued == milliseconds)
                })
                .map_or(self.next_sequence, |stored| stored.sequence),
        }
    }

    pub(super) fn read(&self, sequence: u64, limit: usize) -> Vec<Stored> {
        // Searched for, not counted: one that was kept and could not be read again has left a gap.
        let first = self.messages.partition_point(|stored| stored.sequence < sequence);
        self.messages.range(first..).take(limit).cloned().collect()
    }

    pub(super) fn properties(&self) -> PartitionProperties {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        PartitionProperties {
            begin_sequence: self.first(),
            last_sequence: signed(self.next_sequence) - 1,
            last_offset: self.last.map_or(-1, |(offset, _)| signed(offset)),
            last_enqueued: self.last.map(|(_, enqueued)| enqueued),
            is_empty: self.messages.is_empty(),
        }
    }

    /// The number of the oldest message kept.
    pub(super) fn first(&self) -> u64 {
        self.messages
            .front()
            .map_or(self.next_sequence, |stored| stored.sequence)
    }

    /// The number of the first message from which on `wanted` holds.
    fn first_where(&self, wanted: impl Fn(&Stored) -> bool) -> u64 {
        let before = self.messages.partition_point(|stored| !wanted(stored));
        self.messages
            .get(before)
            .map_or(self.next_sequence, |stored| stored.sequence)
    }
}

fn size(event: &DeviceEvent) -> usize {
    let system: usize = event.system.iter().map(|(name, value)| name.len() + value.len()).sum();
    let application: usize = event
        .application
        .iter()
        .map(|(name, value)| name.len() + value.as_ref().map_or(0, String::len))
        .sum();
    let properties = event.system.len() + event.application.len();
    event.body.len() + system + application + properties * PROPERTY_OVERHEAD + OVERHEAD
}
