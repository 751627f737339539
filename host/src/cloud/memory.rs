//! A hub in memory, for tests in virtual time: it takes everything at once, keeps one device's twin, and does what the test
//! tells it to.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use serde_json::Value;
use setpoint_protocol::endpoint::Endpoint;
use setpoint_protocol::twin::{Document, Properties, Twin, merge};

use super::{Assignment, ConnectError, Connection, Connector, Event, Outgoing, ProvisionError, Provisioner};

/// The hub, as a test holds it. Clones are the same hub.
#[derive(Debug, Clone, Default)]
pub struct MemoryHub {
    state: Arc<Mutex<State>>,
}

/// Cloud-to-device messages that wait for the device.
/// Source: "Maximum pending messages per device 50", IoT Hub quotas and throttling.
const WAITING_MESSAGES: usize = 50;

#[derive(Debug, Default)]
struct State {
    twin: Twin,
    received: Vec<Outgoing>,
    events: VecDeque<Event>,
    /// Messages for a device that is not connected.
    waiting: VecDeque<Event>,
    connected: bool,
    /// Messages are received but not acknowledged, and the twin is not shown.
    silent: bool,
    /// Statuses for the next reports and questions for the twin.
    refusals: VecDeque<u16>,
    unreachable: bool,
    connections: u64,
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

    /// Breaks the connection.
    pub fn cut(&self) {
        let mut state = self.lock();
        state.connected = false;
        state.events.clear();
        state.wake();
    }

    /// While it is unreachable every attempt to connect fails.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.lock().unreachable = unreachable;
    }

    /// Refuses the next report, or question for the twin, with this status.
    pub fn refuse(&self, status: u16) {
        self.lock().refusals.push_back(status);
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
        self.lock().model_id = Some(model_id.to_owned());
        let hub = Endpoint {
            host: "memory".to_owned(),
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
        if state.unreachable {
            return Err(ConnectError::Unreachable {
                endpoint: to.hub.clone(),
                reason: "told to be".to_owned(),
            });
        }
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
        }))
    }
}

struct MemoryConnection {
    hub: MemoryHub,
    number: u64,
    assignment: Assignment,
}

impl MemoryConnection {
    fn lost(&self) -> ConnectError {
        ConnectError::Lost {
            device: self.assignment.device_id.clone(),
            endpoint: self.assignment.hub.clone(),
            reason: "cut".to_owned(),
        }
    }

    fn is_current(&self, state: &State) -> bool {
        state.connected && state.connections == self.number
    }

    fn poll_event(&self, context: &Context<'_>) -> Poll<Result<Event, ConnectError>> {
        let mut state = self.hub.lock();
        if !self.is_current(&state) {
            return Poll::Ready(Err(self.lost()));
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
            return Err(self.lost());
        }
        if matches!(outgoing, Outgoing::GetTwin | Outgoing::Report(_))
            && let Some(status) = state.refusals.pop_front()
        {
            state.deliver(Event::Refused {
                id,
                status,
                retry_after: None,
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

    async fn close(self: Box<Self>) {
        let mut state = self.hub.lock();
        if self.is_current(&state) {
            state.connected = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_wait_for_the_device() {
        let hub = MemoryHub::new();
        for number in 0..=WAITING_MESSAGES {
            hub.message(number.to_string().as_bytes(), Vec::new());
        }
        let assignment = hub.provision("dtmi:com:example:Thermostat;1").await.unwrap();
        let mut connection = hub.connect(&assignment, "dtmi:com:example:Thermostat;1").await.unwrap();
        for number in 0..WAITING_MESSAGES {
            let Event::Message { body, .. } = connection.next().await.unwrap() else {
                panic!("something else than message {number}");
            };
            assert_eq!(body, number.to_string().as_bytes());
        }
        hub.cut();
        assert!(
            connection.next().await.is_err(),
            "the last one was dropped, and comes never"
        );
    }
}
