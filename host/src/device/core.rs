//! The guest with its timers, outbox and open commands: everything of a device that needs no I/O.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use setpoint_protocol::twin::{Document, Twin};

use super::commands::{Commands, json_payload, target};
use super::desired::{Desired, Patched};
use super::health::{RESTARTS, Verdict};
use super::lengthy::lengthy;
use super::life::Life;
use super::notice::{Notice, Observer};
use super::outbox::Outbox;
use super::quota::Quotas;
use super::status::Counters;
use super::timers::Timers;
use crate::clock::Clock;
use crate::cloud::{Assignment, ConnectError, Connection, Event, Outgoing};
use crate::effect::{Command, DesiredValue, Outcome, Response, StartReason};
use crate::sandbox::{Guest, GuestError, Program, Surroundings};

/// How long the hub may take to show the twin.
const TWIN_TIME: Duration = Duration::from_secs(30);

/// Cloud-to-device messages held for a guest that is about to be restarted: as many as a hub queues, twice.
/// Source: "Cloud-to-device messaging: maximum pending messages per device 50", IoT Hub quotas and throttling.
const HELD_MESSAGES: usize = 100;

/// A cloud-to-device message: its body and its application properties.
type Message = (Vec<u8>, Vec<(String, String)>);

/// A guest, and what it has asked for.
pub struct Device {
    pub(super) life: Life,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Box<dyn Observer>,
    pub(super) timers: Timers,
    pub(super) outbox: Outbox,
    pub(super) quotas: Quotas,
    /// Answers are worth nothing to the next connection, so they wait beside the outbox, not in it.
    responses: Vec<Outgoing>,
    pub(super) desired: Desired,
    pub(super) commands: Commands,
    /// Messages that came while no instance ran.
    held: VecDeque<Message>,
    pub(super) device_id: String,
    pub(super) model_id: String,
    pub(super) counters: Counters,
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
    /// A device that has not been started. It is restarted ten times in a row at most.
    ///
    /// # Errors
    /// When the program cannot be instantiated.
    pub fn new(program: &Program, surroundings: Surroundings, observer: Box<dyn Observer>) -> Result<Self, GuestError> {
        let clock = Arc::clone(&surroundings.clock);
        Ok(Self {
            quotas: Quotas::new(program.sandbox().limits().rates),
            life: Life::new(program, surroundings, RESTARTS)?,
            clock,
            observer,
            timers: Timers::default(),
            outbox: Outbox::default(),
            responses: Vec::new(),
            desired: Desired::default(),
            commands: Commands::default(),
            held: VecDeque::new(),
            device_id: program.name().to_owned(),
            model_id: String::new(),
            counters: Counters::default(),
            twin_asked: None,
        })
    }

    /// Restarts it so often in a row, then leaves it parked.
    #[must_use]
    pub fn restarts(mut self, most: u32) -> Self {
        self.life.allow_restarts(most);
        self
    }

    pub(super) fn notice(&mut self, notice: &Notice<'_>) {
        self.observer.notice(notice);
    }

    pub(super) fn model_id(&mut self) -> Result<String, GuestError> {
        self.model_id = self.first(Guest::model_id)?;
        Ok(self.model_id.clone())
    }

    pub(super) fn assign(&mut self, assignment: &Assignment) {
        self.device_id.clone_from(&assignment.device_id);
        self.life.assign(assignment);
        self.notice(&Notice::Assigned(assignment));
    }

    /// Starts the guest, then tells it every desired value, also when there is none. One that fails here has never worked:
    /// it is not restarted.
    pub(super) fn start(&mut self, twin: Twin) -> Result<(), GuestError> {
        self.first(|guest| guest.start(StartReason::PowerOn, None))?;
        self.twin_asked = None;
        let desired = self.desired.replace(twin.desired);
        self.first(|guest| guest.update(desired))?;
        self.life.started(self.clock.monotonic());
        Ok(())
    }

    /// The instance has failed: its timers end, and whoever waits for it is told.
    pub(super) fn failed(&mut self, error: GuestError, ran: bool) {
        self.timers.clear();
        let verdict = self.life.failed(error.clone(), self.clock.monotonic(), ran);
        for rid in self.commands.close_all() {
            self.respond(rid, unable(500, "the device failed before it had answered"));
        }
        let device = self.device_id.as_str();
        match verdict {
            Verdict::RestartIn(pause) => {
                tracing::warn!(device, "{error}; it is started again in {} s", pause.as_secs());
            }
            Verdict::Parked => {
                tracing::error!(
                    device,
                    "{error}; it has failed too often and is parked: swap in a guest that works (setpoint swap)"
                );
            }
        }
        self.notice(&Notice::Failed(&error, verdict));
    }

    /// Starts the next instance after a failure.
    fn restart(&mut self) {
        let started = self.life.renew().and_then(|()| {
            self.first(Guest::model_id)?;
            self.first(|guest| guest.start(StartReason::Failure, None))?;
            let desired = self.desired.all();
            self.first(|guest| guest.update(desired))
        });
        match started {
            Err(error) => self.failed(error, false),
            Ok(()) => {
                self.life.started(self.clock.monotonic());
                self.notice(&Notice::Restarted);
                self.deliver_held();
            }
        }
    }

    /// Messages that came while there was no instance.
    pub(super) fn deliver_held(&mut self) {
        for (body, properties) in std::mem::take(&mut self.held) {
            self.message(body, properties);
        }
    }

    fn message(&mut self, body: Vec<u8>, properties: Vec<(String, String)>) {
        if self.life.guest().is_some() {
            self.call(|guest| guest.receive(&body, &properties));
        } else if self.held.len() < HELD_MESSAGES {
            self.held.push_back((body, properties));
        } else {
            tracing::warn!(device = %self.device_id, "a cloud-to-device message is dropped: the guest has not run for too long");
        }
    }

    /// Something came from the hub.
    pub(super) fn handle(&mut self, event: Event) -> Next {
        match event {
            Event::Delivered(id) => {
                if let Some(outgoing) = self.outbox.settle(id) {
                    self.counters.delivered += 1;
                    self.notice(&Notice::Delivered(&outgoing));
                }
            }
            // Throttled, or out of order for now: it is kept and sent again over the next connection, after a pause.
            Event::Refused { status, .. } if status == 429 || status >= 500 => {
                return Next::Reconnect(format!("the hub is busy, status {status}"));
            }
            Event::Refused { id, status, .. } if self.twin_asked.is_some_and(|(asked, _)| asked == id) => {
                return Next::Reconnect(format!("the hub does not show the twin, status {status}"));
            }
            Event::Refused { id, status, .. } => {
                if let Some(outgoing) = self.outbox.settle(id) {
                    let what = outgoing.summary();
                    tracing::warn!(device = %self.device_id, status, "the hub refused {what}, which is dropped");
                    self.notice(&Notice::Refused(&outgoing, status));
                }
            }
            Event::Twin(twin) => {
                self.twin_asked = None;
                let changes = self.desired.replace(twin.desired);
                self.update(changes);
            }
            Event::Desired { patch, version } => return self.patch(&patch, version),
            Event::Method { rid, name, payload } => self.command(rid, &name, &payload),
            Event::Message { body, properties } => self.message(body, properties),
        }
        Next::Wait
    }

    /// When there is something to do next, by the monotonic clock.
    pub(super) fn next_deadline(&mut self) -> Option<Duration> {
        let expiry = self.commands.next_deadline();
        let answer = self.twin_asked.map(|(_, late)| late);
        // One that fires too often waits until it may.
        let allowed = self.quotas.next_firing(self.clock.monotonic());
        let timer = self.timers.next_deadline().map(|due| due.max(allowed));
        let all = [timer, expiry, answer, self.life.restart_due()];
        all.into_iter().flatten().min()
    }

    /// Does what is due by now. A timer set by one that fires here waits for the next time, so that this always ends.
    pub(super) fn wake(&mut self) {
        let now = self.clock.monotonic();
        while let Some(request) = self.commands.take_expired(now) {
            if let Some(guest) = self.life.guest() {
                guest.forget_request(&request);
            }
        }
        if self.life.restart_due().is_some_and(|due| due <= now) {
            lengthy(|| self.restart());
        }
        for _ in 0..self.timers.len() {
            if self.timers.next_deadline().is_none_or(|due| due > now) || !self.quotas.may_fire(now) {
                break;
            }
            let Some(timer) = self.timers.take_due(now) else { break };
            self.call(|guest| guest.timer_fired(timer));
        }
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

    /// An instance that does not run is told everything when it starts.
    fn update(&mut self, changes: Vec<DesiredValue>) {
        if !changes.is_empty() {
            self.call(|guest| guest.update(changes));
        }
    }

    fn patch(&mut self, patch: &Document, version: u64) -> Next {
        match self.desired.patch(patch, version) {
            Patched::Changes(changes) => {
                self.notice(&Notice::Desired(patch, version));
                self.update(changes);
                Next::Wait
            }
            Patched::Stale => Next::Wait,
            Patched::Gap => {
                tracing::info!(device = %self.device_id, version, "patches are missing, the twin is read again");
                Next::ReadTwin
            }
        }
    }

    fn command(&mut self, rid: String, name: &str, payload: &[u8]) {
        let payload = match json_payload(payload) {
            Ok(payload) => payload,
            Err(reason) => return self.respond(rid, unable(400, &reason)),
        };
        if self.life.guest().is_none() {
            let message = match self.life.parked() {
                Some(_) => "the device has failed too often and is parked",
                None => "the device has failed and is about to be started again; try again later",
            };
            return self.respond(rid, unable(503, message));
        }
        if self.commands.is_full() {
            let message = "the device has not answered its earlier commands yet; try again later";
            return self.respond(rid, unable(503, message));
        }
        // Open before the guest is called: it may answer by `respond` and return `deferred` afterwards.
        let request = self.commands.open(rid, self.clock.monotonic());
        let command = Command {
            request: request.clone(),
            target: target(name),
            payload,
        };
        self.notice(&Notice::Command(&command));
        match self.call(|guest| guest.invoke(command)) {
            // Failed, and then it has been answered with all the others that were open.
            None | Some(Outcome::Deferred) => {}
            Some(Outcome::Done(response)) => self.answer(&request, response),
        }
    }

    /// Answers an open command; does nothing for one that was answered or has expired.
    pub(super) fn answer(&mut self, request: &str, response: Response) {
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
}

/// The host's own answer to a command that the guest does not answer.
fn unable(status: u16, message: &str) -> Response {
    Response {
        status,
        payload: json!({ "message": message }),
    }
}
