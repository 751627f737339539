//! One reader's way through what devices do: first what it has missed, from the log, then what is told.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::response::sse::Event;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::task;

use super::place::Place;
use super::show;
use crate::state::endpoint::Stored;
use crate::state::{DeviceEvent, Hub, Told};

/// Events that are made ready together, so that the disk is waited for once.
const BATCH: usize = 256;

/// Messages taken out of a partition at a time.
const PIECE: usize = 64;

pub(super) struct Reader {
    hub: Arc<Hub>,
    told: Receiver<Told>,
    device: Option<String>,
    place: Place,
    /// How many events that are not kept have been told before the next one.
    unkept: u64,
    /// Whether the log may have messages that were told before those that are still to be received.
    behind: bool,
    /// Taken out of the log, by partition.
    ready: Vec<VecDeque<Stored>>,
}

impl Reader {
    /// A reader of one device or of all, that comes for the first time or after an event.
    pub(super) async fn begin(hub: Arc<Hub>, device: Option<String>, last: Option<&str>) -> Reader {
        hub.endpoint().restored().await;
        let (told, unkept) = hub.follow();
        let log = hub.endpoint();
        let place = match last {
            Some(last) => Place::after(last, log),
            None => Place::latest(log),
        };
        Reader {
            ready: vec![VecDeque::new(); log.partitions()],
            behind: last.is_some(),
            hub,
            told,
            device,
            place,
            unkept,
        }
    }

    /// The id of where it is.
    pub(super) fn place(&self) -> String {
        self.place.to_string()
    }

    /// The next events, at least one; `None` when there will be no more.
    pub(super) async fn next(&mut self) -> Option<Vec<Event>> {
        let mut events = Vec::new();
        loop {
            if self.behind {
                self.catch_up(&mut events);
                if events.is_empty() {
                    // One device may have little among much.
                    task::yield_now().await;
                }
            } else {
                match self.told.recv().await {
                    Ok(told) => self.hear(told, &mut events),
                    Err(RecvError::Lagged(_)) => self.behind = true,
                    Err(RecvError::Closed) => return None,
                }
                while !self.behind && events.len() < BATCH {
                    match self.told.try_recv() {
                        Ok(told) => self.hear(told, &mut events),
                        Err(TryRecvError::Lagged(_)) => self.behind = true,
                        // Closed is found the next time.
                        Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                    }
                }
            }
            if !events.is_empty() {
                return Some(events);
            }
        }
    }

    /// Takes the next messages of the log, all partitions together in the order in which they came.
    fn catch_up(&mut self, events: &mut Vec<Event>) {
        for _ in 0..BATCH {
            for (partition, ready) in self.ready.iter_mut().enumerate() {
                if let (true, Some(next)) = (ready.is_empty(), self.place.next.get(partition)) {
                    *ready = self.hub.endpoint().read(partition, *next, PIECE).into();
                }
            }
            let oldest = self.ready.iter_mut().filter(|ready| !ready.is_empty());
            let oldest = oldest.min_by_key(|ready| ready.front().map(|stored| stored.event.enqueued));
            let Some(stored) = oldest.and_then(VecDeque::pop_front) else {
                self.behind = false;
                return;
            };
            self.kept(stored.partition, stored.sequence, &stored.event, events);
        }
    }

    /// Takes what is told, unless the log has given it already.
    fn hear(&mut self, told: Told, events: &mut Vec<Event>) {
        let Told { event, place, unkept } = told;
        let before = unkept - u64::from(place.is_none());
        if before > self.unkept {
            self.miss(before - self.unkept, events);
        }
        self.unkept = unkept;
        match place {
            None => self.give(&event, events),
            Some((partition, number)) if self.place.next.get(partition).is_some_and(|next| *next <= number) => {
                self.kept(partition, number, &event, events);
            }
            Some(_) => {}
        }
    }

    fn kept(&mut self, partition: usize, number: u64, event: &DeviceEvent, events: &mut Vec<Event>) {
        let mut missed = 0;
        if let Some(next) = self.place.next.get_mut(partition) {
            missed = number - *next;
            *next = number + 1;
        }
        if missed > 0 {
            self.miss(missed, events);
        }
        self.give(event, events);
    }

    fn miss(&self, count: u64, events: &mut Vec<Event>) {
        let event = Event::default().id(self.place());
        events.push(event.data(json!({ "missed": count }).to_string()));
    }

    fn give(&self, event: &DeviceEvent, events: &mut Vec<Event>) {
        if self.device.as_ref().is_none_or(|wanted| *wanted == event.device_id) {
            events.push(Event::default().id(self.place()).data(show(event).to_string()));
        }
    }
}
