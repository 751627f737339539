//! The guest with its timers, outbox and open commands: everything of a device that needs no I/O.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use setpoint_protocol::twin::{Document, Twin};

use super::commands::{Commands, json_payload, target};
use super::desired::{Desired, Patched};
use super::notice::{Notice, Observer};
use super::outbox::Outbox;
use super::report::{Patches, acknowledgement};
use super::timers::{self, Timers};
use crate::clock::Clock;
use crate::cloud::{Assignment, ConnectError, Connection, Event, Outgoing};
use crate::effect::{Command, DesiredValue, Effect, Level, Outcome, Response, StartReason};
use crate::sandbox::{Guest, GuestError, Quota};

/// How long the hub may take to show the twin.
const TWIN_TIME: Duration = Duration::from_secs(30);

/// Bytes an entry of the outbox takes beside its body.
const ENTRY_BYTES: usize = 128;

/// A guest, and what it has asked for.
pub struct Device {
    guest: Guest,
    clock: Arc<dyn Clock>,
    observer: Box<dyn Observer>,
    timers: Timers,
    outbox: Outbox,
    /// Answers are worth nothing to the next connection, so they wait beside the outbox, not in it.
    responses: Vec<Outgoing>,
    desired: Desired,
    commands: Commands,
    device_id: String,
    /// The question for the twin that has no answer yet, and until when it may take.
    twin_asked: Option<(u64, Duration)>,
}

/// What an event asks of the session.
pub(super) enum Next {
    /// Nothing.
    Wait,
    /// The twin must be read again.
    ReadTwin,
    /// The connection is of no use: make another, after a pause.
    Reconnect(String),
}

impl Device {
    /// A device that has not been started.
    pub fn new(guest: Guest, clock: Arc<dyn Clock>, observer: Box<dyn Observer>) -> Self {
        let device_id = guest.name().to_owned();
        Self {
            guest,
            clock,
            observer,
            timers: Timers::default(),
            outbox: Outbox::default(),
            responses: Vec::new(),
            desired: Desired::default(),
            commands: Commands::default(),
            device_id,
            twin_asked: None,
        }
    }

    pub(super) fn notice(&mut self, notice: &Notice<'_>) {
        self.observer.notice(notice);
    }

    pub(super) fn model_id(&mut self) -> Result<String, GuestError> {
        self.call(Guest::model_id)
    }

    pub(super) fn assign(&mut self, assignment: &Assignment) {
        self.device_id.clone_from(&assignment.device_id);
        self.guest.assign(assignment.clone());
        self.notice(&Notice::Assigned(assignment));
    }

    /// Starts the guest, then tells it every desired value, also when there is none.
    pub(super) fn start(&mut self, reason: StartReason, state: Option<&[u8]>, twin: Twin) -> Result<(), GuestError> {
        self.call(|guest| guest.start(reason, state))?;
        self.twin_asked = None;
        let desired = self.desired.replace(twin.desired);
        self.call(|guest| guest.update(desired))
    }

    /// Something came from the hub.
    pub(super) fn handle(&mut self, event: Event) -> Result<Next, GuestError> {
        match event {
            Event::Delivered(id) => {
                if let Some(outgoing) = self.outbox.settle(id) {
                    self.notice(&Notice::Delivered(&outgoing));
                }
            }
            // Throttled, or out of order for now: it is kept and sent again over the next connection, after a pause.
            Event::Refused { status, .. } if status == 429 || status >= 500 => {
                return Ok(Next::Reconnect(format!("the hub is busy, status {status}")));
            }
            Event::Refused { id, status } if self.twin_asked.is_some_and(|(asked, _)| asked == id) => {
                return Ok(Next::Reconnect(format!(
                    "the hub does not show the twin, status {status}"
                )));
            }
            Event::Refused { id, status } => {
                if let Some(outgoing) = self.outbox.settle(id) {
                    let what = outgoing.summary();
                    tracing::warn!(device = %self.device_id, status, "the hub refused {what}, which is dropped");
                    self.notice(&Notice::Refused(&outgoing, status));
                }
            }
            Event::Twin(twin) => {
                self.twin_asked = None;
                let changes = self.desired.replace(twin.desired);
                self.update(changes)?;
            }
            Event::Desired { patch, version } => return self.patch(&patch, version),
            Event::Method { rid, name, payload } => self.command(rid, &name, &payload)?,
            Event::Message { body, properties } => self.call(|guest| guest.receive(&body, &properties))?,
        }
        Ok(Next::Wait)
    }

    /// When there is something to do next, by the monotonic clock.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let expiry = self.commands.next_deadline();
        let answer = self.twin_asked.map(|(_, late)| late);
        self.timers
            .next_deadline()
            .into_iter()
            .chain(expiry)
            .chain(answer)
            .min()
    }

    /// Does what is due by now. A timer set by one that fires here waits for the next time, so that this always ends.
    pub(super) fn wake(&mut self) -> Result<(), GuestError> {
        let now = self.clock.monotonic();
        while let Some(request) = self.commands.take_expired(now) {
            self.guest.forget_request(&request);
        }
        for _ in 0..self.timers.len() {
            let Some(timer) = self.timers.take_due(now) else { break };
            self.call(|guest| guest.timer_fired(timer))?;
        }
        Ok(())
    }

    /// Asks for the twin, unless an answer is awaited already.
    pub(super) fn ask_for_twin(&mut self, connection: &mut dyn Connection) -> Result<(), ConnectError> {
        if self.twin_asked.is_none() {
            let id = self.outbox.new_id();
            self.twin_asked = Some((id, self.clock.monotonic().saturating_add(TWIN_TIME)));
            connection.send(id, &Outgoing::GetTwin)?;
        }
        Ok(())
    }

    /// Why the connection is of no use, when the hub has not shown the twin in time.
    pub(super) fn overdue(&self) -> Option<String> {
        let late = self.twin_asked.is_some_and(|(_, late)| late <= self.clock.monotonic());
        late.then(|| format!("the hub did not show the twin within {} s", TWIN_TIME.as_secs()))
    }

    /// Hands everything over that the connection takes now.
    pub(super) fn hand_over(&mut self, connection: &mut dyn Connection) -> Result<(), ConnectError> {
        for response in std::mem::take(&mut self.responses) {
            connection.send(0, &response)?;
        }
        while let Some((id, outgoing)) = self.outbox.next_unsent() {
            connection.send(id, outgoing)?;
            self.outbox.mark_sent();
        }
        Ok(())
    }

    /// What was in flight is sent again over the next connection; open answers are for nobody.
    pub(super) fn connection_lost(&mut self) {
        self.outbox.connection_lost();
        self.desired.connection_lost();
        self.responses.clear();
        self.twin_asked = None;
    }

    /// Everything that was accepted has been taken by the hub.
    pub(super) fn is_drained(&self) -> bool {
        self.outbox.is_empty() && self.responses.is_empty()
    }

    fn update(&mut self, changes: Vec<DesiredValue>) -> Result<(), GuestError> {
        if changes.is_empty() {
            Ok(())
        } else {
            self.call(|guest| guest.update(changes))
        }
    }

    fn patch(&mut self, patch: &Document, version: u64) -> Result<Next, GuestError> {
        match self.desired.patch(patch, version) {
            Patched::Changes(changes) => {
                self.notice(&Notice::Desired(patch, version));
                self.update(changes)?;
                Ok(Next::Wait)
            }
            Patched::Stale => Ok(Next::Wait),
            Patched::Gap => {
                tracing::info!(device = %self.device_id, version, "patches are missing, the twin is read again");
                Ok(Next::ReadTwin)
            }
        }
    }

    fn command(&mut self, rid: String, name: &str, payload: &[u8]) -> Result<(), GuestError> {
        let payload = match json_payload(payload) {
            Ok(payload) => payload,
            Err(reason) => {
                self.respond(
                    rid,
                    Response {
                        status: 400,
                        payload: json!({ "message": reason }),
                    },
                );
                return Ok(());
            }
        };
        if self.commands.is_full() {
            let message = "the device has not answered its earlier commands yet; try again later";
            self.respond(
                rid,
                Response {
                    status: 503,
                    payload: json!({ "message": message }),
                },
            );
            return Ok(());
        }
        // Open before the guest is called: it may answer by `respond` and return `deferred` afterwards.
        let request = self.commands.open(rid, self.clock.monotonic());
        let command = Command {
            request: request.clone(),
            target: target(name),
            payload,
        };
        self.notice(&Notice::Command(&command));
        match self.call(|guest| guest.invoke(command))? {
            Outcome::Deferred => {}
            Outcome::Done(response) => self.answer(&request, response),
        }
        Ok(())
    }

    /// Answers an open command; does nothing for one that was answered or has expired.
    fn answer(&mut self, request: &str, response: Response) {
        if let Some(rid) = self.commands.close(request) {
            self.respond(rid, response);
        }
    }

    fn respond(&mut self, rid: String, response: Response) {
        self.notice(&Notice::Responded(&response));
        let payload = response.payload.to_string();
        self.responses.push(Outgoing::Response {
            rid,
            status: response.status,
            payload,
        });
    }

    /// Calls the guest within what there is room for, and applies what it did.
    fn call<T>(&mut self, call: impl FnOnce(&mut Guest) -> Result<T, GuestError>) -> Result<T, GuestError> {
        let (messages, bytes) = self.outbox.room();
        self.guest.grant(Quota {
            messages,
            bytes,
            timers: timers::MOST.saturating_sub(self.timers.len()),
        });
        let result = call(&mut self.guest);
        let effects = self.guest.take_effects();
        self.apply(effects, result.is_ok());
        result
    }

    /// Of a guest that failed only the log lines count: they say why.
    fn apply(&mut self, effects: Vec<Effect>, succeeded: bool) {
        let now = self.clock.monotonic();
        let mut patches = Patches::default();
        for effect in effects {
            match effect {
                Effect::Log { level, message } => self.log(level, &message),
                _ if !succeeded => {}
                Effect::Telemetry {
                    component,
                    body,
                    properties,
                } => {
                    self.queue_patches(&mut patches);
                    let extra: usize = properties.iter().map(|(name, value)| name.len() + value.len()).sum();
                    let bytes = body.len() + extra;
                    self.queue(
                        Outgoing::Telemetry {
                            component,
                            body,
                            properties,
                        },
                        bytes,
                    );
                }
                Effect::Report { property, value } => patches.add(property, value),
                Effect::Acknowledge {
                    property,
                    value,
                    status,
                    version,
                    description,
                } => {
                    patches.add(property, acknowledgement(value, status, version, description));
                }
                Effect::Respond { request, response } => self.answer(&request, response),
                Effect::After { timer, delay } => self.timers.after(timer, now, delay),
                Effect::Every { timer, period } => self.timers.every(timer, now, period),
                Effect::Cancel { timer } => self.timers.cancel(timer),
            }
        }
        self.queue_patches(&mut patches);
    }

    fn queue_patches(&mut self, patches: &mut Patches) {
        for (patch, bytes) in patches.take() {
            self.queue(Outgoing::Report(patch), bytes);
        }
    }

    fn queue(&mut self, outgoing: Outgoing, bytes: usize) {
        self.observer.notice(&Notice::Queued(&outgoing));
        self.outbox.push(outgoing, bytes + ENTRY_BYTES);
    }

    fn log(&self, level: Level, message: &str) {
        let device = self.device_id.as_str();
        match level {
            Level::Trace => tracing::trace!(target: "guest", device, "{message}"),
            Level::Debug => tracing::debug!(target: "guest", device, "{message}"),
            Level::Info => tracing::info!(target: "guest", device, "{message}"),
            Level::Warn => tracing::warn!(target: "guest", device, "{message}"),
            Level::Error => tracing::error!(target: "guest", device, "{message}"),
        }
    }
}
