//! The guest with its timers, outbox and open commands: everything of a device that needs no I/O.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::json;
use setpoint_protocol::twin::{Document, Twin};

use super::aside::Aside;
use super::commands::{Closed, Commands, json_payload, target};
use super::connectivity::ConnectionState;
use super::desired::{Desired, Patched};
use super::health::{RESTARTS, Verdict};
use super::lengthy::lengthy;
use super::life::Life;
use super::notice::{Notice, Observer};
use super::outbox::{Capacity, Outbox, Store, StoreError};
use super::quota::Quotas;
use super::status::Counters;
use super::timers::Timers;
use super::traffic::{Awaited, Next, TwinQuestion};
use crate::clock::Clock;
use crate::cloud::{Assignment, Outgoing};
use crate::effect::{Command, DesiredValue, Outcome, Response, StartReason};
use crate::sandbox::{Guest, GuestError, Program, Surroundings};

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
    /// Answers are worth nothing to a connection that was made after another was lost: they wait beside the outbox, not in it.
    pub(super) responses: Vec<Outgoing>,
    pub(super) desired: Desired,
    pub(super) commands: Commands,
    /// Messages that came while no instance ran.
    held: VecDeque<Message>,
    pub(super) device_id: String,
    pub(super) model_id: String,
    pub(super) counters: Counters,
    pub(super) question: TwinQuestion,
    pub(super) connection: ConnectionState,
    /// Whether somebody else says that it has no connection.
    pub(super) one_of_many: bool,
    /// How often in a row the hub was too busy for the twin.
    pub(super) busy: u32,
    pub(super) awaited: [Awaited; 2],
    pub(super) aside: Aside,
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
            question: TwinQuestion::default(),
            connection: ConnectionState::default(),
            one_of_many: false,
            busy: 0,
            awaited: Default::default(),
            aside: Aside::default(),
        })
    }

    /// Logs that its connection is lost at `info` in place of `warn`: thousands lose theirs together, and whoever runs them says so
    /// once for all.
    #[must_use]
    pub fn one_of_many(mut self) -> Self {
        self.one_of_many = true;
        self
    }

    /// Restarts it so often in a row, then leaves it parked.
    #[must_use]
    pub fn restarts(mut self, most: u32) -> Self {
        self.life.allow_restarts(most);
        self
    }

    /// Holds so much telemetry for its hub. To be said before [`Device::keep_in`].
    #[must_use]
    pub fn capacity(mut self, capacity: Capacity) -> Self {
        self.outbox = Outbox::new(capacity);
        self
    }

    /// Goes on with what is left in the store, and keeps everything it accepts there until its hub has taken it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn keep_in(mut self, store: Store) -> Result<Self, StoreError> {
        self.outbox.keep_in(store)?;
        Ok(self)
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
        lengthy(|| self.outbox.put_assignment(assignment));
        self.notice(&Notice::Assigned(assignment));
    }

    /// Starts the guest, then tells it every desired value, also when there is none. One that fails here has never worked:
    /// it is not restarted. With the state that was saved when the device was last stopped, it goes on from there.
    pub(super) fn start(&mut self, twin: Twin) -> Result<(), GuestError> {
        let model_id = self.model_id.clone();
        let state = self.outbox.take_state(&model_id);
        let resumed = state.map(|state| self.first(|guest| guest.start(StartReason::Resumed, Some(&state))));
        match resumed {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::warn!(device = %self.device_id, "{error}; it is started without the state it had saved");
                self.timers.clear();
                self.life.renew()?;
                self.first(Guest::model_id)?;
                self.first(|guest| guest.start(StartReason::PowerOn, None))?;
            }
            None => self.first(|guest| guest.start(StartReason::PowerOn, None))?,
        }
        self.question.answered();
        let desired = self.desired.replace(twin.desired);
        self.first(|guest| guest.update(desired))?;
        self.life.started(self.clock.monotonic());
        self.notice(&Notice::Started);
        Ok(())
    }

    /// The last thing asked of a guest: its state, for when the device is started again.
    pub(super) fn keep_state(&mut self) {
        let state = self.save();
        if let Some(state) = state {
            let model_id = self.model_id.clone();
            lengthy(|| self.outbox.put_state(&model_id, &state));
        }
    }

    /// The instance has failed: its timers end, and whoever waits for it is told.
    pub(super) fn failed(&mut self, error: GuestError, ran: bool) {
        self.timers.clear();
        let verdict = self.life.failed(error.clone(), self.clock.monotonic(), ran);
        for closed in self.commands.close_all() {
            self.reply(closed, unable(500, "the device failed before it had answered"));
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

    pub(super) fn message(&mut self, body: Vec<u8>, properties: Vec<(String, String)>) {
        self.resume(None);
        if self.life.guest().is_some() {
            self.call(|guest| guest.receive(&body, &properties));
        } else if self.held.len() < HELD_MESSAGES {
            self.held.push_back((body, properties));
        } else {
            tracing::warn!(device = %self.device_id, "a cloud-to-device message is dropped: the guest has not run for too long");
        }
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
            let Some(due) = self.timers.next_deadline().filter(|due| *due <= now) else {
                break;
            };
            if !self.quotas.may_fire(now) {
                break;
            }
            if self.life.state().is_some() {
                self.resume(Some(due));
                continue;
            }
            let Some(timer) = self.timers.take_due(now) else { break };
            self.notice(&Notice::Fired(due));
            self.call(|guest| guest.timer_fired(timer));
        }
        // Whatever the guest has just sent has taken along what is to be removed.
        if self.outbox.next_flush(now).is_some_and(|due| due <= now) {
            lengthy(|| self.outbox.flush());
        }
    }

    /// An instance that does not run is told everything when it starts.
    pub(super) fn update(&mut self, changes: Vec<DesiredValue>) {
        if self.life.state().is_some() && !changes.is_empty() {
            self.resume(None);
        } else if !changes.is_empty() {
            self.call(|guest| guest.update(changes));
        }
    }

    pub(super) fn patch(&mut self, patch: &Document, version: u64) -> Next {
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

    pub(super) fn command(&mut self, rid: String, name: &str, payload: &[u8]) {
        let payload = match json_payload(payload) {
            Ok(payload) => payload,
            Err(reason) => return self.respond(rid, unable(400, &reason)),
        };
        self.resume(None);
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
        if let Some(closed) = self.commands.close(request) {
            self.reply(closed, response);
        }
    }

    fn reply(&mut self, Closed { rid, came }: Closed, response: Response) {
        let took = self.clock.monotonic().saturating_sub(came);
        self.notice(&Notice::Responded(&response, Some(took)));
        self.send_response(rid, response);
    }

    /// Answers a command that the guest is not asked.
    fn respond(&mut self, rid: String, response: Response) {
        self.notice(&Notice::Responded(&response, None));
        self.send_response(rid, response);
    }

    fn send_response(&mut self, rid: String, response: Response) {
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
