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
}

impl Partition {
    pub(super) fn append(&mut self, partition: usize, event: Arc<DeviceEvent>, retention: Retention) -> Stored {
        let stored = Stored {
            partition,
            sequence: self.next_sequence,
            offset: self.next_offset,
            event,
        };
        self.restore(stored.clone(), retention);
        stored
    }

    /// Takes a message that has its numbers already.
    pub(super) fn restore(&mut self, stored: Stored, retention: Retention) {
        let size = size(&stored.event);
        self.next_sequence = stored.sequence + 1;
        self.next_offset = stored.offset + size as u64;
        self.last = Some((stored.offset, stored.event.enqueued));
        self.bytes += size;
        self.messages.push_back(stored);
        while self.messages.len() > 1 && (self.messages.len() > retention.messages || self.bytes > retention.bytes) {
            let dropped = self.messages.pop_front();
            self.bytes -= dropped.map_or(0, |dropped| self::size(&dropped.event));
        }
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
        let skipped = usize::try_from(sequence.saturating_sub(self.first())).unwrap_or(usize::MAX);
        self.messages.iter().skip(skipped).take(limit).cloned().collect()
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
    fn first(&self) -> u64 {
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
