//! What goes out to a client, and when: at once, unless it is held back.

use std::{collections::BTreeMap, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::wire::Wire;

/// Packets that wait for their time. Empty but for faults that were asked for, and then as large as what they hold back.
#[derive(Default)]
pub(super) struct Departures {
    /// By when they are due, and among those of one time in the order in which they came.
    waiting: BTreeMap<(Instant, u64), Vec<u8>>,
    /// Until when everything that goes in order has to wait.
    blocked: Option<Instant>,
    number: u64,
}

impl Departures {
    /// Sends a packet after all that was to be sent in order before.
    pub(super) fn send<S: AsyncRead + AsyncWrite + Unpin>(&mut self, wire: &mut Wire<S>, packet: Vec<u8>) {
        match self.blocked {
            Some(until) => self.put(until, packet),
            None => wire.push(&packet),
        }
    }

    /// Sends a packet in order, `after` from now; what is sent in order later waits for it.
    pub(super) fn hold<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        wire: &mut Wire<S>,
        packet: Vec<u8>,
        after: Duration,
    ) {
        if !after.is_zero() {
            let due = Instant::now() + after;
            self.blocked = Some(self.blocked.map_or(due, |until| until.max(due)));
        }
        self.send(wire, packet);
    }

    /// Sends a packet `after` from now; others may overtake it.
    pub(super) fn defer<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        wire: &mut Wire<S>,
        packet: Vec<u8>,
        after: Duration,
    ) {
        if after.is_zero() {
            self.send(wire, packet);
        } else {
            self.put(Instant::now() + after, packet);
        }
    }

    /// When the next packet is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.keys().next().map(|(due, _)| *due)
    }

    /// Sends what is due.
    pub(super) fn release<S: AsyncRead + AsyncWrite + Unpin>(&mut self, wire: &mut Wire<S>) {
        let now = Instant::now();
        while let Some(entry) = self.waiting.first_entry().filter(|entry| entry.key().0 <= now) {
            wire.push(&entry.remove());
        }
        self.blocked = self.blocked.filter(|until| *until > now);
    }

    fn put(&mut self, due: Instant, packet: Vec<u8>) {
        self.number += 1;
        self.waiting.insert((due, self.number), packet);
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, duplex},
        time,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_held_keeps_its_order_and_what_is_deferred_is_overtaken() {
        let (mut client, server) = duplex(64);
        let mut wire = Wire::new(server);
        let mut departures = Departures::default();
        let second = Duration::from_secs(1);
        let begun = Instant::now();
        departures.defer(&mut wire, vec![1], second);
        departures.send(&mut wire, vec![2]);
        departures.hold(&mut wire, vec![3], 2 * second);
        departures.send(&mut wire, vec![4]);
        departures.hold(&mut wire, vec![5], second);
        departures.defer(&mut wire, vec![6], Duration::ZERO);
        let mut sent = Vec::new();
        loop {
            departures.release(&mut wire);
            wire.flush().await.unwrap();
            let mut buffer = [0; 64];
            if let Ok(count) = time::timeout(Duration::ZERO, client.read(&mut buffer)).await {
                sent.push((begun.elapsed().as_secs(), buffer[..count.unwrap()].to_vec()));
            }
            let Some(due) = departures.due() else { break };
            time::sleep_until(due).await;
        }
        assert_eq!(sent, [(0, vec![2]), (1, vec![1]), (2, vec![3, 4, 5, 6])]);
        departures.send(&mut wire, vec![7]);
        assert_eq!(departures.due(), None, "the line is free again");
    }
}
