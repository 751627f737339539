//! A device under test before it is started.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use super::{Seen, TestDevice, TestError, Woken};
use crate::clock::{Clock, VirtualClock};
use crate::cloud::memory::MemoryHub;
use crate::device::{Capacity, Device, Notice, Session, Store, run};
use crate::sandbox::{Program, Random, Recorder, SharedRandom, Surroundings, Tap};

/// A device that has been loaded and not yet started: the place to say how it is to be surrounded.
pub struct Setup {
    pub(super) program: Program,
    pub(super) config: BTreeMap<String, String>,
    pub(super) random: SharedRandom,
    pub(super) hub: MemoryHub,
    pub(super) clock: VirtualClock,
    pub(super) restarts: Option<u32>,
    pub(super) recorder: Option<Arc<dyn Recorder>>,
    pub(super) jitter: Box<dyn Random>,
    pub(super) capacity: Capacity,
    pub(super) store: Option<Store>,
    pub(super) put_aside: bool,
}

impl Setup {
    /// Sets a value of the operator's.
    pub fn config(mut self, key: &str, value: &str) -> Self {
        self.config.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Gives the guest this randomness. Without it, it draws zeros.
    pub fn random(mut self, random: impl Random + 'static) -> Self {
        self.random = SharedRandom::new(random);
        self
    }

    /// Connects it to this hub, which may have been told things before.
    pub fn hub(mut self, hub: &MemoryHub) -> Self {
        self.hub = hub.clone();
        self
    }

    /// Restarts a guest that fails so often in a row, and not ten times.
    pub fn restarts(mut self, most: u32) -> Self {
        self.restarts = Some(most);
        self
    }

    /// Takes the jitter of pauses between connections from here. Without it, it is half of the longest pause, always.
    pub fn jitter(mut self, jitter: impl Random + 'static) -> Self {
        self.jitter = Box::new(jitter);
        self
    }

    /// Holds so much telemetry for its hub.
    pub fn capacity(mut self, capacity: Capacity) -> Self {
        self.capacity = capacity;
        self
    }

    /// Keeps its outbox here, and goes on with what is in there.
    pub fn store(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// Puts its instance aside between two events.
    pub fn put_aside(mut self) -> Self {
        self.put_aside = true;
        self
    }

    /// Has connections last so long before their token ends.
    pub fn token_life(self, life: Duration) -> Self {
        self.hub.set_token_life(life, Arc::new(self.clock.clone()));
        self
    }

    /// Has everything that goes in and out of the guest taken down; see [`record`](crate::record).
    pub fn recorder(mut self, recorder: Arc<dyn Recorder>) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Begins at this time, and not at [`BEGINNING`](super::BEGINNING).
    pub fn beginning(mut self, wall: DateTime<Utc>) -> Self {
        self.clock = VirtualClock::starting_at(wall);
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
            restarts,
            recorder,
            jitter,
            capacity,
            store,
            put_aside,
        } = self;
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let surroundings = Surroundings {
            clock: Arc::clone(&shared),
            random,
            config: Arc::new(config),
            assignment: None,
            tap: Tap::default(),
        };
        if let Some(recorder) = recorder {
            // Nobody else can have come before.
            let _ = surroundings.tap.attach(recorder);
        }
        let seen = Arc::new(Mutex::new(Seen::default()));
        let watch = Arc::clone(&seen);
        let observer = move |notice: &Notice<'_>| watch.lock().unwrap_or_else(PoisonError::into_inner).notice(notice);
        let device = Device::new(&program, surroundings.clone(), Box::new(observer))?;
        let mut device = device.capacity(capacity);
        if let Some(store) = store {
            device = device.keep_in(store)?;
        }
        if let Some(most) = restarts {
            device = device.restarts(most);
        }
        if put_aside {
            device = device.put_aside();
        }
        let (control, receiver) = mpsc::channel(1);
        let session = Session {
            device,
            provisioner: Arc::new(hub.clone()),
            connector: Arc::new(hub.clone()),
            clock: shared,
            random: jitter,
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
            sandbox: program.sandbox().clone(),
            surroundings,
            seen,
        };
        device.settle()?;
        Ok(device)
    }
}
