//! A device's MQTT session as the hub keeps it: subscriptions, and the connection, if any.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{CloseReason, Delivery};

/// What a device can subscribe to; a second subscription to the same replaces the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscription {
    /// Answers to twin reads and reports.
    TwinResponses,
    /// Desired patches.
    Desired,
    /// Direct methods.
    Methods,
    /// Cloud-to-device messages.
    Messages,
}

/// Granted QoS per subscription, `None` when not subscribed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subscriptions {
    twin_responses: Option<u8>,
    desired: Option<u8>,
    methods: Option<u8>,
    messages: Option<u8>,
}

impl Subscriptions {
    pub(super) fn get(&self, which: Subscription) -> Option<u8> {
        match which {
            Subscription::TwinResponses => self.twin_responses,
            Subscription::Desired => self.desired,
            Subscription::Methods => self.methods,
            Subscription::Messages => self.messages,
        }
    }

    pub(super) fn set(&mut self, which: Subscription, qos: Option<u8>) {
        match which {
            Subscription::TwinResponses => self.twin_responses = qos,
            Subscription::Desired => self.desired = qos,
            Subscription::Methods => self.methods = qos,
            Subscription::Messages => self.messages = qos,
        }
    }
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivered {
    Yes,
    /// No connection, or none that subscribed.
    NotListening,
    /// The connection's queue is full: the device does not read. It is to be disconnected, and will read its twin when
    /// it comes back.
    TooSlow,
}

/// The hub's end of a connection.
pub(super) struct Attached {
    /// Tells this connection from an earlier or later one of the same device.
    pub(super) epoch: u64,
    pub(super) deliveries: mpsc::Sender<Delivery>,
    pub(super) mail: Arc<Notify>,
    pub(super) mute: Arc<AtomicBool>,
    pub(super) close: oneshot::Sender<CloseReason>,
}

#[derive(Default)]
pub(super) struct Session {
    pub(super) subscriptions: Subscriptions,
    /// Whether the session outlives its connection (CleanSession 0).
    pub(super) kept: bool,
    pub(super) attached: Option<Attached>,
}

impl Session {
    pub(super) fn is_connected(&self) -> bool {
        self.attached.is_some()
    }

    /// Hands a delivery to the connection if there is one that subscribed to it.
    pub(super) fn deliver(&self, which: Subscription, delivery: Delivery) -> Delivered {
        match (&self.attached, self.subscriptions.get(which)) {
            (Some(attached), Some(_)) if attached.deliveries.try_send(delivery).is_ok() => Delivered::Yes,
            (Some(_), Some(_)) => Delivered::TooSlow,
            _ => Delivered::NotListening,
        }
    }

    /// Says that a message waits.
    pub(super) fn ring(&self) {
        if let (Some(attached), Some(_)) = (&self.attached, self.subscriptions.get(Subscription::Messages)) {
            attached.mail.notify_one();
        }
    }

    /// Has nothing more said on the connection, if there is one; whether there was.
    pub(super) fn mute(&self) -> bool {
        if let Some(attached) = &self.attached {
            attached.mute.store(true, Ordering::Release);
        }
        self.attached.is_some()
    }

    /// Drops all that outlives a connection.
    pub(super) fn forget(&mut self) {
        self.subscriptions = Subscriptions::default();
        self.kept = false;
    }

    /// Tells the connection, if any, to close, and forgets it; whether there was one.
    pub(super) fn close(&mut self, reason: CloseReason) -> bool {
        let Some(attached) = self.attached.take() else {
            return false;
        };
        // The other end may be gone already; then there is nothing left to tell.
        let _ = attached.close.send(reason);
        true
    }
}
