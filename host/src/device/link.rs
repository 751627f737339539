//! The connection, as the session sees it: up, or on its way up again.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Sleep};
use crate::cloud::{Assignment, ConnectError, Connection, Connector, Event};
use crate::sandbox::Random;

/// Longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(60);

/// A connection that held this long was a good one, and the pauses begin anew. One that is thrown out at once, say by a
/// second device of the same identity, is not.
const GOOD: Duration = Duration::from_secs(60);

type Connecting = Pin<Box<dyn Future<Output = Result<Box<dyn Connection>, ConnectError>> + Send>>;

/// What a link is asked to reach, and with what.
pub(super) struct Route {
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
}

enum State {
    Up {
        connection: Box<dyn Connection>,
        since: Duration,
    },
    Waiting(Sleep),
    Connecting(Connecting),
}

/// Makes a connection and keeps making one.
pub(super) struct Link {
    route: Route,
    state: State,
    failures: u32,
}

/// What came of waiting for the hub.
pub(super) enum Happened {
    /// An event of the connection.
    Event(Event),
    /// There is a new connection: the twin must be read, and what was in flight sent again.
    Up,
    /// There is none. The link goes on trying.
    Down(ConnectError),
}

impl Link {
    /// Begins to connect.
    pub(super) fn new(route: Route) -> Self {
        let state = State::Connecting(route.connect());
        Self {
            route,
            state,
            failures: 0,
        }
    }

    /// Says goodbye to the hub and begins to connect to the one of another assignment, as a device of another model.
    pub(super) fn reroute(&mut self, assignment: Assignment, model_id: String) {
        self.route.assignment = assignment;
        self.route.model_id = model_id;
        self.failures = 0;
        let connect = self.route.connect();
        let old = std::mem::replace(&mut self.state, State::Connecting(Box::pin(pending())));
        self.state = State::Connecting(match old {
            State::Up { connection, .. } => Box::pin(async move {
                connection.close().await;
                connect.await
            }),
            State::Waiting(_) | State::Connecting(_) => connect,
        });
    }

    pub(super) fn connection(&mut self) -> Option<&mut dyn Connection> {
        match &mut self.state {
            State::Up { connection, .. } => Some(connection.as_mut()),
            State::Waiting(_) | State::Connecting(_) => None,
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

    /// Waits for the hub. Cancel safe.
    pub(super) async fn next(&mut self) -> Happened {
        loop {
            match &mut self.state {
                State::Up { connection, .. } => match connection.next().await {
                    Ok(event) => return Happened::Event(event),
                    Err(error) => return self.down(error),
                },
                State::Waiting(sleep) => {
                    sleep.await;
                    self.state = State::Connecting(self.route.connect());
                }
                State::Connecting(connecting) => match connecting.await {
                    Ok(connection) => {
                        self.state = State::Up {
                            connection,
                            since: self.route.clock.monotonic(),
                        };
                        return Happened::Up;
                    }
                    Err(error) => return self.down(error),
                },
            }
        }
    }

    /// Gives the connection up and waits before the next: exponential backoff with full jitter, the first after 0 to 1 s.
    /// Source: "Implement retry" in Azure's guidance on transient faults, and the AWS study that full jitter comes from.
    pub(super) fn down(&mut self, error: ConnectError) -> Happened {
        let now = self.route.clock.monotonic();
        if let State::Up { since, .. } = &self.state
            && now.saturating_sub(*since) >= GOOD
        {
            self.failures = 0;
        }
        let pause = pause(self.failures, self.route.random.next());
        self.failures = self.failures.saturating_add(1);
        self.state = State::Waiting(self.route.clock.sleep_until(now.saturating_add(pause)));
        Happened::Down(error)
    }

    /// Says goodbye to the hub.
    pub(super) async fn close(self) {
        if let State::Up { connection, .. } = self.state {
            connection.close().await;
        }
    }
}

/// Anything from nothing to 2^failures seconds, at most [`LONGEST`].
fn pause(failures: u32, random: u64) -> Duration {
    let ceiling = Duration::from_secs(1 << failures.min(6)).min(LONGEST);
    let nanoseconds = (u128::from(random) * ceiling.as_nanos()) >> 64;
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_pause_is_under_a_second_and_the_longest_under_a_minute() {
        assert_eq!(pause(0, 0), Duration::ZERO);
        assert!(pause(0, u64::MAX) < Duration::from_secs(1));
        assert!(pause(3, u64::MAX) > Duration::from_millis(7_999));
        assert!(pause(40, u64::MAX) < LONGEST && pause(40, u64::MAX) > Duration::from_millis(59_999));
    }

    proptest! {
        #[test]
        fn a_pause_grows_with_its_random_number(failures in 0..100_u32, a: u64, b: u64) {
            let (less, more) = (a.min(b), a.max(b));
            prop_assert!(pause(failures, less) <= pause(failures, more));
        }
    }
}
