//! Cloud-to-device messages: each device's queue, and what became of each message.

use std::collections::VecDeque;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use setpoint_protocol::PropertyBag;

use super::feedback::Outcome;

/// Largest cloud-to-device message body, in bytes (IoT Hub quotas: 64 KB).
pub const MESSAGE_LIMIT: usize = 64 * 1024;

/// Largest property bag, in bytes as it stands in the topic: the topic must fit MQTT's 64 KB beside a device id.
pub(super) const PROPERTIES_LIMIT: usize = 60 * 1024;

/// Most messages that wait for one device (IoT Hub quotas).
pub const QUEUE_LIMIT: usize = 50;

/// How long a message waits, unless it says otherwise; the hub's default.
const TIME_TO_LIVE: TimeDelta = TimeDelta::hours(1);

/// A message is dead-lettered after as many deliveries without an answer; the hub's default.
const DELIVERY_LIMIT: u8 = 10;

/// A message from the cloud to one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudMessage {
    /// Any bytes, at most [`MESSAGE_LIMIT`].
    pub body: Vec<u8>,
    /// System (`$.mid`, ..) and application properties.
    pub properties: PropertyBag,
    /// When it is too late to deliver it; `None` for one hour from now.
    pub expires: Option<DateTime<Utc>>,
}

/// A message on its way to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// The MQTT packet id to send it with at QoS 1, to be given back with the PUBACK; `None` to send it at QoS 0.
    pub packet_id: Option<u16>,
    /// Whether it was sent in this session before (MQTT's DUP).
    pub again: bool,
    /// The body.
    pub body: Vec<u8>,
    /// Its properties.
    pub properties: PropertyBag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    /// Sent, and not yet acknowledged.
    Sent(u16),
    /// Sent in a session that was kept when its connection ended: goes out again under the same packet id.
    Again(u16),
}

struct Queued {
    /// Its place among all messages the device was ever sent.
    number: u64,
    body: Vec<u8>,
    properties: PropertyBag,
    expires: DateTime<Utc>,
    progress: Progress,
    deliveries: u8,
}

/// The messages of one device, oldest first.
#[derive(Default)]
pub(super) struct Queue {
    messages: VecDeque<Queued>,
    /// What became of messages whose senders want to know, by message id; the hub takes it out after each change.
    outcomes: Vec<(String, Outcome)>,
    next_number: u64,
    /// The messages that were added, sent or removed, for whoever keeps them.
    changed: Vec<u64>,
}

/// A message as it is kept on disk.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    /// Base64.
    body: String,
    properties: Vec<(String, Option<String>)>,
    expires: DateTime<Utc>,
    /// The packet id it was last sent under.
    packet_id: Option<u16>,
    deliveries: u8,
}

impl Kept {
    fn of(queued: &Queued) -> Kept {
        Kept {
            body: STANDARD.encode(&queued.body),
            properties: queued.properties.0.clone(),
            expires: queued.expires,
            packet_id: match queued.progress {
                Progress::Waiting => None,
                Progress::Sent(id) | Progress::Again(id) => Some(id),
            },
            deliveries: queued.deliveries,
        }
    }

    fn restore(self, number: u64) -> Option<Queued> {
        Some(Queued {
            number,
            body: STANDARD.decode(self.body).ok()?,
            properties: PropertyBag(self.properties),
            expires: self.expires,
            progress: self.packet_id.map_or(Progress::Waiting, Progress::Again),
            deliveries: self.deliveries,
        })
    }
}

impl Queue {
    /// The messages that have changed since this was last asked, by their numbers, and what is to be kept of each; `None` of those
    /// that are gone.
    pub(super) fn take_changes(&mut self) -> Vec<(u64, Option<Value>)> {
        let changed = std::mem::take(&mut self.changed);
        let kept = |number| self.messages.iter().find(|queued| queued.number == number);
        let kept = |number| (number, kept(number).map(|queued| json!(Kept::of(queued))));
        changed.into_iter().map(kept).collect()
    }

    /// The numbers of all messages.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.messages.iter().map(|queued| queued.number)
    }

    /// Puts back a message that was kept, in the order of their numbers; `None` when it is no message. One that had been sent
    /// goes out again, under the same packet id when the session was kept too.
    pub(super) fn restore(&mut self, number: u64, kept: Value) -> Option<()> {
        let kept: Kept = serde_json::from_value(kept).ok()?;
        self.messages.push_back(kept.restore(number)?);
        self.next_number = number + 1;
        Some(())
    }

    /// What became of messages since the last time, by message id.
    pub(super) fn outcomes(&mut self) -> Vec<(String, Outcome)> {
        std::mem::take(&mut self.outcomes)
    }

    /// Removes the messages that `outcome_of` gives an outcome; how many.
    fn settle(&mut self, outcome_of: impl Fn(&Queued) -> Option<Outcome>) -> usize {
        let before = self.messages.len();
        let (outcomes, changed) = (&mut self.outcomes, &mut self.changed);
        self.messages.retain(|queued| {
            let outcome = outcome_of(queued);
            if let Some(outcome) = outcome.filter(|outcome| outcome.is_wanted(&queued.properties)) {
                let id = queued.properties.get("$.mid").unwrap_or_default();
                outcomes.push((id.to_owned(), outcome));
            }
            if outcome.is_some() {
                changed.push(queued.number);
            }
            outcome.is_none()
        });
        before - self.messages.len()
    }

    /// Removes every message; how many.
    pub(super) fn purge(&mut self) -> usize {
        self.settle(|_| Some(Outcome::Purged))
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Takes a message in; false when the queue is full.
    pub(super) fn push(&mut self, message: CloudMessage, now: DateTime<Utc>) -> bool {
        self.discard_stale(now);
        if self.messages.len() >= QUEUE_LIMIT {
            return false;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.changed.push(number);
        self.messages.push_back(Queued {
            number,
            body: message.body,
            properties: message.properties,
            expires: message.expires.unwrap_or(now + TIME_TO_LIVE),
            progress: Progress::Waiting,
            deliveries: 0,
        });
        true
    }

    /// The next message to send. At QoS 0 it is gone with this; at QoS 1 it stays until [`Queue::acknowledge`].
    pub(super) fn take(&mut self, qos: u8, now: DateTime<Utc>) -> Option<OutgoingMessage> {
        self.discard_stale(now);
        let index = self
            .messages
            .iter()
            .position(|queued| !matches!(queued.progress, Progress::Sent(_)))?;
        if qos == 0 {
            let queued = self.messages.remove(index)?;
            self.changed.push(queued.number);
            if Outcome::Success.is_wanted(&queued.properties) {
                let id = queued.properties.get("$.mid").unwrap_or_default();
                self.outcomes.push((id.to_owned(), Outcome::Success));
            }
            let again = false;
            return Some(OutgoingMessage {
                packet_id: None,
                again,
                body: queued.body,
                properties: queued.properties,
            });
        }
        let free = self.free_packet_id();
        let queued = self.messages.get_mut(index)?;
        let (packet_id, again) = match queued.progress {
            Progress::Again(id) => (id, true),
            _ => (free, false),
        };
        queued.progress = Progress::Sent(packet_id);
        queued.deliveries += 1;
        self.changed.push(queued.number);
        let (body, properties) = (queued.body.clone(), queued.properties.clone());
        Some(OutgoingMessage {
            packet_id: Some(packet_id),
            again,
            body,
            properties,
        })
    }

    /// The device has taken a message; false when none was sent under this packet id.
    pub(super) fn acknowledge(&mut self, packet_id: u16) -> bool {
        self.settle(|queued| (queued.progress == Progress::Sent(packet_id)).then_some(Outcome::Success)) > 0
    }

    /// The connection ended. What was sent and not acknowledged will go out again: as a repetition when the session is
    /// kept, as new when it is not.
    pub(super) fn disconnected(&mut self, session_kept: bool) {
        for queued in &mut self.messages {
            queued.progress = match queued.progress {
                Progress::Sent(id) | Progress::Again(id) if session_kept => Progress::Again(id),
                _ => Progress::Waiting,
            };
        }
    }

    /// Lets go of what is too old, or was sent too often; not of what is under way.
    pub(super) fn discard_stale(&mut self, now: DateTime<Utc>) {
        self.settle(|queued| {
            if matches!(queued.progress, Progress::Sent(_)) {
                None
            } else if queued.expires <= now {
                Some(Outcome::Expired)
            } else {
                (queued.deliveries >= DELIVERY_LIMIT).then_some(Outcome::DeliveryCountExceeded)
            }
        });
    }

    /// The lowest packet id no message holds; the queue's limit keeps it small.
    fn free_packet_id(&self) -> u16 {
        let held = |id: u16| {
            self.messages
                .iter()
                .any(|queued| matches!(queued.progress, Progress::Sent(n) | Progress::Again(n) if n == id))
        };
        (1..=u16::MAX).find(|id| !held(*id)).unwrap_or(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> CloudMessage {
        CloudMessage {
            body: text.into(),
            properties: PropertyBag(Vec::new()),
            expires: None,
        }
    }

    fn filled(texts: &[&str]) -> Queue {
        let mut queue = Queue::default();
        texts
            .iter()
            .for_each(|text| assert!(queue.push(message(text), Utc::now())));
        queue
    }

    #[test]
    fn a_message_stays_until_it_is_acknowledged_and_goes_out_once() {
        let mut queue = filled(&["a", "b"]);
        let first = queue.take(1, Utc::now()).unwrap();
        let second = queue.take(1, Utc::now()).unwrap();
        assert_eq!((first.body.as_slice(), second.body.as_slice()), (&b"a"[..], &b"b"[..]));
        assert_ne!(first.packet_id, second.packet_id);
        assert_eq!(queue.take(1, Utc::now()), None);
        assert_eq!(queue.len(), 2);
        assert!(queue.acknowledge(first.packet_id.unwrap()));
        assert!(!queue.acknowledge(first.packet_id.unwrap()));
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn a_kept_session_repeats_under_the_same_packet_id() {
        let mut queue = filled(&["a", "b"]);
        let first = queue.take(1, Utc::now()).unwrap();
        queue.disconnected(true);
        let again = queue.take(1, Utc::now()).unwrap();
        assert_eq!(again, OutgoingMessage { again: true, ..first });
        let next = queue.take(1, Utc::now()).unwrap();
        assert!(!next.again && next.packet_id != again.packet_id);
    }

    #[test]
    fn a_dropped_session_starts_over() {
        let mut queue = filled(&["a"]);
        let first = queue.take(1, Utc::now()).unwrap();
        queue.disconnected(false);
        assert_eq!(queue.take(1, Utc::now()), Some(first));
    }

    #[test]
    fn qos_0_is_gone_when_sent() {
        let mut queue = filled(&["a"]);
        assert_eq!(queue.take(0, Utc::now()).unwrap().packet_id, None);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn fifty_wait_and_no_more() {
        let mut queue = filled(&["x"; QUEUE_LIMIT]);
        assert!(!queue.push(message("one too many"), Utc::now()));
        assert!(queue.push(message("after the others expired"), Utc::now() + TimeDelta::hours(2)));
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn ten_deliveries_are_enough() {
        let mut queue = filled(&["poison"]);
        for _ in 0..DELIVERY_LIMIT {
            assert!(queue.take(1, Utc::now()).is_some());
            queue.disconnected(false);
        }
        assert_eq!(queue.take(1, Utc::now()), None);
        assert_eq!(queue.len(), 0);
    }
}
