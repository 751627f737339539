//! A hub in memory, for tests in virtual time: it takes everything at once, keeps one device's twin, and does what the test
//! tells it to.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use setpoint_protocol::endpoint::Endpoint;
use setpoint_protocol::twin::{Document, Properties, Twin, merge};

use crate::clock::Clock;

use super::{Assignment, ConnectError, Connection, Connector, Event, Outgoing, ProvisionError, Provisioner};

/// The hub, as a test holds it. Clones are the same hub.
#[derive(Clone, Default)]
pub struct MemoryHub {
    state: Arc<Mutex<State>>,
}

/// Its name until it moves.
const NAME: &str = "memory";

/// Cloud-to-device messages that wait for the device.
/// Source: "Maximum pending messages per device 50", IoT Hub quotas and throttling.
const WAITING_MESSAGES: usize = 50;

#[derive(Default)]
struct State {
    twin: Twin,
    received: Vec<Outgoing>,
    events: VecDeque<Event>,
    /// Messages for a device that is not connected.
    waiting: VecDeque<Event>,
    connected: bool,
    /// Messages are received but not acknowledged, and the twin is not shown.
    silent: bool,
    /// Statuses for the next reports and questions for the twin, and how long to leave the hub alone.
    refusals: VecDeque<(u16, Option<Duration>)>,
    unreachable: bool,
    /// Whether the credentials are taken.
    refusing: bool,
    /// Why no hub is assigned.
    unassigned: Option<ProvisionError>,
    provisioned: u64,
    /// How the hub is called; under any other name nobody answers.
    name: Option<String>,
    /// Whether the connection was closed, rather than lost.
    closed: bool,
    connections: u64,
    clock: Option<Arc<dyn Clock>>,
    token_life: Option<Duration>,
    last_rid: u64,
    model_id: Option<String>,
    waker: Option<Waker>,
}

impl MemoryHub {
    /// A hub that knows one device, whose twin is empty and at version 1.
    pub fn new() -> Self {
        let hub = Self::default();
        let mut state = hub.lock();
        state.twin.desired.version = 1;
        state.twin.reported.version = 1;
        drop(state);
        hub
    }

    /// Sets desired properties, as the service side does. A connected device is told.
    pub fn desire(&self, patch: Document) {
        let mut state = self.lock();
        merge(&mut state.twin.desired.values, &patch);
        state.twin.desired.version += 1;
        let version = state.twin.desired.version;
        state.deliver(Event::Desired { patch, version });
    }

    /// Calls a method; its answer is received as [`Outgoing::Response`] under the request id returned here.
    pub fn call(&self, name: &str, payload: &[u8]) -> String {
        let mut state = self.lock();
        state.last_rid += 1;
        let rid = state.last_rid.to_string();
        state.deliver(Event::Method {
            rid: rid.clone(),
            name: name.to_owned(),
            payload: payload.to_vec(),
        });
        rid
    }

    /// Sends a cloud-to-device message. One for a device that is not connected waits until it is; behind fifty others it is
    /// dropped.
    pub fn message(&self, body: &[u8], properties: Vec<(String, String)>) {
        let mut state = self.lock();
        let message = Event::Message {
            body: body.to_vec(),
            properties,
        };
        if state.connected {
            state.deliver(message);
        } else if state.waiting.len() < WAITING_MESSAGES {
            state.waiting.push_back(message);
        }
    }

    /// Sets desired properties, and the patch is lost on its way to the device.
    pub fn desire_unseen(&self, patch: &Document) {
        let mut state = self.lock();
        merge(&mut state.twin.desired.values, patch);
        state.twin.desired.version += 1;
    }

    /// Sends the device a patch that is not one of now.
    pub fn patch_again(&self, patch: Document, version: u64) {
        self.lock().deliver(Event::Desired { patch, version });
    }

    /// Breaks the connection.
    pub fn cut(&self) {
        self.end(false);
    }

    /// Closes the connection, as when another client has the same identity.
    pub fn close(&self) {
        self.end(true);
    }

    fn end(&self, closed: bool) {
        let mut state = self.lock();
        state.connected = false;
        state.closed = closed;
        state.events.clear();
        state.wake();
    }

    /// While it refuses, it takes nobody's credentials.
    pub fn set_refusing(&self, refusing: bool) {
        self.lock().refusing = refusing;
    }

    /// While there is a reason, provisioning fails for it.
    pub fn set_unassigned(&self, reason: Option<ProvisionError>) {
        self.lock().unassigned = reason;
    }

    /// Moves to another host name. Under the old one nobody answers any more; provisioning says the new one.
    pub fn move_to(&self, name: &str) {
        self.lock().name = Some(name.to_owned());
        self.cut();
    }

    /// How often the device was provisioned.
    pub fn provisioned(&self) -> u64 {
        self.lock().provisioned
    }

    /// Has connections made from now on end after so long by this clock, as a token has them end.
    pub fn set_token_life(&self, life: Duration, clock: Arc<dyn Clock>) {
        let mut state = self.lock();
        (state.token_life, state.clock) = (Some(life), Some(clock));
    }

    /// While it is unreachable every attempt to connect fails.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.lock().unreachable = unreachable;
    }

    /// Refuses the next report, or question for the twin, with this status.
    pub fn refuse(&self, status: u16) {
        self.lock().refusals.push_back((status, None));
    }

    /// The same, and says for how long it wants to be left alone.
    pub fn refuse_for(&self, status: u16, retry_after: Duration) {
        self.lock().refusals.push_back((status, Some(retry_after)));
    }

    /// While it is silent it receives, and acknowledges and shows nothing.
    pub fn set_silent(&self, silent: bool) {
        self.lock().silent = silent;
    }

    /// Everything received since this was last asked, but for questions for the twin.
    pub fn take_received(&self) -> Vec<Outgoing> {
        std::mem::take(&mut self.lock().received)
    }

    /// The reported properties.
    pub fn reported(&self) -> Document {
        self.lock().twin.reported.values.clone()
    }

    /// How often the device has connected.
    pub fn connections(&self) -> u64 {
        self.lock().connections
    }

    /// The model the device said it has.
    pub fn model_id(&self) -> Option<String> {
        self.lock().model_id.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn deliver(&mut self, event: Event) {
        if self.connected {
            self.events.push_back(event);
            self.wake();
        }
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

#[async_trait]
impl Provisioner for MemoryHub {
    async fn provision(&self, model_id: &str) -> Result<Assignment, ProvisionError> {
        let mut state = self.lock();
        state.model_id = Some(model_id.to_owned());
        state.provisioned += 1;
        if let Some(reason) = &state.unassigned {
            return Err(reason.clone());
        }
        let hub = Endpoint {
            host: state.name.clone().unwrap_or_else(|| NAME.to_owned()),
            port: None,
        };
        Ok(Assignment {
            hub,
            device_id: "device".to_owned(),
            payload: Some(Value::Null),
        })
    }
}

#[async_trait]
impl Connector for MemoryHub {
    async fn connect(&self, to: &Assignment, _model_id: &str) -> Result<Box<dyn Connection>, ConnectError> {
        let mut state = self.lock();
        if state.unreachable || to.hub.host != state.name.as_deref().unwrap_or(NAME) {
            return Err(ConnectError::Unreachable {
                endpoint: to.hub.clone(),
                reason: "told to be".to_owned(),
            });
        }
        if state.refusing {
            return Err(ConnectError::Refused {
                device: to.device_id.clone(),
                endpoint: to.hub.clone(),
                reason: "code 5, not authorized".to_owned(),
            });
        }
        let life = state.token_life.zip(state.clock.as_ref());
        let expires = life.map(|(life, clock)| clock.now() + life);
        state.connected = true;
        while let Some(message) = state.waiting.pop_front() {
            state.deliver(message);
        }
        state.connections += 1;
        let number = state.connections;
        drop(state);
        Ok(Box::new(MemoryConnection {
            hub: self.clone(),
            number,
            assignment: to.clone(),
            expires,
        }))
    }
}

struct MemoryConnection {
    hub: MemoryHub,
    number: u64,
    assignment: Assignment,
    expires: Option<DateTime<Utc>>,
}

impl MemoryConnection {
    fn lost(&self, state: &State) -> ConnectError {
        let (device, endpoint) = (self.assignment.device_id.clone(), self.assignment.hub.clone());
        if state.closed {
            return ConnectError::Closed { device, endpoint };
        }
        let reason = "cut".to_owned();
        ConnectError::Lost {
            device,
            endpoint,
            reason,
        }
    }

    fn is_current(&self, state: &State) -> bool {
        state.connected && state.connections == self.number
    }

    fn poll_event(&self, context: &Context<'_>) -> Poll<Result<Event, ConnectError>> {
        let mut state = self.hub.lock();
        if !self.is_current(&state) {
            return Poll::Ready(Err(self.lost(&state)));
        }
        match state.events.pop_front() {
            Some(event) => Poll::Ready(Ok(event)),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[async_trait]
impl Connection for MemoryConnection {
    fn send(&mut self, id: u64, outgoing: &Outgoing) -> Result<(), ConnectError> {
        let mut state = self.hub.lock();
        if !self.is_current(&state) {
            return Err(self.lost(&state));
        }
        if matches!(outgoing, Outgoing::GetTwin | Outgoing::Report(_))
            && let Some((status, retry_after)) = state.refusals.pop_front()
        {
            state.deliver(Event::Refused {
                id,
                status,
                retry_after,
            });
            return Ok(());
        }
        match outgoing {
            Outgoing::GetTwin => {
                let twin = state.twin.clone();
                if !state.silent {
                    state.deliver(Event::Twin(twin));
                }
                return Ok(());
            }
            Outgoing::Report(patch) => {
                let Properties { values, version } = &mut state.twin.reported;
                merge(values, patch);
                *version += 1;
            }
            Outgoing::Telemetry { .. } | Outgoing::Response { .. } => {}
        }
        state.received.push(outgoing.clone());
        if !matches!(outgoing, Outgoing::Response { .. }) && !state.silent {
            state.deliver(Event::Delivered(id));
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Event, ConnectError> {
        poll_fn(|context| self.poll_event(context)).await
    }

    fn ready(&mut self) -> Option<Result<Event, ConnectError>> {
        let mut state = self.hub.lock();
        let current = self.is_current(&state);
        current.then(|| state.events.pop_front())?.map(Ok)
    }

    fn expires(&self) -> Option<DateTime<Utc>> {
        self.expires
    }

    async fn close(self: Box<Self>) {
        let mut state = self.hub.lock();
        if self.is_current(&state) {
            state.connected = false;
        }
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
