//! Scenarios in real time: the device beside an emulator of its own in this process, over MQTT and TLS.

mod local_azure;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use local_azure::{LocalAzure, heard};
use serde_json::Value;
use setpoint::clock::Clock;
use setpoint::device::{ConnectionState, Device, Notice, Operator, Session, SessionError, run};
use setpoint::sandbox::{Program, SharedRandom, Surroundings, Tap};
use setpoint::scenario::{Action, Happening, Scenario, ShiftedClock, Stage, StageError, Weather, What};
use setpoint_emulator::state::DeviceEvent;
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, mpsc};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{sleep_until, timeout};

/// How long provisioning and connecting may take here; both are local and take a tenth of a second.
const START_TIME: Duration = Duration::from_secs(30);

/// How much later than in virtual time something may arrive, before it is missing. A connection that was cut is made again
/// after up to a second.
const SLACK: Duration = Duration::from_secs(5);

/// A device at work on an emulator. Dropping it ends both.
pub(super) struct Live {
    azure: LocalAzure,
    clock: Arc<ShiftedClock>,
    began: Instant,
    calls: usize,
    /// Callers that wait for an answer.
    callers: JoinSet<()>,
    events: broadcast::Receiver<Arc<DeviceEvent>>,
    /// What else happens: answers to commands, lines of the log, failures of the guest.
    others: mpsc::UnboundedReceiver<Other>,
    sender: mpsc::UnboundedSender<Other>,
    session: JoinHandle<Result<(), SessionError>>,
    program: Program,
    operator: Operator,
    /// Last, so that what runs on it is dropped before it.
    runtime: Runtime,
}

enum Other {
    /// The hub has the device, and the guest is about to be started.
    Listening(Instant),
    Happened(What),
    Failed(String),
}

impl Live {
    /// Starts an emulator and the device, and waits until the hub has it.
    pub(super) fn set(
        program: &Program,
        scenario: &Scenario,
        config: &BTreeMap<String, String>,
    ) -> Result<Self, StageError> {
        let clock = Arc::new(ShiftedClock::starting_at(scenario.start));
        let shared: Arc<dyn Clock> = clock.clone();
        let mut settings = scenario.config.clone();
        settings.extend(config.clone());
        let surroundings = Surroundings {
            clock: Arc::clone(&shared),
            random: SharedRandom::new(scenario.random.source()),
            config: Arc::new(settings),
            assignment: None,
            tap: Tap::default(),
        };
        let (operator, control) = Operator::new(surroundings.clone());
        let (sender, others) = mpsc::unbounded_channel();
        let observer = observer(sender.clone(), Arc::clone(&clock), scenario.start);
        let not_started = |error: &dyn std::fmt::Display| StageError::NotStarted(error.to_string());
        let device = Device::new(program, surroundings, Box::new(observer)).map_err(|error| not_started(&error))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            // One for the device, one for the hub beside it.
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| broken(&error))?;
        let azure = runtime.block_on(LocalAzure::start())?;
        if !scenario.desired.is_empty() {
            azure.desire(&scenario.desired)?;
        }
        let events = azure.subscribe();
        let (provisioner, connector) = azure.route()?;
        let session = Session {
            device,
            provisioner: Arc::new(provisioner),
            connector: Arc::new(connector),
            clock: shared,
            random: Box::new(rand::random::<u64>),
            control,
        };
        let session = runtime.spawn(run(session));
        let mut live = Self {
            azure,
            clock,
            began: Instant::now(),
            calls: 0,
            callers: JoinSet::new(),
            events,
            others,
            sender,
            session,
            program: program.clone(),
            operator,
            runtime,
        };
        live.listening()?;
        Ok(live)
    }

    /// Waits until the device listens, which is its time zero.
    fn listening(&mut self) -> Result<(), StageError> {
        let Self {
            runtime,
            others,
            session,
            began,
            ..
        } = self;
        let heard = async {
            tokio::select! {
                biased;
                first = others.recv() => match first {
                    Some(Other::Listening(at)) => Ok(at),
                    _ => Err(StageError::Broken("the device does something before it is connected".to_owned())),
                },
                ended = session => Err(how(ended)),
            }
        };
        *began = runtime
            .block_on(async { timeout(START_TIME, heard).await })
            .map_err(|_| {
                let seconds = START_TIME.as_secs();
                StageError::Broken(format!(
                    "the device has not connected to its emulator within {seconds} s"
                ))
            })??;
        Ok(())
    }

    fn call(&mut self, name: &str, payload: Option<Value>) {
        self.calls += 1;
        let (call, sender) = (self.calls, self.sender.clone());
        let answer = self.azure.call(name, payload);
        let called = async move {
            if let Some(answer) = answer.await {
                // A scenario that has ended needs no answer.
                let _ = sender.send(Other::Happened(What::Response {
                    call,
                    status: answer.status,
                    payload: answer.payload,
                }));
            }
        };
        self.callers.spawn_on(called, self.runtime.handle());
    }

    /// Once the guest has started, which comes after listening.
    fn replace(&self) -> Result<(), StageError> {
        self.runtime.block_on(async {
            while self.operator.status().await.is_none() && !self.session.is_finished() {
                tokio::task::yield_now().await;
            }
            let replaced = self.operator.swap(self.program.clone()).await;
            replaced.map(drop).map_err(|error| broken(&error))
        })
    }
}

fn broken(error: &dyn std::fmt::Display) -> StageError {
    StageError::Broken(error.to_string())
}

/// How a session ended that nobody told to.
fn how(ended: Result<Result<(), SessionError>, JoinError>) -> StageError {
    match ended {
        // A guest that fails once it has been started does not end its session.
        Ok(Err(SessionError::Guest(error))) => StageError::NotStarted(error.to_string()),
        Ok(Err(error)) => StageError::Ended(error.to_string()),
        Ok(Ok(())) => StageError::Ended("it was stopped".to_owned()),
        Err(error) => broken(&error),
    }
}

/// Sets the clock as soon as the device listens: it is the first that the guest sees of it.
fn observer(
    sender: mpsc::UnboundedSender<Other>,
    clock: Arc<ShiftedClock>,
    start: DateTime<Utc>,
) -> impl FnMut(&Notice<'_>) + Send {
    let mut listening = false;
    move |notice| {
        let other = match notice {
            Notice::Connection(ConnectionState::Up) if !listening => {
                listening = true;
                clock.jump_to(start);
                Other::Listening(Instant::now())
            }
            Notice::Logged(level, message) => Other::Happened(What::Log {
                level: *level,
                message: (*message).to_owned(),
            }),
            Notice::Failed(error, _) => Other::Failed(error.to_string()),
            _ => return,
        };
        // A scenario that has ended listens no longer.
        let _ = sender.send(other);
    }
}

impl Drop for Live {
    /// Whatever runs on a runtime that ends may panic, so all of it ends before.
    fn drop(&mut self) {
        let Self {
            runtime,
            session,
            callers,
            azure,
            ..
        } = self;
        runtime.block_on(async {
            session.abort();
            if !session.is_finished() {
                // However it ended, it is over.
                let _ = session.await;
            }
            callers.shutdown().await;
            azure.stop().await;
        });
    }
}

impl Stage for Live {
    fn refusal(&self, action: &Action) -> Option<String> {
        let what = match action {
            Action::Cloud(Weather::Silent) => "cloud: silent",
            Action::Cloud(Weather::Responsive) => "cloud: responsive",
            Action::Cloud(Weather::Refuse(_)) => "cloud: { refuse: .. }",
            _ => return None,
        };
        Some(format!(
            "`{what}` cannot be done with --live; play this scenario in virtual time"
        ))
    }

    fn act(&mut self, action: &Action) -> Result<(), StageError> {
        match action {
            Action::Desire(patch) => self.azure.desire(patch)?,
            Action::Call { name, payload } => self.call(name, payload.clone()),
            Action::Message { body, properties } => self.azure.message(body, properties)?,
            Action::Cloud(weather) => self.azure.weather(*weather)?,
            Action::Clock(wall) => self.clock.jump_to(*wall),
            Action::Replace => self.replace()?,
        }
        Ok(())
    }

    fn wait(&mut self, until: Duration) -> Result<Vec<Happening>, StageError> {
        let Self {
            runtime,
            events,
            others,
            session,
            began,
            ..
        } = self;
        let deadline = tokio::time::Instant::from_std(*began + until);
        let next = async {
            loop {
                let what = tokio::select! {
                    biased;
                    event = events.recv() => match event {
                        Ok(event) => heard(&event),
                        Err(_) => return Err(StageError::Broken("the device does more than can be followed".to_owned())),
                    },
                    other = others.recv() => match other {
                        Some(Other::Happened(what)) => vec![what],
                        Some(Other::Failed(reason)) => return Err(StageError::Failed(reason)),
                        Some(Other::Listening(_)) | None => Vec::new(),
                    },
                    ended = &mut *session => return Err(how(ended)),
                    () = sleep_until(deadline) => return Ok(Vec::new()),
                };
                if !what.is_empty() {
                    return Ok(what);
                }
            }
        };
        let what = runtime.block_on(next)?;
        let at = began.elapsed();
        Ok(what.into_iter().map(|what| Happening { at, what }).collect())
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn slack(&self) -> Duration {
        SLACK
    }
}
