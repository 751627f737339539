//! What a session tells whoever watches it.

use setpoint_protocol::twin::Document;

use super::health::Verdict;
use super::swap::Swapped;
use crate::cloud::{Assignment, ConnectError, Outgoing};
use crate::effect::{Command, Level, Response};
use crate::sandbox::GuestError;

/// One step in the life of a device.
#[derive(Debug)]
pub enum Notice<'a> {
    /// Provisioning has ended well.
    Assigned(&'a Assignment),
    /// Connected and subscribed; commands and properties are listened for.
    Listening,
    /// The guest has put something into the outbox.
    Queued(&'a Outgoing),
    /// The hub has taken it.
    Delivered(&'a Outgoing),
    /// The hub has refused it, with this status.
    Refused(&'a Outgoing, u16),
    /// Desired properties have changed, to this version.
    Desired(&'a Document, u64),
    /// A command has come.
    Command(&'a Command),
    /// It has been answered.
    Responded(&'a Response),
    /// The guest has written to the log.
    Logged(Level, &'a str),
    /// The guest has failed. Its instance is gone; what follows says the verdict.
    Failed(&'a GuestError, Verdict),
    /// A new instance of it has been started, after a failure.
    Restarted,
    /// Another guest has taken its place.
    Swapped(&'a Swapped),
    /// The connection is gone, or could not be made again. The session goes on trying.
    Lost(&'a ConnectError),
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
