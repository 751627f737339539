//! The connection, as the session sees it: up, or on its way up again.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::backoff::{Backoff, Decision, Ending, share};
use super::token::{Renewal, TokenLife};
use crate::clock::{Clock, Sleep};
use crate::cloud::{Assignment, ConnectError, Connection, Connector, Event, ProvisionError, Provisioner};
use crate::sandbox::Random;

/// How long a pause may be before the wall clock is looked at: a refusal may have been that clock's fault.
const LOOK: Duration = Duration::from_secs(30);

/// What the wall clock jumps by when it is set right, rather than slewed.
const JUMP: TimeDelta = TimeDelta::seconds(60);

type Connecting = Pin<Box<dyn Future<Output = Result<Box<dyn Connection>, ConnectError>> + Send>>;
type Provisioning = Pin<Box<dyn Future<Output = Result<Assignment, ProvisionError>> + Send>>;

/// What a link is asked to reach, and with what.
pub(super) struct Route {
    pub(super) provisioner: Arc<dyn Provisioner>,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) assignment: Assignment,
    pub(super) model_id: String,
    pub(super) clock: Arc<dyn Clock>,
    /// For the jitter: devices that lost one hub together must not come back together.
    pub(super) random: Box<dyn Random>,
}

impl Route {
    fn connect(&self) -> Connecting {
        let (connector, assignment, model_id) = (
            Arc::clone(&self.connector),
            self.assignment.clone(),
            self.model_id.clone(),
        );
        Box::pin(async move { connector.connect(&assignment, &model_id).await })
    }

    fn provision(&self) -> Provisioning {
        let (provisioner, model_id) = (Arc::clone(&self.provisioner), self.model_id.clone());
        Box::pin(async move { provisioner.provision(&model_id).await })
    }

    /// By how much the wall clock is ahead of the one that does not jump.
    fn offset(&self) -> DateTime<Utc> {
        self.clock.now() - self.clock.monotonic()
    }
}

enum State {
    Up {
        connection: Box<dyn Connection>,
        since: Duration,
        token: Option<TokenLife>,
    },
    Waiting(Pause),
    Provisioning(Provisioning),
    Connecting(Connecting),
}

struct Pause {
    until: Duration,
    sleep: Sleep,
    provision: bool,
    offset: DateTime<Utc>,
}

/// Makes a connection and keeps making one.
pub(super) struct Link {
    route: Route,
    state: State,
    backoff: Backoff,
}

/// What went wrong with a connection, or on the way to one.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Provision(#[from] ProvisionError),
}

impl Trouble {
    fn ending(&self) -> Ending {
        match self {
            Trouble::Connect(ConnectError::Closed { .. }) => Ending::Closed,
            Trouble::Connect(ConnectError::Refused { .. }) => Ending::Refused,
            Trouble::Provision(
                ProvisionError::Refused { .. }
                | ProvisionError::NotAssigned { .. }
                | ProvisionError::Connect(ConnectError::Refused { .. }),
            ) => Ending::NotAssigned,
            Trouble::Connect(_) | Trouble::Provision(_) => Ending::Failed,
        }
    }
}

/// What came of waiting for the hub.
pub(super) enum Happened {
    /// An event of the connection.
    Event(Event),
    /// There is a new connection: the twin must be read, and what was in flight sent again.
    Up,
    /// The device was provisioned again; the connection to this hub is on its way.
    Assigned(Assignment),
    /// There is none. The link goes on trying.
    Down(Trouble, Decision),
}

impl Link {
    /// Begins to connect.
    pub(super) fn new(route: Route) -> Self {
        let state = State::Connecting(route.connect());
        Self {
            route,
            state,
            backoff: Backoff::default(),
        }
    }

    /// Says goodbye to the hub and begins to connect to the one of another assignment, as a device of another model.
    pub(super) fn reroute(&mut self, assignment: Assignment, model_id: String) {
        self.route.assignment = assignment;
        self.route.model_id = model_id;
        self.backoff = Backoff::default();
        self.reconnect();
    }

    /// Says goodbye to the hub and connects anew, with a new token.
    pub(super) fn reconnect(&mut self) {
        let connect = self.route.connect();
        let old = std::mem::replace(&mut self.state, State::Connecting(Box::pin(pending())));
        self.state = State::Connecting(match old {
            State::Up { connection, .. } => Box::pin(async move {
                connection.close().await;
                connect.await
            }),
            State::Waiting(_) | State::Provisioning(_) | State::Connecting(_) => connect,
        });
    }

    pub(super) fn connection(&mut self) -> Option<&mut dyn Connection> {
        match &mut self.state {
            State::Up { connection, .. } => Some(connection.as_mut()),
            State::Waiting(_) | State::Provisioning(_) | State::Connecting(_) => None,
        }
    }

    /// Whether there is a connection, or one on its way that may be there by then.
    pub(super) fn may_be_up_by(&self, deadline: Duration) -> bool {
        match &self.state {
            State::Up { .. } | State::Provisioning(_) | State::Connecting(_) => true,
            State::Waiting(pause) => pause.until < deadline,
        }
    }

    /// Whether the token of the connection that stands is to be renewed.
    pub(super) fn renewal(&self) -> Renewal {
        match &self.state {
            State::Up { token: Some(token), .. } => token.renewal(self.route.clock.monotonic(), self.route.clock.now()),
            _ => Renewal::NotYet,
        }
    }

    /// When [`Link::renewal`] says something else.
    pub(super) fn next_renewal(&self) -> Option<Duration> {
        match &self.state {
            State::Up { token: Some(token), .. } => token.next(self.route.clock.monotonic()),
            _ => None,
        }
    }

    /// The error of a connection that stands and is of no use.
    pub(super) fn useless(&self, reason: String) -> ConnectError {
        ConnectError::Lost {
            device: self.route.assignment.device_id.clone(),
            endpoint: self.route.assignment.hub.clone(),
            reason,
        }
    }

    /// Any part of `whole`, by chance.
    pub(super) fn jitter(&mut self, whole: Duration) -> Duration {
        share(whole, self.route.random.next())
    }

    /// Waits for the hub. Cancel safe.
    pub(super) async fn next(&mut self) -> Happened {
        loop {
            match &mut self.state {
                State::Up { connection, .. } => match connection.next().await {
                    Ok(event) => return Happened::Event(event),
                    Err(error) => return self.down(error.into()),
                },
                State::Waiting(pause) => {
                    pause.sleep.as_mut().await;
                    self.waited();
                }
                State::Provisioning(provisioning) => match provisioning.await {
                    Ok(assignment) => {
                        self.route.assignment = assignment.clone();
                        self.state = State::Connecting(self.route.connect());
                        return Happened::Assigned(assignment);
                    }
                    Err(error) => return self.down(error.into()),
                },
                State::Connecting(connecting) => match connecting.await {
                    Ok(connection) => {
                        self.up(connection);
                        return Happened::Up;
                    }
                    Err(error) => return self.down(error.into()),
                },
            }
        }
    }

    /// What has come together with the event before. Never waits.
    pub(super) fn ready(&mut self) -> Option<Happened> {
        match self.connection()?.ready()? {
            Ok(event) => Some(Happened::Event(event)),
            Err(error) => Some(self.down(error.into())),
        }
    }

    fn up(&mut self, connection: Box<dyn Connection>) {
        let since = self.route.clock.monotonic();
        let expires = connection.expires();
        let token = expires.and_then(|expires| {
            let left = (expires - self.route.clock.now()).to_std().ok()?;
            Some(TokenLife::new(since, expires, left, self.route.random.next()))
        });
        self.state = State::Up {
            connection,
            since,
            token,
        };
    }

    /// A slice of a pause is over: on, or the next slice. When the wall clock was set meanwhile, the pause is over.
    fn waited(&mut self) {
        let State::Waiting(pause) = &mut self.state else { return };
        let jumped = (self.route.offset() - pause.offset).abs() > JUMP;
        if !jumped && self.route.clock.monotonic() < pause.until {
            pause.sleep = slice(&*self.route.clock, pause.until);
            return;
        }
        self.state = if pause.provision {
            State::Provisioning(self.route.provision())
        } else {
            State::Connecting(self.route.connect())
        };
    }

    /// Gives the connection up and waits before the next.
    pub(super) fn down(&mut self, trouble: Trouble) -> Happened {
        let now = self.route.clock.monotonic();
        let lived = match &self.state {
            State::Up { since, .. } => Some(now.saturating_sub(*since)),
            _ => None,
        };
        let decision = self.backoff.decide(trouble.ending(), lived, self.route.random.next());
        self.pause(decision.pause, decision.provision);
        Happened::Down(trouble, decision)
    }

    /// Asks the provisioning service at once, in the place of the pause that was decided on.
    pub(super) fn provision_now(&mut self) {
        self.pause(Duration::ZERO, true);
    }

    fn pause(&mut self, pause: Duration, provision: bool) {
        let until = self.route.clock.monotonic().saturating_add(pause);
        self.state = State::Waiting(Pause {
            until,
            sleep: slice(&*self.route.clock, until),
            provision,
            offset: self.route.offset(),
        });
    }

    /// Says goodbye to the hub.
    pub(super) async fn close(self) {
        if let State::Up { connection, .. } = self.state {
            connection.close().await;
        }
    }
}

fn slice(clock: &dyn Clock, until: Duration) -> Sleep {
    clock.sleep_until(until.min(clock.monotonic().saturating_add(LOOK)))
}
