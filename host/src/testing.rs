//! Guests in virtual time: the component in its sandbox, with a hub in memory and a clock that the test moves.
//!
//! ```
//! use setpoint::sandbox::THERMOSTAT;
//! use setpoint::testing::TestDevice;
//! use std::time::Duration;
//!
//! let mut device = TestDevice::load(THERMOSTAT)?.start()?;
//! device.advance(Duration::from_secs(80))?;
//! // The first temperature at once, then one every 8 s.
//! assert_eq!(device.telemetry().len(), 11);
//! # Ok::<(), setpoint::testing::TestError>(())
//! ```

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::clock::{Clock, VirtualClock};
use crate::cloud::Outgoing;
use crate::cloud::memory::MemoryHub;
use crate::device::{Control, Device, Notice, Session, SessionError, run};
use crate::sandbox::{Guest, GuestError, Limits, LoadError, Program, Random, Sandbox, SandboxError, Surroundings};

/// When a test begins, unless it says otherwise: 2024-01-01T00:00:00Z.
pub const BEGINNING: DateTime<Utc> = match DateTime::from_timestamp(1_704_067_200, 0) {
    Some(beginning) => beginning,
    None => DateTime::UNIX_EPOCH,
};

/// Why a device under test did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// There is no sandbox.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The bytes are no guest.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The guest failed before its session began.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// The session ended by itself.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// It had ended before.
    #[error("the device has stopped")]
    Stopped,
}

/// A device that has been loaded and not yet started: the place to say how it is to be surrounded.
pub struct Setup {
    program: Program,
    config: BTreeMap<String, String>,
    random: Box<dyn Random>,
    hub: MemoryHub,
    clock: VirtualClock,
}

impl Setup {
    /// Sets a value of the operator's.
    pub fn config(mut self, key: &str, value: &str) -> Self {
        self.config.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Gives the guest this randomness. Without it, it draws zeros.
    pub fn random(mut self, random: impl Random + 'static) -> Self {
        self.random = Box::new(random);
        self
    }

    /// Connects it to this hub, which may have been told things before.
    pub fn hub(mut self, hub: &MemoryHub) -> Self {
        self.hub = hub.clone();
        self
    }

    /// Starts the session and runs it until it waits for time to pass.
    pub fn start(self) -> Result<TestDevice, TestError> {
        let Self {
            program,
            config,
            random,
            hub,
            clock,
        } = self;
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let surroundings = Surroundings {
            clock: Arc::clone(&shared),
            random,
            config: Arc::new(config),
            assignment: None,
        };
        let guest = Guest::new(&program, surroundings)?;
        let (control, receiver) = mpsc::channel(1);
        let session = Session {
            device: Device::new(guest, Arc::clone(&shared), Box::new(|_: &Notice<'_>| {})),
            provisioner: Arc::new(hub.clone()),
            connector: Arc::new(hub.clone()),
            clock: shared,
            // No jitter: half of the longest pause, always.
            random: Box::new(|| u64::MAX / 2),
            control: receiver,
        };
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let mut device = TestDevice {
            session: Some(Box::pin(run(session))),
            woken,
            control,
            hub,
            clock,
            received: Vec::new(),
        };
        device.settle()?;
        Ok(device)
    }
}

type Running = Pin<Box<dyn Future<Output = Result<(), SessionError>> + Send>>;

/// A running device whose time and cloud the test moves.
pub struct TestDevice {
    session: Option<Running>,
    woken: Arc<Woken>,
    control: mpsc::Sender<Control>,
    hub: MemoryHub,
    clock: VirtualClock,
    received: Vec<Outgoing>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl TestDevice {
    /// Loads a guest: a component, or a core module that wit-bindgen made.
    pub fn load(guest: &[u8]) -> Result<Setup, TestError> {
        Self::load_into(&Sandbox::new(Limits::default(), None)?, guest)
    }

    /// Loads it into a sandbox that is there already, for tests that need many devices.
    pub fn load_into(sandbox: &Sandbox, guest: &[u8]) -> Result<Setup, TestError> {
        let program = Program::load(sandbox, "guest", guest)?;
        let clock = VirtualClock::starting_at(BEGINNING);
        Ok(Setup {
            program,
            config: BTreeMap::new(),
            random: Box::new(|| 0),
            hub: MemoryHub::new(),
            clock,
        })
    }

    /// The hub it is connected to. After telling the hub something, call [`TestDevice::settle`].
    pub fn hub(&self) -> &MemoryHub {
        &self.hub
    }

    /// Its clock.
    pub fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    /// Lets time pass, stopping at every moment at which the device has something to do.
    pub fn advance(&mut self, by: Duration) -> Result<(), TestError> {
        let end = self.clock.monotonic().saturating_add(by);
        loop {
            self.settle()?;
            let now = self.clock.monotonic();
            let next = self.clock.next_deadline().filter(|next| *next <= end);
            match next {
                Some(next) => self.clock.advance(next.saturating_sub(now)),
                None if now < end => self.clock.advance(end.saturating_sub(now)),
                None => return Ok(()),
            }
        }
    }

    /// Runs the device until it waits for time or the hub.
    pub fn settle(&mut self) -> Result<(), TestError> {
        let Some(session) = &mut self.session else {
            return Err(TestError::Stopped);
        };
        let waker = Waker::from(Arc::clone(&self.woken));
        self.woken.0.store(true, Ordering::SeqCst);
        while self.woken.0.swap(false, Ordering::SeqCst) {
            if let Poll::Ready(result) = session.as_mut().poll(&mut Context::from_waker(&waker)) {
                self.session = None;
                return Ok(result?);
            }
        }
        Ok(())
    }

    /// Everything the hub has received since this was last asked, in order.
    pub fn received(&mut self) -> Vec<Outgoing> {
        let mut received = std::mem::take(&mut self.received);
        received.append(&mut self.hub.take_received());
        received
    }

    /// The bodies of the telemetry among it. The rest stays for [`TestDevice::received`].
    pub fn telemetry(&mut self) -> Vec<Value> {
        let (mut telemetry, mut rest) = (Vec::new(), Vec::new());
        for outgoing in self.received() {
            match &outgoing {
                Outgoing::Telemetry { body, .. } => {
                    telemetry.push(serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.clone())));
                }
                _ => rest.push(outgoing),
            }
        }
        self.received = rest;
        telemetry
    }

    /// Calls a command and returns its answer, if it came at once.
    pub fn call(&mut self, name: &str, payload: &[u8]) -> Result<Option<(u16, Value)>, TestError> {
        let called = self.hub.call(name, payload);
        self.settle()?;
        let mut answer = None;
        for outgoing in self.received() {
            match &outgoing {
                Outgoing::Response { rid, status, payload } if *rid == called => {
                    answer = Some((*status, serde_json::from_str(payload).unwrap_or(Value::Null)));
                }
                _ => self.received.push(outgoing),
            }
        }
        Ok(answer)
    }

    /// Tells the device to stop, and lets it.
    pub fn stop(&mut self) -> Result<(), TestError> {
        // A session that is gone needs no order.
        let _ = self.control.try_send(Control::Stop);
        self.settle()
    }

    /// Whether the session has ended.
    pub fn has_stopped(&self) -> bool {
        self.session.is_none()
    }
}
