//! What a device tells the tally.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::passage::Passage;
use super::tally::{Count, Gauge, Tally};
use crate::clock::Clock;
use crate::cloud::Outgoing;
use crate::device::{ConnectionState, Notice, Observer, Verdict};
use crate::sandbox::GuestError;

/// Counts and times one session.
pub(super) struct Watch {
    tally: Arc<Tally>,
    /// The guest's place in the mix.
    guest: usize,
    clock: Arc<dyn Clock>,
    passage: Arc<Passage>,
    /// Given up once the device runs, so that another may begin.
    beginning: Option<OwnedSemaphorePermit>,
    up: bool,
    /// When the timer was due that the present call is for.
    due: Option<Duration>,
    /// Of each message that the hub has not taken: when its timer was due. A hub takes them in their order.
    sent: VecDeque<Duration>,
}

impl Watch {
    pub(super) fn new(
        tally: Arc<Tally>,
        guest: usize,
        clock: Arc<dyn Clock>,
        passage: Arc<Passage>,
        beginning: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            tally,
            guest,
            clock,
            passage,
            beginning,
            up: false,
            due: None,
            sent: VecDeque::new(),
        }
    }

    fn connection(&mut self, up: bool) {
        match (std::mem::replace(&mut self.up, up), up) {
            (false, true) => self.tally.up(Gauge::Up),
            (true, false) => self.tally.down(Gauge::Up),
            _ => {}
        }
    }

    fn failed(&self, error: &GuestError, verdict: Verdict) {
        self.tally.count(Count::Failures);
        if matches!(error, GuestError::OverBudget { .. }) {
            self.tally.count(Count::OverBudget);
        }
        if verdict == Verdict::Parked {
            self.tally.count(Count::Parked);
        }
    }
}

impl Observer for Watch {
    fn notice(&mut self, notice: &Notice<'_>) {
        match notice {
            Notice::Connection(state) => {
                match state {
                    ConnectionState::Up => {
                        self.tally.count(Count::Connected);
                        self.passage.open();
                    }
                    ConnectionState::Down { cause, reason, .. } => {
                        self.tally.count(Count::Lost);
                        self.passage.barred((*cause).into(), reason);
                    }
                    ConnectionState::Connecting | ConnectionState::Renewing => {}
                }
                self.connection(matches!(state, ConnectionState::Up));
            }
            Notice::Started => {
                self.tally.count(Count::Ran);
                self.passage.ran();
                self.beginning = None;
            }
            Notice::Fired(due) => self.due = Some(*due),
            Notice::Called(took) => {
                self.due = None;
                self.tally.call(*took);
            }
            Notice::Queued(_) => {
                self.tally.count(Count::Queued);
                self.sent.push_back(self.due.unwrap_or_else(|| self.clock.monotonic()));
            }
            Notice::Delivered(Outgoing::Telemetry { .. }) => {
                self.tally.count(Count::Delivered);
                if let Some(due) = self.sent.pop_front() {
                    self.tally
                        .puback(self.guest, self.clock.monotonic().saturating_sub(due));
                }
            }
            Notice::Delivered(_) => self.tally.count(Count::Reported),
            Notice::Refused(outgoing, _) => {
                self.tally.count(Count::Refused);
                if matches!(outgoing, Outgoing::Telemetry { .. }) {
                    self.sent.pop_front();
                }
            }
            Notice::Command(_) => self.tally.count(Count::Commands),
            Notice::Responded(_, Some(took)) => self.tally.command(*took),
            Notice::Failed(error, verdict) => self.failed(error, *verdict),
            Notice::PutAside(_) => self.tally.count(Count::PutAside),
            Notice::Restarted => self.tally.count(Count::Restarts),
            Notice::Assigned(_)
            | Notice::Desired(..)
            | Notice::Responded(_, None)
            | Notice::Logged(..)
            | Notice::Swapped(_) => {}
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.connection(false);
    }
}
