//! The loop of one device: provision, connect, read the twin, start, then events until it is stopped.

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use setpoint_protocol::twin::Twin;
use tokio::sync::mpsc;

use super::core::{Device, Next};
use super::link::{Happened, Link, Route};
use super::notice::Notice;
use crate::clock::Clock;
use crate::cloud::{ConnectError, Connector, Event, ProvisionError, Provisioner};
use crate::effect::StartReason;
use crate::sandbox::{GuestError, Random};

/// Events kept while the twin is awaited; a hub sends at most a few.
const EARLY_EVENTS: usize = 100;

/// How long a stopped device waits for the hub to take what it has accepted.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// What a session runs on.
pub struct Session {
    /// The guest.
    pub device: Device,
    /// Says which hub.
    pub provisioner: Arc<dyn Provisioner>,
    /// Connects to it.
    pub connector: Arc<dyn Connector>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Jitter between attempts to connect.
    pub random: Box<dyn Random>,
    /// The operator. When every sender is gone the session runs on.
    pub control: mpsc::Receiver<Control>,
}

/// What the operator can do with a running device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Deliver what is queued, say goodbye to the hub, end.
    Stop,
}

/// Why a session ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The guest failed.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// No hub was assigned.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// The first connection could not be made. Later ones are tried again and again.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// Runs a device until it is stopped or fails.
pub async fn run(session: Session) -> Result<(), SessionError> {
    let Session {
        mut device,
        provisioner,
        connector,
        clock,
        random,
        control,
    } = session;
    let mut operator = Operator(control);
    let model_id = device.model_id()?;
    let Some(assigned) = operator.unless_stopped(provisioner.provision(&model_id)).await else {
        return Ok(());
    };
    let assignment = assigned?;
    device.assign(&assignment);

    let route = Route {
        connector,
        assignment,
        model_id,
        clock: Arc::clone(&clock),
        random,
    };
    let mut link = Link::new(route);
    let opened = operator
        .unless_stopped(first_twin(&mut link, &*clock, &mut device))
        .await;
    let Some(opened) = opened else {
        link.close().await;
        return Ok(());
    };
    let (twin, early) = opened?;
    device.start(StartReason::PowerOn, None, twin)?;

    let mut running = Running { device, link, clock };
    for event in early {
        running.handle(event)?;
    }
    running.until_stopped(&mut operator).await?;
    running.drain().await;
    running.link.close().await;
    Ok(())
}

/// The operator's end of the control channel.
struct Operator(mpsc::Receiver<Control>);

impl Operator {
    /// Waits for the order to stop. An operator who has gone away gives none.
    async fn stop(&mut self) {
        match self.0.recv().await {
            Some(Control::Stop) => {}
            None => pending().await,
        }
    }

    /// None when the order to stop came first.
    async fn unless_stopped<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stop() => None,
            done = work => Some(done),
        }
    }
}

/// Waits for the first connection and the twin; keeps what comes in between.
async fn first_twin(
    link: &mut Link,
    clock: &dyn Clock,
    device: &mut Device,
) -> Result<(Twin, VecDeque<Event>), ConnectError> {
    let mut early = VecDeque::new();
    loop {
        let due = clock.sleep_until(device.next_deadline().unwrap_or(Duration::MAX));
        let happened = tokio::select! {
            biased;
            happened = link.next() => happened,
            () = due => match device.overdue() {
                Some(reason) => return Err(link.useless(reason)),
                None => continue,
            },
        };
        match happened {
            Happened::Down(error) => return Err(error),
            Happened::Up => {
                device.notice(&Notice::Listening);
                if let Some(connection) = link.connection() {
                    device.ask_for_twin(connection)?;
                }
            }
            Happened::Event(Event::Twin(twin)) => return Ok((twin, early)),
            Happened::Event(refused @ Event::Refused { .. }) => {
                // Nothing else has been sent, so it is the question for the twin, and the guest is not called.
                if let Ok(Next::Reconnect(reason)) = device.handle(refused) {
                    return Err(link.useless(reason));
                }
            }
            // The twin that is on its way has it already: the hub answers in order.
            Happened::Event(Event::Desired { .. }) => {}
            Happened::Event(event) if early.len() < EARLY_EVENTS => early.push_back(event),
            Happened::Event(_) => {}
        }
    }
}

/// A device that has been started.
struct Running {
    device: Device,
    link: Link,
    clock: Arc<dyn Clock>,
}

impl Running {
    async fn until_stopped(&mut self, operator: &mut Operator) -> Result<(), GuestError> {
        loop {
            // Before every wait, so that neither a flood of events nor a fast timer keeps the other from its turn.
            self.device.wake()?;
            if let Some(reason) = self.device.overdue() {
                self.give_up(reason);
            }
            self.hand_over();
            let due = match self.device.next_deadline() {
                Some(deadline) => self.clock.sleep_until(deadline),
                None => Box::pin(pending()),
            };
            tokio::select! {
                biased;
                () = operator.stop() => return Ok(()),
                happened = self.link.next() => self.happened(happened)?,
                () = due => {}
            }
        }
    }

    /// Delivers what is queued, for as long as the connection and [`DRAIN_TIME`] last.
    async fn drain(&mut self) {
        let mut late = self
            .clock
            .sleep_until(self.clock.monotonic().saturating_add(DRAIN_TIME));
        while !self.device.is_drained() {
            self.hand_over();
            if self.link.connection().is_none() {
                return;
            }
            let happened = tokio::select! {
                biased;
                happened = self.link.next() => happened,
                () = &mut late => return,
            };
            match happened {
                Happened::Event(event @ (Event::Delivered(_) | Event::Refused { .. })) => {
                    // Settling an entry does not call the guest, so it cannot fail here.
                    let _ = self.device.handle(event);
                }
                Happened::Event(_) => {}
                Happened::Up | Happened::Down(_) => return,
            }
        }
    }

    fn hand_over(&mut self) {
        let Some(connection) = self.link.connection() else {
            return;
        };
        if let Err(error) = self.device.hand_over(connection) {
            self.down(error);
        }
    }

    fn happened(&mut self, happened: Happened) -> Result<(), GuestError> {
        match happened {
            Happened::Event(event) => self.handle(event)?,
            Happened::Up => {
                // Once more: answers made while there was no connection are for nobody.
                self.device.connection_lost();
                self.device.notice(&Notice::Listening);
                self.read_twin();
            }
            Happened::Down(error) => self.lost(&error),
        }
        Ok(())
    }

    fn handle(&mut self, event: Event) -> Result<(), GuestError> {
        match self.device.handle(event)? {
            Next::Wait => {}
            Next::ReadTwin => self.read_twin(),
            Next::Reconnect(reason) => self.give_up(reason),
        }
        Ok(())
    }

    fn read_twin(&mut self) {
        let Some(connection) = self.link.connection() else {
            return;
        };
        if let Err(error) = self.device.ask_for_twin(connection) {
            self.down(error);
        }
    }

    /// The connection stands, and is of no use.
    fn give_up(&mut self, reason: String) {
        let error = self.link.useless(reason);
        self.down(error);
    }

    fn down(&mut self, error: ConnectError) {
        if let Happened::Down(error) = self.link.down(error) {
            self.lost(&error);
        }
    }

    fn lost(&mut self, error: &ConnectError) {
        tracing::warn!("{error}; connecting again");
        self.device.connection_lost();
        self.device.notice(&Notice::Lost(error));
    }
}
