//! What became of cloud-to-device messages, for services that asked to be told (application property `iothub-ack`).
//!
//! Records wait in one queue for the whole hub and are read in batches, each under a lock: what is not completed in time comes
//! again. Source: Microsoft, "Understand cloud-to-device messaging from an IoT hub", message feedback.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use setpoint_protocol::PropertyBag;
use tokio::{sync::Notify, time};

use super::{Hub, HubError, name::split_name};

/// The application property that asks for feedback.
const ACK: &str = "iothub-ack";

/// Most records in one batch.
const BATCH_LIMIT: usize = 64;

/// How long a reader may take to complete a batch before it comes again (`feedback.lockDurationAsIso8601`).
const LOCK: TimeDelta = TimeDelta::seconds(60);

/// How long feedback waits to be read (`feedback.ttlAsIso8601`).
const TIME_TO_LIVE: TimeDelta = TimeDelta::hours(1);

/// How often a batch is handed out (`feedback.maxDeliveryCount`).
const DELIVERY_LIMIT: u32 = 10;

/// Most records kept when nobody reads them; then the oldest go. At some 300 bytes each these are 3 MB.
const KEPT: usize = 10_000;

/// How often a reader that waits looks for messages that have expired.
const EXPIRY_CHECK: Duration = Duration::from_secs(1);

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The device has taken it.
    Success,
    /// It was not taken in time.
    Expired,
    /// It was sent ten times and never acknowledged.
    DeliveryCountExceeded,
    /// The device would not have it. Over MQTT no device can say so.
    Rejected,
    /// A service emptied the queue.
    Purged,
}

impl Outcome {
    /// The value of `statusCode` and `description`.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Success => "Success",
            Outcome::Expired => "Expired",
            Outcome::DeliveryCountExceeded => "DeliveryCountExceeded",
            Outcome::Rejected => "Rejected",
            Outcome::Purged => "Purged",
        }
    }

    /// Whether whoever sent a message with these properties wants to hear of this outcome.
    pub(super) fn is_wanted(self, properties: &PropertyBag) -> bool {
        match properties.get(ACK).unwrap_or_default() {
            "full" => true,
            "positive" => self == Outcome::Success,
            "negative" => self != Outcome::Success,
            _ => false,
        }
    }
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// The message's own id (`$.mid`); empty when it had none.
    pub original_message_id: String,
    /// When this was decided.
    pub enqueued: DateTime<Utc>,
    /// How.
    pub outcome: Outcome,
    /// The device it was for.
    pub device_id: String,
    /// Tells that device from others of the same id.
    pub device_generation_id: String,
}

impl Feedback {
    /// The record as the body of a feedback message has it, a list of such.
    pub fn to_json(&self) -> Value {
        json!({
            "originalMessageId": self.original_message_id,
            "description": self.outcome.name(),
            "statusCode": self.outcome.name(),
            "deviceId": self.device_id,
            "deviceGenerationId": self.device_generation_id,
            "enqueuedTimeUtc": self.enqueued.to_rfc3339_opts(SecondsFormat::Millis, true),
        })
    }
}

/// Records read together, locked for 60 s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedbackBatch {
    /// For [`Hub::complete_feedback`] and [`Hub::abandon_feedback`]; another one at each delivery.
    pub lock_token: String,
    /// When the newest record was made.
    pub enqueued: DateTime<Utc>,
    /// How often these records have been handed out, this time included.
    pub deliveries: u32,
    /// At least one, at most 64.
    pub records: Vec<Feedback>,
}

#[derive(Default)]
struct Records {
    waiting: VecDeque<Feedback>,
    /// Batches that came back, to be handed out again first.
    returned: VecDeque<FeedbackBatch>,
    /// Until when each batch is a reader's.
    locked: BTreeMap<String, (DateTime<Utc>, FeedbackBatch)>,
}

impl Records {
    /// Takes back what was not completed in time, and lets go what nobody read for too long.
    fn settle(&mut self, now: DateTime<Utc>) {
        let over = self.locked.extract_if(.., |_, (until, _)| *until <= now);
        for (_, (_, batch)) in over.collect::<Vec<_>>() {
            self.give_back(batch);
        }
        let fresh = |enqueued: DateTime<Utc>| enqueued + TIME_TO_LIVE > now;
        self.waiting.retain(|record| fresh(record.enqueued));
        self.returned.retain(|batch| fresh(batch.enqueued));
    }

    fn give_back(&mut self, batch: FeedbackBatch) {
        if batch.deliveries < DELIVERY_LIMIT {
            self.returned.push_back(batch);
        }
    }

    fn take(&mut self, now: DateTime<Utc>, lock_token: String) -> Option<FeedbackBatch> {
        self.settle(now);
        let mut batch = match self.returned.pop_front() {
            Some(batch) => batch,
            None => {
                let number = self.waiting.len().min(BATCH_LIMIT);
                let records: Vec<_> = self.waiting.drain(..number).collect();
                FeedbackBatch {
                    enqueued: records.last()?.enqueued,
                    lock_token: String::new(),
                    deliveries: 0,
                    records,
                }
            }
        };
        batch.deliveries += 1;
        batch.lock_token.clone_from(&lock_token);
        self.locked.insert(lock_token, (now + LOCK, batch.clone()));
        Some(batch)
    }
}

/// The hub's feedback.
#[derive(Default)]
pub(super) struct FeedbackQueue {
    records: Mutex<Records>,
    bell: Notify,
}

impl FeedbackQueue {
    pub(super) fn push(&self, feedback: Feedback) {
        let mut records = self.lock();
        if records.waiting.len() >= KEPT {
            records.waiting.pop_front();
        }
        records.waiting.push_back(feedback);
        drop(records);
        self.bell.notify_one();
    }

    /// Drops what is about a device, or a module of one (`device/module`).
    pub(super) fn forget(&self, name: &str) {
        let device_id = split_name(name).0;
        if device_id == name {
            self.lock().waiting.retain(|record| record.device_id != device_id);
        }
    }

    /// Shows what has not been completed by a reader, to be kept, and lets nobody change it meanwhile.
    pub(super) fn show(&self, see: impl FnOnce(Value)) {
        let records = self.lock();
        let locked = records.locked.values().map(|(_, batch)| batch);
        let handed_out = records.returned.iter().chain(locked).flat_map(|batch| &batch.records);
        see(json!(handed_out.chain(&records.waiting).collect::<Vec<_>>()));
    }

    /// Puts back what was kept.
    pub(super) fn restore(&self, kept: Value) -> Result<(), serde_json::Error> {
        self.lock().waiting = serde_json::from_value(kept)?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub {
    /// The next feedback, when there is some; it is the caller's for 60 s. Also finds the messages that have expired unread.
    pub fn receive_feedback(&self) -> Option<FeedbackBatch> {
        self.discard_expired();
        let lock_token = format!("{:016x}-{:016x}", self.next_number(), Utc::now().timestamp_micros());
        self.feedback.lock().take(Utc::now(), lock_token)
    }

    /// Waits for the next feedback. Cancel safe: a batch is locked only when it is returned.
    pub async fn next_feedback(&self) -> FeedbackBatch {
        loop {
            if let Some(batch) = self.receive_feedback() {
                return batch;
            }
            self.feedback_due().await;
        }
    }

    /// Waits until it is time to ask for feedback. Cancel safe.
    pub(crate) async fn feedback_due(&self) {
        // Whether the bell rang or not: messages also expire in silence, and locks end.
        let _ = time::timeout(EXPIRY_CHECK, self.feedback.bell.notified()).await;
    }

    /// A reader is done with a batch, which is gone with this.
    ///
    /// # Errors
    ///
    /// [`HubError::LockLost`] when it is not the reader's any more.
    pub fn complete_feedback(&self, lock_token: &str) -> Result<(), HubError> {
        self.unlock(lock_token)?;
        self.keep_feedback();
        Ok(())
    }

    /// A reader gives a batch back: it will be handed out again, ten times in all.
    ///
    /// # Errors
    ///
    /// [`HubError::LockLost`] when it is not the reader's any more.
    pub fn abandon_feedback(&self, lock_token: &str) -> Result<(), HubError> {
        let batch = self.unlock(lock_token)?;
        self.feedback.lock().give_back(batch);
        self.feedback.bell.notify_one();
        Ok(())
    }

    fn unlock(&self, lock_token: &str) -> Result<FeedbackBatch, HubError> {
        let mut records = self.feedback.lock();
        records.settle(Utc::now());
        let locked = records.locked.remove(lock_token);
        locked.map(|(_, batch)| batch).ok_or(HubError::LockLost)
    }
}

#[cfg(test)]
mod tests {
    use setpoint_protocol::PropertyBag;

    use super::{super::CloudMessage, *};

    fn message(id: &str, ack: &str) -> CloudMessage {
        CloudMessage {
            body: b"x".to_vec(),
            properties: [("$.mid", id), (ACK, ack)].into_iter().collect::<PropertyBag>(),
            expires: None,
        }
    }

    fn hub() -> std::sync::Arc<Hub> {
        let hub = Hub::new();
        hub.create_device("d", None).unwrap();
        hub
    }

    fn outcomes(hub: &Hub) -> Vec<(String, Outcome)> {
        let records = hub.receive_feedback().map(|batch| batch.records).unwrap_or_default();
        records
            .into_iter()
            .map(|record| (record.original_message_id, record.outcome))
            .collect()
    }

    #[test]
    fn each_sender_hears_what_it_asked_for() {
        let hub = hub();
        for ack in ["none", "positive", "negative", "full"] {
            hub.send_to_device("d", message(ack, ack)).unwrap();
        }
        let mut link = hub.connect("d", true, None).unwrap();
        link.subscribe(super::super::Subscription::Messages, Some(0));
        for _ in 0..4 {
            assert!(futures_util::FutureExt::now_or_never(link.next()).is_some());
        }
        let success = |id: &str| (id.to_owned(), Outcome::Success);
        assert_eq!(outcomes(&hub), [success("positive"), success("full")]);

        link.subscribe(super::super::Subscription::Messages, None);
        for ack in ["none", "positive", "negative", "full"] {
            hub.send_to_device("d", message(ack, ack)).unwrap();
        }
        assert_eq!(hub.purge_messages("d"), Ok(4));
        let purged = |id: &str| (id.to_owned(), Outcome::Purged);
        assert_eq!(outcomes(&hub), [purged("negative"), purged("full")]);
    }

    #[test]
    fn what_expires_unread_is_told() {
        let hub = hub();
        let expired = CloudMessage {
            expires: Some(Utc::now() - TimeDelta::seconds(1)),
            ..message("late", "full")
        };
        hub.send_to_device("d", expired).unwrap();
        assert_eq!(outcomes(&hub), [("late".to_owned(), Outcome::Expired)]);
        assert_eq!(hub.device("d").unwrap().waiting_messages, 0);
    }

    #[test]
    fn a_batch_is_one_readers_until_it_is_completed_or_given_back() {
        let hub = hub();
        hub.send_to_device("d", message("a", "full")).unwrap();
        hub.purge_messages("d").unwrap();
        let first = hub.receive_feedback().unwrap();
        assert_eq!(hub.receive_feedback(), None);
        hub.abandon_feedback(&first.lock_token).unwrap();
        assert_eq!(hub.complete_feedback(&first.lock_token), Err(HubError::LockLost));
        let second = hub.receive_feedback().unwrap();
        assert_eq!((second.deliveries, &second.records), (2, &first.records));
        hub.complete_feedback(&second.lock_token).unwrap();
        assert_eq!(hub.receive_feedback(), None);
    }

    #[test]
    fn a_lock_ends_and_so_does_patience() {
        let mut records = Records::default();
        let now = Utc::now();
        records.waiting.push_back(Feedback {
            original_message_id: "a".into(),
            enqueued: now,
            outcome: Outcome::Success,
            device_id: "d".into(),
            device_generation_id: "1".into(),
        });
        let mut at = now;
        for n in 1..=DELIVERY_LIMIT {
            assert_eq!(records.take(at, format!("t{n}")).unwrap().deliveries, n);
            assert_eq!(records.take(at, "other".into()), None);
            at += LOCK;
        }
        assert_eq!(records.take(at, "once too often".into()), None);
    }

    #[test]
    fn feedback_goes_with_its_device() {
        let hub = hub();
        hub.send_to_device("d", message("a", "full")).unwrap();
        hub.purge_messages("d").unwrap();
        hub.delete_device("d").unwrap();
        assert_eq!(hub.receive_feedback(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_waits_for_feedback() {
        let hub = hub();
        let (batch, ()) = tokio::join!(hub.next_feedback(), async {
            tokio::task::yield_now().await;
            hub.send_to_device("d", message("a", "full")).unwrap();
            hub.purge_messages("d").unwrap();
        });
        assert_eq!(batch.records.len(), 1);
    }
}
