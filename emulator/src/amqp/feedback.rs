//! What became of messages for devices, for services to read: `/messages/serviceBound/feedback`.
//!
//! Unlike events, a batch of feedback is the reader's until it says what is to become of it: a message stays unsettled.
//!
//! Source: Microsoft, "Understand cloud-to-device messaging from an IoT hub", message feedback; OASIS AMQP 1.0, part 3.4.

use std::{collections::BTreeMap, sync::Arc};

use fe2o3_amqp_types::{messaging::DeliveryState, performatives::Disposition};

use super::message;
use crate::state::Hub;

/// A reader's batches.
pub(super) struct FeedbackReader {
    hub: Arc<Hub>,
    /// Lock tokens of the batches it has, by the ids of their deliveries.
    locked: BTreeMap<u32, String>,
    /// Whether the client wants messages that are settled when they are sent.
    settled: bool,
}

impl FeedbackReader {
    pub(super) fn new(hub: &Arc<Hub>, settled: bool) -> FeedbackReader {
        FeedbackReader {
            hub: Arc::clone(hub),
            locked: BTreeMap::new(),
            settled,
        }
    }

    /// The next batch, encoded, if there is one; it will be delivered under this id.
    pub(super) fn next(&mut self, delivery_id: u32) -> Option<Vec<u8>> {
        let batch = self.hub.receive_feedback()?;
        let bytes = message::feedback(&batch);
        if self.settled {
            // Nobody can have taken its lock in this moment.
            let _ = self.hub.complete_feedback(&batch.lock_token);
        } else {
            self.locked.insert(delivery_id, batch.lock_token);
        }
        Some(bytes)
    }

    /// Does with batches what the client says. Those whose locks have ended are another reader's by now.
    pub(super) fn dispose(&mut self, disposition: &Disposition) {
        let last = disposition.last.unwrap_or(disposition.first);
        let named: Vec<_> = self
            .locked
            .keys()
            // Ids are serial numbers: they may wrap between the two.
            .filter(|id| id.wrapping_sub(disposition.first) <= last.wrapping_sub(disposition.first))
            .copied()
            .collect();
        for id in named {
            let done = match &disposition.state {
                // The hub has no place for what a service will not have: it is gone.
                Some(DeliveryState::Accepted(_) | DeliveryState::Rejected(_)) => true,
                Some(DeliveryState::Released(_) | DeliveryState::Modified(_)) => false,
                // Settled without a word about it, it is not taken.
                None if disposition.settled => false,
                _ => continue,
            };
            if let Some(token) = self.locked.remove(&id) {
                let result = if done {
                    self.hub.complete_feedback(&token)
                } else {
                    self.hub.abandon_feedback(&token)
                };
                if let Err(error) = result {
                    tracing::debug!("feedback was settled too late: {error}");
                }
            }
        }
    }
}

impl Drop for FeedbackReader {
    /// What a link leaves unsettled at its end is for other readers.
    fn drop(&mut self) {
        for token in self.locked.values() {
            let _ = self.hub.abandon_feedback(token);
        }
    }
}

#[cfg(test)]
#[path = "feedback_tests.rs"]
mod tests;
