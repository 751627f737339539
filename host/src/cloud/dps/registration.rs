//! One registration from its first request to its end, over as many connections as it takes.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::DpsProvisioner;
use super::answer::{Failure, Step};
use super::line::{Line, Lines};
use super::pace::Pace;
use crate::cloud::{Assignment, ConnectError, ProvisionError};

/// Assigning may take minutes, when an allocation function of the operator's decides, or when a busy service asks for pauses.
const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// How often it is told that the device still waits.
const NEWS: Duration = Duration::from_secs(30);

/// How many connections may be lost, or not be made again, in a row and without an answer between.
const LOSSES: u32 = 5;

/// A registration under way.
pub(super) struct Registration<'a> {
    service: &'a DpsProvisioner,
    lines: &'a dyn Lines,
    model_id: &'a str,
    /// Lasts longer than a connection: the service counts the device's requests.
    pace: Pace,
    last_rid: u64,
    /// The service's name for it, once it has begun; polled on every connection from then on.
    operation_id: Option<String>,
    losses: u32,
}

impl<'a> Registration<'a> {
    pub(super) fn new(service: &'a DpsProvisioner, lines: &'a dyn Lines, model_id: &'a str) -> Registration<'a> {
        Registration {
            service,
            lines,
            model_id,
            pace: Pace::default(),
            last_rid: 0,
            operation_id: None,
            losses: 0,
        }
    }

    /// Goes on until there is an end, or no more time. Every half minute `news` is told for how long that has been.
    pub(super) async fn run(mut self, news: impl Fn(Duration)) -> Result<Assignment, ProvisionError> {
        let service = self.service;
        tokio::select! {
            outcome = timeout(DEADLINE, self.register()) => outcome.unwrap_or_else(|_| Err(ProvisionError::TimedOut {
                registration_id: service.registration_id.clone(),
                endpoint: service.endpoint.clone(),
                seconds: DEADLINE.as_secs(),
            })),
            never = tell(news) => match never {},
        }
    }

    async fn register(&mut self) -> Result<Assignment, ProvisionError> {
        let mut line = self.lines.open().await?;
        let mut corrected = false;
        loop {
            let failure = match self.converse(&mut *line).await {
                Ok(assignment) => {
                    line.close().await;
                    return Ok(assignment);
                }
                Err(failure) => failure,
            };
            line = match failure {
                Failure::Lost(error) => self.again(error).await?,
                Failure::Unauthorized(_, Some(time)) if !corrected && self.service.access.clock.learn(time) => {
                    // With a token that the new time makes good, once.
                    corrected = true;
                    line.close().await;
                    self.lines.open().await?
                }
                Failure::Unauthorized(error, _) | Failure::Final(error) => {
                    line.close().await;
                    return Err(error);
                }
            };
        }
    }

    /// Another line after one that was lost, with growing pauses.
    async fn again(&mut self, mut lost: ConnectError) -> Result<Box<dyn Line>, ProvisionError> {
        loop {
            if self.losses == LOSSES {
                return Err(lost.into());
            }
            self.losses += 1;
            tracing::info!(
                device = self.service.registration_id,
                "provisioning goes on after this: {lost}"
            );
            sleep_until(Instant::now() + Pace::growing(self.losses)).await;
            lost = match self.lines.open().await {
                Ok(line) => return Ok(line),
                Err(
                    error
                    @ (ConnectError::Unreachable { .. } | ConnectError::Closed { .. } | ConnectError::Lost { .. }),
                ) => error,
                Err(error @ (ConnectError::Refused { .. } | ConnectError::Certificate { .. })) => {
                    return Err(error.into());
                }
            };
        }
    }

    /// Asks until there is an end. Each answer says what to ask next and how long to wait before.
    async fn converse(&mut self, line: &mut dyn Line) -> Result<Assignment, Failure> {
        loop {
            let turn = self.pace.turn(Instant::now());
            line.rest(turn).await.map_err(Failure::Lost)?;
            self.last_rid += 1;
            let rid = self.last_rid.to_string();
            let (topic, body) = self
                .service
                .request(rid.clone(), self.operation_id.as_deref(), self.model_id);
            let answer = line.ask(&rid, topic, body).await.map_err(Failure::Lost)?;
            self.losses = 0;
            match self.service.read(&answer)? {
                Step::Done(assignment) => return Ok(assignment),
                Step::Poll(operation) => {
                    self.operation_id = Some(operation);
                    self.pace.poll_after(answer.retry_after, Instant::now());
                }
                Step::Retry => self.pace.retry_after(answer.retry_after, Instant::now()),
            }
        }
    }
}

async fn tell(news: impl Fn(Duration)) -> Infallible {
    let begun = Instant::now();
    loop {
        sleep(NEWS).await;
        news(begun.elapsed());
    }
}

#[cfg(test)]
#[path = "registration_tests.rs"]
mod tests;
