//! Telemetry that the hub has not taken yet, in the order in which it was accepted.

use std::collections::VecDeque;

use super::capacity::{Capacity, Overflow};
use crate::cloud::Outgoing;

/// Messages handed over and not yet acknowledged. MQTT clients allow 100 by custom.
const WINDOW: usize = 100;

#[derive(Debug)]
struct Entry {
    id: u64,
    outgoing: Outgoing,
    bytes: usize,
}

/// Entries in the order in which they were accepted; the first `in_flight` of them have been handed over.
#[derive(Debug)]
pub(super) struct Queue {
    capacity: Capacity,
    entries: VecDeque<Entry>,
    in_flight: usize,
    bytes: usize,
    dropped: u64,
}

impl Queue {
    pub(super) fn new(capacity: Capacity) -> Self {
        Self {
            capacity,
            entries: VecDeque::new(),
            in_flight: 0,
            bytes: 0,
            dropped: 0,
        }
    }

    /// Puts back what an earlier process had accepted, also when it is more than there would be room for now.
    pub(super) fn restore(&mut self, kept: Vec<(u64, Outgoing)>) {
        for (id, outgoing) in kept {
            let bytes = size(&outgoing);
            self.bytes += bytes;
            self.entries.push_back(Entry { id, outgoing, bytes });
        }
    }

    /// Free places, in messages and bytes; all of them when the oldest make place.
    pub(super) fn room(&self) -> (usize, usize) {
        let Capacity {
            messages,
            bytes,
            overflow,
        } = self.capacity;
        match overflow {
            Overflow::DropOldest => (messages, bytes),
            Overflow::RefuseNewest => (
                messages.saturating_sub(self.entries.len()),
                bytes.saturating_sub(self.bytes),
            ),
        }
    }

    /// Accepts a message; returns the ids of those given up for it.
    pub(super) fn push(&mut self, id: u64, outgoing: Outgoing, bytes: usize) -> Vec<u64> {
        let mut given_up = Vec::new();
        if self.capacity.overflow == Overflow::DropOldest {
            while !self.entries.is_empty()
                && (self.entries.len() >= self.capacity.messages || self.bytes + bytes > self.capacity.bytes)
            {
                given_up.extend(self.drop_oldest());
            }
        }
        self.bytes += bytes;
        self.entries.push_back(Entry { id, outgoing, bytes });
        given_up
    }

    /// One that is on its way goes last: it has most likely arrived.
    fn drop_oldest(&mut self) -> Option<u64> {
        let index = if self.in_flight < self.entries.len() {
            self.in_flight
        } else {
            self.in_flight = self.in_flight.saturating_sub(1);
            0
        };
        let entry = self.entries.remove(index)?;
        self.bytes -= entry.bytes;
        self.dropped += 1;
        Some(entry.id)
    }

    /// The id of the next to hand over, while the window is open.
    pub(super) fn next_id(&self) -> Option<u64> {
        if self.in_flight >= WINDOW {
            return None;
        }
        self.entries.get(self.in_flight).map(|entry| entry.id)
    }

    /// Hands the next one over.
    pub(super) fn take(&mut self) -> Option<(u64, &Outgoing)> {
        self.next_id()?;
        let entry = self.entries.get(self.in_flight)?;
        self.in_flight += 1;
        Some((entry.id, &entry.outgoing))
    }

    /// The hub has taken or refused it. None when it is not waited for, say after a reconnect.
    pub(super) fn settle(&mut self, id: u64) -> Option<Outgoing> {
        let index = self
            .entries
            .iter()
            .take(self.in_flight)
            .position(|entry| entry.id == id)?;
        let entry = self.entries.remove(index)?;
        self.in_flight -= 1;
        self.bytes -= entry.bytes;
        Some(entry.outgoing)
    }

    /// The connection is gone: what was in flight is sent again, first and in order.
    pub(super) fn connection_lost(&mut self) {
        self.in_flight = 0;
    }

    pub(super) fn newest(&self, count: usize) -> impl Iterator<Item = &Outgoing> {
        let from = self.entries.len().saturating_sub(count);
        self.entries.range(from..).map(|entry| &entry.outgoing)
    }

    /// The id of the oldest one in flight.
    pub(super) fn awaited(&self) -> Option<u64> {
        self.entries
            .front()
            .filter(|_| self.in_flight > 0)
            .map(|entry| entry.id)
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Bytes an entry takes beside its body and properties.
const ENTRY_BYTES: usize = 128;

/// Bytes that a message counts for.
pub(super) fn size(outgoing: &Outgoing) -> usize {
    let own = match outgoing {
        Outgoing::Telemetry { body, properties, .. } => {
            let extra: usize = properties.iter().map(|(name, value)| name.len() + value.len()).sum();
            body.len() + extra
        }
        _ => 0,
    };
    own + ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(n: u64) -> Outgoing {
        Outgoing::Telemetry {
            component: None,
            body: n.to_string(),
            properties: Vec::new(),
        }
    }

    #[test]
    fn the_window_closes_and_opens_again() {
        let mut queue = Queue::new(Capacity::default());
        for n in 0..=WINDOW as u64 {
            queue.push(n, message(n), 1);
        }
        while queue.take().is_some() {}
        assert_eq!(queue.in_flight, WINDOW);
        assert_eq!(queue.settle(0), Some(message(0)));
        assert_eq!(queue.next_id(), Some(WINDOW as u64));
    }

    #[test]
    fn room_is_given_back_when_the_hub_has_taken_an_entry() {
        let mut queue = Queue::new(Capacity::default());
        let empty = queue.room();
        queue.push(1, message(1), 10);
        assert_eq!(queue.room(), (empty.0 - 1, empty.1 - 10));
        queue.take();
        queue.settle(1);
        assert_eq!(queue.room(), empty);
    }

    #[test]
    fn the_oldest_make_place_when_they_are_to_and_are_counted() {
        let capacity = Capacity {
            messages: 3,
            bytes: 100,
            overflow: Overflow::DropOldest,
        };
        let mut queue = Queue::new(capacity);
        for n in 1..=3 {
            assert_eq!(queue.push(n, message(n), 10), [] as [u64; 0]);
        }
        queue.take();
        assert_eq!(queue.push(4, message(4), 10), [2], "the first is on its way");
        assert_eq!(queue.push(5, message(5), 85), [3, 4], "by bytes as well");
        assert_eq!((queue.len(), queue.dropped(), queue.room()), (2, 3, (3, 100)));
        assert_eq!(queue.settle(1), Some(message(1)));
        assert_eq!(queue.take(), Some((5, &message(5))));
        assert_eq!(
            queue.push(6, message(6), 100),
            [5],
            "and one on its way when there is no other"
        );
        assert_eq!(queue.settle(5), None);
        assert_eq!(queue.take(), Some((6, &message(6))));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push,
        Send,
        Settle(usize),
        Lose,
    }

    proptest! {
        /// Whatever happens, every message is handed over at least once, and the first time in order.
        #[test]
        fn nothing_is_lost_and_order_is_kept(steps in prop::collection::vec(prop_oneof![
            3 => Just(Step::Push), 3 => Just(Step::Send), 2 => (0..8_usize).prop_map(Step::Settle), 1 => Just(Step::Lose),
        ], 0..200)) {
            let mut outbox = Queue::new(Capacity::default());
            let (mut pushed, mut first_sent, mut flying) = (0, Vec::new(), Vec::new());
            let mut send = |outbox: &mut Queue, flying: &mut Vec<u64>| {
                if let Some((id, _)) = outbox.take() {
                    if !first_sent.contains(&id) { first_sent.push(id); }
                    flying.push(id);
                }
            };
            for step in steps {
                match step {
                    Step::Push => { pushed += 1; outbox.push(pushed, message(pushed), 1); }
                    Step::Send => send(&mut outbox, &mut flying),
                    Step::Settle(n) if !flying.is_empty() => {
                        let id = flying.remove(n % flying.len());
                        prop_assert!(outbox.settle(id).is_some());
                    }
                    Step::Settle(_) => {}
                    Step::Lose => { flying.clear(); outbox.connection_lost(); }
                }
            }
            while outbox.next_id().is_some() { send(&mut outbox, &mut flying); }
            for id in flying { prop_assert!(outbox.settle(id).is_some()); }
            prop_assert_eq!(outbox.len(), 0);
            prop_assert_eq!(first_sent, (1..=pushed).collect::<Vec<_>>());
        }
    }
}
