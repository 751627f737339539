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

mod setup;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

pub use self::setup::Setup;
use crate::clock::{Clock, VirtualClock};
use crate::cloud::Outgoing;
use crate::cloud::memory::MemoryHub;
use crate::device::{
    Capacity, ConnectionState, Control, Notice, Replacement, SessionError, Status, StoreError, SwapError, Swapped,
    Verdict,
};
use crate::effect::Level;
use crate::sandbox::{GuestError, Limits, LoadError, Program, Sandbox, SandboxError, SharedRandom, Surroundings};

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
    /// What an earlier device has left cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The session ended by itself.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The guest that ran goes on.
    #[error(transparent)]
    Swap(#[from] SwapError),
    /// It had ended before.
    #[error("the device has stopped")]
    Stopped,
}

/// What the session said, but for what went to the hub.
#[derive(Default)]
struct Seen {
    logs: Vec<(Level, String)>,
    failures: Vec<(GuestError, Verdict)>,
    accepted: Vec<Outgoing>,
    connections: Vec<ConnectionState>,
    put_aside: u64,
}

impl Seen {
    fn notice(&mut self, notice: &Notice<'_>) {
        match notice {
            Notice::Logged(level, message) => self.logs.push((*level, (*message).to_owned())),
            Notice::Queued(outgoing) => self.accepted.push((*outgoing).clone()),
            Notice::Connection(state) => self.connections.push((*state).clone()),
            Notice::PutAside(_) => self.put_aside += 1,
            Notice::Failed(error, verdict) => self.failures.push(((*error).clone(), *verdict)),
            _ => {}
        }
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
    sandbox: Sandbox,
    surroundings: Surroundings,
    seen: Arc<Mutex<Seen>>,
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
        Ok(Self::of(&Program::load(sandbox, "guest", guest)?))
    }

    /// A device of a program that is loaded already.
    pub fn of(program: &Program) -> Setup {
        Setup {
            program: program.clone(),
            config: BTreeMap::new(),
            random: SharedRandom::new(|| 0),
            hub: MemoryHub::new(),
            clock: VirtualClock::starting_at(BEGINNING),
            restarts: None,
            recorder: None,
            jitter: Box::new(|| u64::MAX / 2),
            capacity: Capacity::default(),
            store: None,
            put_aside: false,
        }
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

    /// Swaps in another guest, loaded into the same sandbox.
    ///
    /// # Errors
    /// Why the guest that ran goes on.
    pub fn swap(&mut self, guest: &[u8]) -> Result<Swapped, TestError> {
        let program = Program::load(&self.sandbox, "replacement", guest)?;
        self.swap_program(program)
    }

    /// The same with a program that has been loaded before, for tests that swap many times.
    ///
    /// # Errors
    /// Why the guest that ran goes on.
    pub fn swap_program(&mut self, program: Program) -> Result<Swapped, TestError> {
        let replacement = Replacement::new(program, self.surroundings.clone())?;
        let (reply, replied) = oneshot::channel();
        let swapped = self.order(Control::Swap(Box::new(replacement), reply), replied)?;
        Ok(swapped?)
    }

    /// How the device is.
    ///
    /// # Errors
    /// When it has stopped.
    pub fn status(&mut self) -> Result<Status, TestError> {
        let (reply, replied) = oneshot::channel();
        self.order(Control::Status(reply), replied)
    }

    fn order<T>(&mut self, order: Control, mut replied: oneshot::Receiver<T>) -> Result<T, TestError> {
        self.control.try_send(order).map_err(|_| TestError::Stopped)?;
        self.settle()?;
        replied.try_recv().map_err(|_| TestError::Stopped)
    }

    /// What the guest wrote to the log since this was last asked.
    pub fn logs(&mut self) -> Vec<(Level, String)> {
        std::mem::take(&mut self.seen().logs)
    }

    /// How the guest failed since this was last asked, and what followed.
    pub fn failures(&mut self) -> Vec<(GuestError, Verdict)> {
        std::mem::take(&mut self.seen().failures)
    }

    /// How often its instance was put aside so far.
    pub fn times_put_aside(&self) -> u64 {
        self.seen().put_aside
    }

    /// The telemetry that was accepted since this was last asked.
    pub fn accepted(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.seen().accepted)
    }

    /// What became of its connection since this was last asked.
    pub fn connection_states(&mut self) -> Vec<ConnectionState> {
        std::mem::take(&mut self.seen().connections)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
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
