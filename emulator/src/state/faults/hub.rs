//! What a hub can do wrong.

use std::{sync::Arc, time::Duration};

use setpoint_protocol::twin::Document;

use super::Faults;
use crate::state::{CloseReason, Delivery, Hub, HubError, Subscription, session::Delivered};

/// Something a hub does wrong to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubFault {
    /// Refuses a CONNECT with this code, 1 to 5 (MQTT 3.1.1, 3.2.2.3), without a look at who connects. Other codes are taken
    /// for 3, server unavailable.
    RefuseConnect {
        /// The CONNACK's return code.
        code: u8,
    },
    /// Accepts a CONNECT and then says nothing on that connection any more; see [`Hub::mute`].
    MuteConnection,
    /// Does not answer a PINGREQ.
    IgnorePing,
    /// Sends a PUBACK late. All that is sent after it waits behind it, as on a slow line.
    DelayPuback(Duration),
    /// Never sends the PUBACK of a message it has taken.
    WithholdPuback,
    /// Sends a PUBACK twice.
    DuplicatePuback,
    /// Delivers a cloud-to-device message twice: the second time as if it were another, with a packet id of its own.
    DuplicateMessage,
    /// Refuses a twin request with this status: 400, 413, 429, 500, 503. Nothing is read or changed.
    RefuseTwin {
        /// Which requests.
        of: TwinRequest,
        /// The answer's status.
        status: u16,
        /// Seconds, told in the answer when there are some.
        retry_after: Option<u64>,
    },
    /// Does what a twin request asks for, and answers late; what is sent meanwhile overtakes the answer.
    DelayTwin {
        /// Which requests.
        of: TwinRequest,
        /// How late.
        by: Duration,
    },
    /// Does what a twin request asks for, and never answers.
    IgnoreTwin {
        /// Which requests.
        of: TwinRequest,
    },
    /// Changes the desired properties and does not tell the device, which then misses a version.
    DropDesired,
    /// Closes the connection over a message right before it is stored, or right after, and in both cases without a PUBACK.
    CloseOn {
        /// Which messages.
        publish: Stored,
        /// Whether the message is stored first.
        stored: bool,
    },
}

/// Which twin requests a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwinRequest {
    /// Reads of the twin.
    Read,
    /// Reported patches.
    Report,
    /// Both.
    Any,
}

impl TwinRequest {
    /// Whether `request`, which is not `Any`, is among these.
    fn covers(self, request: TwinRequest) -> bool {
        self == TwinRequest::Any || self == request
    }
}

/// Which messages a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Telemetry.
    Telemetry,
    /// Reported patches that the hub takes.
    Report,
}

/// What becomes of a PUBACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Acknowledgement {
    /// How often it is sent.
    pub(crate) copies: usize,
    /// How late.
    pub(crate) after: Duration,
}

impl Acknowledgement {
    /// As it should be.
    pub(crate) const PROPER: Acknowledgement = Acknowledgement {
        copies: 1,
        after: Duration::ZERO,
    };
}

/// What becomes of the answer to a twin request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TwinFault {
    Refuse { status: u16, retry_after: Option<u64> },
    Delay(Duration),
    Ignore,
}

impl Faults<HubFault> {
    /// A device says CONNECT: the code to refuse it with.
    pub(crate) fn on_connect(&self, device_id: &str) -> Option<u8> {
        self.take(device_id, |fault| match fault {
            HubFault::RefuseConnect { code } => Some(*code),
            _ => None,
        })
    }

    /// A device has connected: whether nothing more is said to it.
    pub(crate) fn on_connected(&self, device_id: &str) -> bool {
        self.strikes(device_id, &HubFault::MuteConnection)
    }

    /// A device pings: whether it goes unanswered.
    pub(crate) fn on_ping(&self, device_id: &str) -> bool {
        self.strikes(device_id, &HubFault::IgnorePing)
    }

    /// A message with QoS 1 was taken.
    pub(crate) fn on_puback(&self, device_id: &str) -> Acknowledgement {
        if self.is_empty() {
            return Acknowledgement::PROPER;
        }
        if self.strikes(device_id, &HubFault::WithholdPuback) {
            return Acknowledgement {
                copies: 0,
                ..Acknowledgement::PROPER
            };
        }
        let after = self.take(device_id, |fault| match fault {
            HubFault::DelayPuback(by) => Some(*by),
            _ => None,
        });
        let twice = self.strikes(device_id, &HubFault::DuplicatePuback);
        Acknowledgement {
            copies: if twice { 2 } else { 1 },
            after: after.unwrap_or_default(),
        }
    }

    /// A message goes out: whether it does so twice.
    pub(crate) fn on_message(&self, device_id: &str) -> bool {
        self.strikes(device_id, &HubFault::DuplicateMessage)
    }

    /// A twin request came.
    pub(crate) fn on_twin(&self, device_id: &str, request: TwinRequest) -> Option<TwinFault> {
        self.take(device_id, |fault| match fault {
            HubFault::RefuseTwin {
                of,
                status,
                retry_after,
            } if of.covers(request) => Some(TwinFault::Refuse {
                status: *status,
                retry_after: *retry_after,
            }),
            HubFault::DelayTwin { of, by } if of.covers(request) => Some(TwinFault::Delay(*by)),
            HubFault::IgnoreTwin { of } if of.covers(request) => Some(TwinFault::Ignore),
            _ => None,
        })
    }

    /// A message is about to be stored, or was: whether the connection ends over it.
    pub(crate) fn on_store(&self, device_id: &str, publish: Stored, stored: bool) -> bool {
        self.strikes(device_id, &HubFault::CloseOn { publish, stored })
    }

    /// A desired patch is to be sent: whether it is lost instead.
    pub(in crate::state) fn on_desired(&self, device_id: &str) -> bool {
        self.strikes(device_id, &HubFault::DropDesired)
    }

    fn strikes(&self, device_id: &str, wanted: &HubFault) -> bool {
        self.take(device_id, |fault| (fault == wanted).then_some(())).is_some()
    }
}

/// Faults that strike once and at once.
impl Hub {
    /// The faults in place; put more there, or take them away.
    pub fn faults(&self) -> &Arc<Faults<HubFault>> {
        &self.faults
    }

    /// Closes a device's connection without a reason, as when another took it over; false when it had none. A kept session
    /// stays kept.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`].
    pub fn kick(&self, device_id: &str) -> Result<bool, HubError> {
        self.with(device_id, |entry| {
            let connected = entry.session.is_connected();
            self.disconnect(device_id, entry, CloseReason::Kicked);
            connected
        })
    }

    /// Says nothing more on a device's present connection, which stays open: what the device sends is taken, and for all it can
    /// see the hub is gone. False when it had no connection. The next one is a proper one. Below
    /// MQTT a WebSocket still answers its own pings.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`].
    pub fn mute(&self, device_id: &str) -> Result<bool, HubError> {
        self.with(device_id, |entry| entry.session.mute())
    }

    /// Loses a device's session: its subscriptions are gone at once, and the next CONNECT finds no session present. With
    /// `disconnect` its connection is closed too, as by [`Hub::kick`].
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`].
    pub fn forget_session(&self, device_id: &str, disconnect: bool) -> Result<(), HubError> {
        self.with(device_id, |entry| {
            entry.session.forget();
            if disconnect {
                self.disconnect(device_id, entry, CloseReason::Kicked);
            } else if !entry.session.is_connected() {
                entry.queue.disconnected(false);
            }
        })
    }

    /// Sends a device a desired patch with this version whatever its twin says, which stays as it is: to repeat an old one, or to
    /// tell of one out of order. False when the device is not connected or has not subscribed.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`].
    pub fn send_desired(&self, device_id: &str, patch: Document, version: u64) -> Result<bool, HubError> {
        self.with(device_id, |entry| {
            let news = Delivery::Desired { patch, version };
            entry.session.deliver(Subscription::Desired, news) == Delivered::Yes
        })
    }
}
