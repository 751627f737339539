//! What a session tells whoever watches it.

use std::time::Duration;

use setpoint_protocol::twin::Document;

use super::connectivity::ConnectionState;
use super::health::Verdict;
use super::swap::Swapped;
use crate::cloud::{Assignment, Outgoing};
use crate::effect::{Command, Level, Response};
use crate::sandbox::GuestError;

/// One step in the life of a device.
#[derive(Debug)]
pub enum Notice<'a> {
    /// Provisioning has ended well.
    Assigned(&'a Assignment),
    /// The connection is another than before: made, renewed, or gone, and then why and for how long.
    Connection(&'a ConnectionState),
    /// The guest has been started for the first time, and told every desired value.
    Started,
    /// A timer fires. This is when it was due, by the device's monotonic clock.
    Fired(Duration),
    /// A call of the guest is over, and what came of it has been said before this. It took so long.
    Called(Duration),
    /// The guest has put telemetry into the outbox; with a store, it is in there by now.
    Queued(&'a Outgoing),
    /// The hub has taken it.
    Delivered(&'a Outgoing),
    /// The hub has refused it, with this status.
    Refused(&'a Outgoing, u16),
    /// Desired properties have changed, to this version.
    Desired(&'a Document, u64),
    /// A command has come.
    Command(&'a Command),
    /// It has been answered, so long after it came; none of one that the guest was not asked.
    Responded(&'a Response, Option<Duration>),
    /// The guest has written to the log.
    Logged(Level, &'a str),
    /// The guest has failed. Its instance is gone; what follows says the verdict.
    Failed(&'a GuestError, Verdict),
    /// A new instance of it has been started, after a failure.
    Restarted,
    /// Its instance was put aside, with a state of so many bytes, until it is wanted again.
    PutAside(usize),
    /// Another guest has taken its place.
    Swapped(&'a Swapped),
}

/// Watches a session. Any closure that takes notices will do.
pub trait Observer: Send {
    /// Called in the session's own task: it must not wait.
    fn notice(&mut self, notice: &Notice<'_>);
}

impl<F: FnMut(&Notice<'_>) + Send> Observer for F {
    fn notice(&mut self, notice: &Notice<'_>) {
        self(notice);
    }
}
