//! The loop of one device: provision, connect, read the twin, start, then events until it is stopped.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::core::Device;
use super::first::first_twin;
use super::lengthy::lengthy;
use super::link::{Happened, Link, Route, Trouble};
use super::operator::{Control, Orders};
use super::swap::{Replacement, SwapError, Swapped};
use super::token::Renewal;
use super::traffic::Next;
use crate::clock::Clock;
use crate::cloud::{Assignment, ConnectError, Connector, Event, ProvisionError, Provisioner};
use crate::sandbox::{GuestError, Random};

/// The first pause after the hub was too busy and did not say for how long.
pub(super) const BUSY: Duration = Duration::from_secs(2);

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

/// Why a session ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The guest failed before it had ever been started, or was parked when the operator stopped the device.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// No hub was assigned.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// The first connection could not be made. Later ones are tried again and again.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl From<Trouble> for SessionError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Connect(error) => error.into(),
            Trouble::Provision(error) => error.into(),
        }
    }
}

/// Runs a device until it is stopped or cannot be started.
pub async fn run(session: Session) -> Result<(), SessionError> {
    let Session {
        mut device,
        provisioner,
        connector,
        clock,
        random,
        control,
    } = session;
    let mut orders = Orders(control);
    let model_id = lengthy(|| device.model_id())?;
    // Where it was last time is most likely where it belongs: a fleet that gets its power back need not ask all at once.
    let kept = device.outbox.assignment();
    let known = kept.is_some();
    let assignment = match kept {
        Some(assignment) => assignment,
        None => match orders.unless_stopped(provisioner.provision(&model_id)).await {
            Some(assigned) => assigned?,
            None => return Ok(()),
        },
    };
    device.assign(&assignment);

    let mut link = Link::new(Route {
        provisioner: Arc::clone(&provisioner),
        connector,
        assignment,
        model_id,
        clock: Arc::clone(&clock),
        random,
    });
    let first = first_twin(&mut link, &*clock, &mut device, known);
    let Some(opened) = orders.unless_stopped(first).await else {
        link.close().await;
        return Ok(());
    };
    let (twin, early) = opened?;
    lengthy(|| device.start(twin))?;

    let mut running = Running {
        device,
        link,
        clock,
        provisioner,
        moving: None,
    };
    for event in early {
        running.handle(event);
    }
    running.until_stopped(&mut orders).await;
    running.device.keep_state();
    running.drain().await;
    running.device.outbox.flush();
    running.link.close().await;
    match running.device.life.parked() {
        Some(failure) => Err(failure.clone().into()),
        None => Ok(()),
    }
}

/// A device that has been started.
struct Running {
    device: Device,
    link: Link,
    clock: Arc<dyn Clock>,
    provisioner: Arc<dyn Provisioner>,
    moving: Option<Moving>,
}

/// Provisioning under way for a guest of another model; the one that runs goes on meanwhile.
struct Moving {
    provision: Pin<Box<dyn Future<Output = Result<Assignment, ProvisionError>> + Send>>,
    replacement: Box<Replacement>,
    reply: oneshot::Sender<Result<Swapped, SwapError>>,
}

/// Waits for the provisioning that is under way; for ever when there is none.
async fn moved(moving: &mut Option<Moving>) -> Result<Assignment, ProvisionError> {
    match moving {
        Some(moving) => moving.provision.as_mut().await,
        None => pending().await,
    }
}

impl Running {
    async fn until_stopped(&mut self, orders: &mut Orders) {
        loop {
            // Before every wait, so that neither a flood of events nor a fast timer keeps the other from its turn.
            self.device.wake();
            if let Some(reason) = self.device.overdue() {
                self.give_up(reason);
            }
            if self.device.asks_again() {
                self.read_twin();
            }
            self.device.rest();
            self.hand_over();
            self.renew_if_due();
            let due = match self.next_deadline() {
                Some(deadline) => self.clock.sleep_until(deadline),
                None => Box::pin(pending()),
            };
            tokio::select! {
                biased;
                order = orders.next() => match order {
                    Control::Stop => return,
                    Control::Swap(replacement, reply) => self.swap(replacement, reply),
                    // Whoever asked may have gone away.
                    Control::Status(reply) => drop(reply.send(self.device.status())),
                    Control::Present(reply) => {
                        self.device.resume(None);
                        drop(reply.send(self.device.life.present()));
                    }
                },
                assigned = moved(&mut self.moving) => self.moved(assigned),
                happened = self.link.next() => self.happened(happened),
                () = due => {}
            }
        }
    }

    fn next_deadline(&mut self) -> Option<Duration> {
        let renewal = self.link.next_renewal();
        self.device.next_deadline().into_iter().chain(renewal).min()
    }

    /// Makes a new connection before the token of this one ends: once every command has been answered and nothing is under
    /// way, or when there is no more time for that.
    fn renew_if_due(&mut self) {
        let renew = match self.link.renewal() {
            Renewal::NotYet => false,
            Renewal::Due => self.device.is_quiet(),
            Renewal::Overdue => true,
        };
        if renew {
            self.device.renewing();
            self.link.reconnect();
        }
    }

    /// Swaps at once; a guest of another model is provisioned first.
    fn swap(&mut self, replacement: Box<Replacement>, reply: oneshot::Sender<Result<Swapped, SwapError>>) {
        let swapped = if self.moving.is_some() {
            Err(SwapError::Busy {
                device: self.device.device_id.clone(),
                state: "is being swapped already",
            })
        } else if replacement.model_id == self.device.model_id {
            lengthy(|| self.device.swap(*replacement, None))
        } else {
            let (provisioner, model_id) = (Arc::clone(&self.provisioner), replacement.model_id.clone());
            self.moving = Some(Moving {
                provision: Box::pin(async move { provisioner.provision(&model_id).await }),
                replacement,
                reply,
            });
            return;
        };
        // Whoever asked may have gone away.
        drop(reply.send(swapped));
    }

    /// The guest of another model has a hub: it takes over, and its hub is told of the model by a new connection.
    fn moved(&mut self, assigned: Result<Assignment, ProvisionError>) {
        let Some(Moving { replacement, reply, .. }) = self.moving.take() else {
            return;
        };
        let swapped = match assigned {
            Ok(assignment) => {
                let model_id = replacement.model_id.clone();
                let swapped = lengthy(|| self.device.swap(*replacement, Some(&assignment)));
                if swapped.is_ok() {
                    self.device.connection_lost();
                    self.link.reroute(assignment, model_id);
                }
                swapped
            }
            Err(refused) => Err(SwapError::Provision {
                guest: replacement.program.name().to_owned(),
                model_id: replacement.model_id.clone(),
                reason: refused.to_string(),
                device: self.device.device_id.clone(),
            }),
        };
        // Whoever asked may have gone away.
        drop(reply.send(swapped));
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
                    // Settling an entry does not call the guest. A hub that is too busy now gets it the next time.
                    if let Next::SlowDown { id, .. } = self.device.handle(event) {
                        self.device.hold(id, Duration::MAX);
                    }
                }
                Happened::Event(_) | Happened::Assigned(_) => {}
                Happened::Up | Happened::Down(..) => return,
            }
        }
    }

    fn hand_over(&mut self) {
        // As long as a command is open, its answer may take a while, and the rest goes on.
        let renewing = self.link.renewal() != Renewal::NotYet && !self.device.is_asked();
        let Some(connection) = self.link.connection() else {
            return;
        };
        if let Err(error) = self.device.hand_over(connection, renewing) {
            self.down(error);
        }
    }

    fn happened(&mut self, happened: Happened) {
        match happened {
            Happened::Event(event) => self.handle(event),
            Happened::Up => {
                self.device.connected();
                self.read_twin();
            }
            Happened::Assigned(assignment) => self.device.reassign(&assignment),
            Happened::Down(trouble, decision) => self.device.lost(&trouble, &decision),
        }
    }

    fn handle(&mut self, event: Event) {
        match self.device.handle(event) {
            Next::Wait => {}
            Next::ReadTwin => self.read_twin(),
            Next::SlowDown { id, retry_after, .. } => self.slow_down(id, retry_after),
            Next::Reconnect(reason) => self.give_up(reason),
        }
    }

    /// Waits for as long as the hub asks for, or longer each time; and some jitter, since it turns away many at once.
    fn slow_down(&mut self, id: u64, retry_after: Option<Duration>) {
        let growing = BUSY.saturating_mul(1 << self.device.busy.min(5));
        let pause = retry_after.unwrap_or(growing);
        let until = self.clock.monotonic().saturating_add(pause);
        let jitter = self.link.jitter(growing / 2);
        self.device.hold(id, until.saturating_add(jitter));
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
        let happened = self.link.down(error.into());
        self.happened(happened);
    }
}
