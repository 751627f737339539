//! What goes to the hub and what comes from it.

use std::time::Duration;

use super::core::Device;
use super::notice::Notice;
use crate::cloud::{ConnectError, Connection, Event, Outgoing};

/// How long the hub may take to show the twin.
const TWIN_TIME: Duration = Duration::from_secs(30);

/// How long it may leave the oldest of what is in flight without an answer. A hub that throttles delays its answers, by minutes at most.
/// Source: "Traffic shaping", IoT Hub quotas and throttling.
const ANSWER_TIME: Duration = Duration::from_secs(180);

/// The question for the twin.
#[derive(Debug, Default)]
pub(super) enum TwinQuestion {
    /// Nobody has one.
    #[default]
    Answered,
    /// Asked under this id, and to be answered by then.
    Asked(u64, Duration),
    /// To be asked then: the hub was too busy.
    Later(Duration),
}

impl TwinQuestion {
    pub(super) fn answered(&mut self) {
        *self = TwinQuestion::Answered;
    }

    fn is(&self, id: u64) -> bool {
        matches!(self, TwinQuestion::Asked(asked, _) if *asked == id)
    }
}

/// The message whose answer is due next, since when.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    id: Option<u64>,
    since: Duration,
}

impl Awaited {
    fn is(&mut self, id: Option<u64>, now: Duration) {
        if self.id != id {
            (self.id, self.since) = (id, now);
        }
    }

    /// When it is late.
    fn late(&self) -> Option<Duration> {
        self.id.map(|_| self.since.saturating_add(ANSWER_TIME))
    }
}

/// What an event asks of the session.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// Nothing.
    Wait,
    /// The twin must be read again.
    ReadTwin,
    /// The hub is too busy for this: send it again, after a pause.
    SlowDown {
        /// The message.
        id: u64,
        /// What the hub said, 429 or 500 and above.
        status: u16,
        /// The pause that the hub asks for.
        retry_after: Option<Duration>,
    },
    /// The connection is of no use: make another, after a pause.
    Reconnect(String),
}

impl Device {
    /// Something came from the hub.
    pub(super) fn handle(&mut self, event: Event) -> Next {
        match event {
            Event::Delivered(id) => {
                if let Some(outgoing) = self.outbox.delivered(id) {
                    if matches!(outgoing, Outgoing::Report(_)) {
                        self.busy = 0;
                    }
                    self.counters.delivered += 1;
                    self.notice(&Notice::Delivered(&outgoing));
                }
            }
            Event::Refused {
                id,
                status,
                retry_after,
            } if status == 429 || status >= 500 => {
                return Next::SlowDown {
                    id,
                    status,
                    retry_after,
                };
            }
            Event::Refused { id, status, .. } if self.question.is(id) => {
                return Next::Reconnect(format!("the hub does not show the twin, status {status}"));
            }
            Event::Refused { id, status, .. } => {
                if let Some(outgoing) = self.outbox.refused(id) {
                    let what = outgoing.summary();
                    tracing::warn!(device = %self.device_id, status, "the hub refused {what}, which is dropped");
                    self.notice(&Notice::Refused(&outgoing, status));
                }
            }
            Event::Twin(twin) => {
                self.question.answered();
                self.busy = 0;
                let changes = self.desired.replace(twin.desired);
                self.update(changes);
            }
            Event::Desired { patch, version } => return self.patch(&patch, version),
            Event::Method { rid, name, payload } => self.command(rid, &name, &payload),
            Event::Message { body, properties } => self.message(body, properties),
        }
        Next::Wait
    }

    /// The hub is too busy for this message: nothing of its kind is sent before `until`.
    pub(super) fn hold(&mut self, id: u64, until: Duration) {
        self.busy = self.busy.saturating_add(1);
        if self.question.is(id) {
            self.question = TwinQuestion::Later(until);
        } else {
            self.outbox.hold(id, until);
        }
    }

    /// When there is something to do next, by the monotonic clock.
    pub(super) fn next_deadline(&mut self) -> Option<Duration> {
        let now = self.clock.monotonic();
        let expiry = self.commands.next_deadline();
        let question = match self.question {
            TwinQuestion::Answered => None,
            TwinQuestion::Asked(_, at) | TwinQuestion::Later(at) => Some(at),
        };
        let answer = self.awaited.iter().filter_map(Awaited::late).min();
        // One that fires too often waits until it may.
        let allowed = self.quotas.next_firing(now);
        let timer = self.timers.next_deadline().map(|due| due.max(allowed));
        let held = self.outbox.held_until().filter(|until| now < *until);
        let flush = self.outbox.next_flush(now);
        let all = [timer, expiry, question, answer, held, flush, self.life.restart_due()];
        all.into_iter().flatten().min()
    }

    /// Whether the twin is to be asked for, because the hub was too busy before.
    pub(super) fn asks_again(&self) -> bool {
        matches!(self.question, TwinQuestion::Later(at) if at <= self.clock.monotonic())
    }

    /// Asks for the twin, unless an answer is awaited already.
    pub(super) fn ask_for_twin(&mut self, connection: &mut dyn Connection) -> Result<(), ConnectError> {
        if matches!(self.question, TwinQuestion::Asked(..)) {
            return Ok(());
        }
        let id = self.outbox.new_id();
        self.question = TwinQuestion::Asked(id, self.clock.monotonic().saturating_add(TWIN_TIME));
        connection.send(id, &Outgoing::GetTwin)
    }

    /// Why the connection is of no use, when the hub has not answered in time.
    pub(super) fn overdue(&self) -> Option<String> {
        let now = self.clock.monotonic();
        if matches!(self.question, TwinQuestion::Asked(_, late) if late <= now) {
            return Some(format!(
                "the hub did not show the twin within {} s",
                TWIN_TIME.as_secs()
            ));
        }
        let late = self.awaited.iter().filter_map(Awaited::late).any(|late| late <= now);
        late.then(|| format!("the hub has not taken what it was sent {} s ago", ANSWER_TIME.as_secs()))
    }

    /// Hands answers over, and, unless the connection is about to be renewed, everything else that it takes now.
    pub(super) fn hand_over(&mut self, connection: &mut dyn Connection, renewing: bool) -> Result<(), ConnectError> {
        for response in std::mem::take(&mut self.responses) {
            connection.send(0, &response)?;
        }
        if renewing {
            return Ok(());
        }
        let now = self.clock.monotonic();
        while let Some((id, outgoing)) = self.outbox.take(now) {
            connection.send(id, outgoing)?;
        }
        for (awaited, id) in self.awaited.iter_mut().zip(self.outbox.awaited()) {
            awaited.is(id, now);
        }
        Ok(())
    }

    /// The connection has ended: what was in flight is sent again over the next.
    pub(super) fn connection_ended(&mut self) {
        self.awaited = Default::default();
        self.outbox.connection_lost();
        self.desired.connection_lost();
        self.aside.connection_lost();
        self.question.answered();
    }

    /// It has ended, and whoever waited for an answer over it has been told so by the hub.
    pub(super) fn connection_lost(&mut self) {
        self.connection_ended();
        self.responses.clear();
    }

    /// Whether a command waits for its answer.
    pub(super) fn is_asked(&self) -> bool {
        self.commands.next_deadline().is_some() || !self.responses.is_empty()
    }

    /// Whether nothing is under way over the connection.
    pub(super) fn is_quiet(&self) -> bool {
        !self.is_asked() && self.outbox.in_flight() == 0 && !matches!(self.question, TwinQuestion::Asked(..))
    }

    /// Everything that was accepted has been taken by the hub.
    pub(super) fn is_drained(&self) -> bool {
        self.outbox.is_empty() && self.responses.is_empty()
    }
}
