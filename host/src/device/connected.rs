//! What becomes of a device when its connection does: what it forgets, and what is said of it.

use super::backoff::Decision;
use super::connectivity::{Cause, ConnectionState};
use super::core::Device;
use super::link::Trouble;
use super::notice::Notice;
use crate::cloud::Assignment;

impl Device {
    /// There is a new connection.
    pub(super) fn connected(&mut self) {
        // Those made while there was no connection are for nobody, unless it was only renewed.
        if self.connection != ConnectionState::Renewing {
            self.connection_lost();
        }
        self.counters.connections += 1;
        self.outbox.connected();
        if matches!(self.connection, ConnectionState::Down { .. }) {
            tracing::info!(device = %self.device_id, "connected again");
        }
        self.set_connection(ConnectionState::Up);
    }

    /// It gives way to one with a new token. Answers to commands go out over that one.
    pub(super) fn renewing(&mut self) {
        tracing::debug!(device = %self.device_id, "the connection is renewed before its token ends");
        self.connection_ended();
        self.set_connection(ConnectionState::Renewing);
    }

    /// It was provisioned again.
    pub(super) fn reassign(&mut self, assignment: &Assignment) {
        if self.life.assignment() != Some(assignment) {
            tracing::info!(device = %self.device_id, hub = %assignment.hub, "assigned to another hub");
            self.assign(assignment);
        }
    }

    /// There is no connection.
    pub(super) fn lost(&mut self, trouble: &Trouble, decision: &Decision) {
        self.connection_lost();
        let retry_in = decision.pause;
        let text = match decision.cause {
            Cause::Network => format!("{trouble}; connecting again in {:.1} s", retry_in.as_secs_f64()),
            Cause::ThrownOut => format!(
                "{trouble}; it does so again and again, most likely because another client connects with the identity of {}: \
                 give each its own. It is tried again at most every 30 s, and less and less often",
                self.device_id
            ),
            Cause::Refused | Cause::NotAssigned => {
                format!("{trouble}; provisioning is tried again less and less often, at last once an hour")
            }
        };
        let device = self.device_id.as_str();
        match (decision.news, self.one_of_many) {
            (true, false) => tracing::warn!(device, "{text}"),
            (true, true) => tracing::info!(device, "{text}"),
            (false, _) => tracing::debug!(device, "{text}"),
        }
        self.set_connection(ConnectionState::Down {
            cause: decision.cause,
            reason: trouble.to_string(),
            retry_in,
        });
    }

    fn set_connection(&mut self, state: ConnectionState) {
        self.connection = state;
        self.observer.notice(&Notice::Connection(&self.connection));
    }
}
