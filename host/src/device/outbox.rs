//! What the hub has not taken yet: bounded, in order. An entry leaves when the hub has acknowledged it, not before, so
//! nothing rests on the MQTT client's own queue.

use std::collections::VecDeque;

use crate::cloud::Outgoing;

/// Messages an outbox holds: at one every 8 s, two hours without a hub.
const MESSAGES: usize = 1_000;

/// Bytes it holds: thirty-two messages of the largest size.
const BYTES: usize = 8 << 20;

/// Messages handed over and not yet acknowledged. MQTT clients allow 100 by custom.
const WINDOW: usize = 100;

#[derive(Debug)]
struct Entry {
    id: u64,
    outgoing: Outgoing,
    bytes: usize,
}

/// Entries in the order in which they were queued; the first `in_flight` of them have been handed over.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    entries: VecDeque<Entry>,
    in_flight: usize,
    bytes: usize,
    last_id: u64,
}

impl Outbox {
    /// Free places, in messages and bytes.
    pub(super) fn room(&self) -> (usize, usize) {
        (
            MESSAGES.saturating_sub(self.entries.len()),
            BYTES.saturating_sub(self.bytes),
        )
    }

    /// An id that no message has had; those of one device, however often it connects, are all different.
    pub(super) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn push(&mut self, outgoing: Outgoing, bytes: usize) {
        let id = self.new_id();
        self.bytes += bytes;
        self.entries.push_back(Entry { id, outgoing, bytes });
    }

    /// The next to hand over, while the window is open.
    pub(super) fn next_unsent(&self) -> Option<(u64, &Outgoing)> {
        if self.in_flight >= WINDOW {
            return None;
        }
        self.entries
            .get(self.in_flight)
            .map(|entry| (entry.id, &entry.outgoing))
    }

    /// That one has been handed over.
    pub(super) fn mark_sent(&mut self) {
        self.in_flight = (self.in_flight + 1).min(self.entries.len());
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

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn report(n: u64) -> Outgoing {
        Outgoing::Telemetry {
            component: None,
            body: n.to_string(),
            properties: Vec::new(),
        }
    }

    #[test]
    fn the_window_closes_and_opens_again() {
        let mut outbox = Outbox::default();
        for n in 0..WINDOW as u64 + 1 {
            outbox.push(report(n), 1);
        }
        while outbox.next_unsent().is_some() {
            outbox.mark_sent();
        }
        assert_eq!(outbox.in_flight, WINDOW);
        assert_eq!(outbox.settle(1), Some(report(0)));
        assert_eq!(outbox.next_unsent().map(|(id, _)| id), Some(WINDOW as u64 + 1));
    }

    #[test]
    fn room_is_given_back_when_the_hub_has_taken_an_entry() {
        let mut outbox = Outbox::default();
        let empty = outbox.room();
        outbox.push(report(1), 10);
        assert_eq!(outbox.room(), (empty.0 - 1, empty.1 - 10));
        outbox.mark_sent();
        outbox.settle(1);
        assert_eq!(outbox.room(), empty);
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
            let mut outbox = Outbox::default();
            let (mut pushed, mut first_sent, mut flying) = (0, Vec::new(), Vec::new());
            let mut send = |outbox: &mut Outbox, flying: &mut Vec<u64>| {
                if let Some((id, _)) = outbox.next_unsent() {
                    if !first_sent.contains(&id) { first_sent.push(id); }
                    flying.push(id);
                    outbox.mark_sent();
                }
            };
            for step in steps {
                match step {
                    Step::Push => { pushed += 1; outbox.push(report(pushed), 1); }
                    Step::Send => send(&mut outbox, &mut flying),
                    Step::Settle(n) if !flying.is_empty() => {
                        let id = flying.remove(n % flying.len());
                        prop_assert!(outbox.settle(id).is_some());
                    }
                    Step::Settle(_) => {}
                    Step::Lose => { flying.clear(); outbox.connection_lost(); }
                }
            }
            while outbox.next_unsent().is_some() { send(&mut outbox, &mut flying); }
            for id in flying { prop_assert!(outbox.settle(id).is_some()); }
            prop_assert!(outbox.is_empty());
            prop_assert_eq!(first_sent, (1..=pushed).collect::<Vec<_>>());
        }
    }
}
