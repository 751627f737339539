//! One device of a fleet, from its first attempt to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use setpoint_protocol::endpoint::Endpoint;
use setpoint_protocol::key::Key;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::launch::Shared;
use super::passage::{Obstacle, Passage};
use super::tally::{Count, Gauge};
use super::watch::Watch;
use crate::cloud::{Access, AzureConnector, ConnectError, DpsProvisioner, ProvisionError};
use crate::device::{Device, Operator, Session, SessionError, run};
use crate::sandbox::{Program, Random, SharedRandom, Surroundings, Tap};

/// First pause before a device that could not begin tries again; it doubles.
const SHORTEST: Duration = Duration::from_secs(1);

/// Longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// The enrolment group that a fleet's devices belong to. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Group {
    /// The provisioning service.
    pub endpoint: Endpoint,
    /// Its instance.
    pub id_scope: String,
    /// The group's symmetric key, from which each device's own is derived.
    pub key: Key,
}

/// Where the randomness of all devices comes from: a generator for each thread, seeded by the system, so that none has to
/// carry its own.
pub(super) fn random() -> impl Random + 'static {
    || rand::Rng::next_u64(&mut rand::rng())
}

/// Devices that connect from one loopback address to a service on this machine: far fewer than an address has ports, because a
/// connection that has ended keeps its port for a while.
pub(super) const PER_LOOPBACK_ADDRESS: u64 = 10_000;

/// One device.
pub(super) struct Member {
    /// In the whole fleet, from 1.
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) program: Program,
    /// The program's place in the mix.
    pub(super) guest: usize,
    pub(super) config: Arc<BTreeMap<String, String>>,
    pub(super) shared: Arc<Shared>,
}

impl Member {
    /// Runs it until the fleet is stopped or it has ended by itself. While its cloud cannot be reached, or has no time for it,
    /// it tries again: in a fleet that is no sign of a wrong setting.
    pub(super) async fn live(self, beginning: OwnedSemaphorePermit, mut stop: watch::Receiver<bool>) {
        let tally = Arc::clone(&self.shared.tally);
        tally.up(Gauge::Alive);
        let passage = Arc::new(Passage::new(&self.name, Arc::clone(&tally)));
        let mut beginning = Some(beginning);
        let mut pause = SHORTEST;
        loop {
            let ended = match self.session(&passage, beginning.take()) {
                Ok((operator, session)) => {
                    let mut session = Box::pin(run(session));
                    let ended = tokio::select! {
                        biased;
                        ended = &mut session => Some(ended),
                        () = stopped(&mut stop) => None,
                    };
                    match ended {
                        Some(ended) => ended,
                        None => {
                            operator.stop_now();
                            session.await
                        }
                    }
                }
                Err(error) => Err(error),
            };
            match ended {
                Ok(()) => break,
                Err(error) if is_passing(&error) && !*stop.borrow() => {
                    tracing::info!(
                        device = self.name,
                        "{error}; it is tried again in {} s",
                        pause.as_secs()
                    );
                    passage.barred(Obstacle::of(&error), &error.to_string());
                    tally.count(Count::Retried);
                    let until = self.shared.clock.monotonic().saturating_add(jittered(pause));
                    tokio::select! {
                        () = self.shared.clock.sleep_until(until) => {}
                        () = stopped(&mut stop) => break,
                    }
                    pause = pause.saturating_mul(2).min(LONGEST);
                }
                Err(error) => {
                    let obstacle = Obstacle::of(&error);
                    passage.barred(obstacle, &error.to_string());
                    // Who is not let in is one of many, and they are said together.
                    if obstacle == Obstacle::Guest {
                        tracing::warn!(device = self.name, "{error}");
                    } else {
                        tracing::info!(device = self.name, "{error}");
                    }
                    tally.ended(&self.name, error.to_string());
                    break;
                }
            }
        }
        tally.down(Gauge::Alive);
    }

    fn session(
        &self,
        passage: &Arc<Passage>,
        beginning: Option<OwnedSemaphorePermit>,
    ) -> Result<(Operator, Session), SessionError> {
        let Shared {
            group,
            access,
            clock,
            tally,
            put_aside,
        } = &*self.shared;
        let surroundings = Surroundings {
            clock: Arc::clone(clock),
            random: SharedRandom::new(random()),
            config: Arc::clone(&self.config),
            assignment: None,
            tap: Tap::default(),
        };
        let watch = Watch::new(
            Arc::clone(tally),
            self.guest,
            Arc::clone(clock),
            Arc::clone(passage),
            beginning,
        );
        let (operator, control) = Operator::new(surroundings.clone());
        let access: Access = access
            .for_key(group.key.derive(&self.name))
            .from_loopback(u32::try_from((self.number - 1) / PER_LOOPBACK_ADDRESS).unwrap_or(0));
        let (endpoint, id_scope) = (group.endpoint.clone(), group.id_scope.clone());
        let device = Device::new(&self.program, surroundings, Box::new(watch))?.one_of_many();
        let session = Session {
            device: if *put_aside { device.put_aside() } else { device },
            provisioner: Arc::new(DpsProvisioner::new(endpoint, id_scope, &self.name, access.clone())),
            connector: Arc::new(AzureConnector::new(access)),
            clock: Arc::clone(clock),
            random: Box::new(random()),
            control,
        };
        Ok((operator, session))
    }
}

/// Waits until the fleet is stopped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Whoever could stop it has gone: then it is over, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Whether another attempt may do better.
fn is_passing(error: &SessionError) -> bool {
    match error {
        SessionError::Guest(_) => false,
        SessionError::Connect(error) | SessionError::Provision(ProvisionError::Connect(error)) => {
            !matches!(error, ConnectError::Refused { .. } | ConnectError::Certificate { .. })
        }
        SessionError::Provision(ProvisionError::TimedOut { .. }) => true,
        SessionError::Provision(_) => false,
    }
}

/// Half of it for certain, the rest by chance, so that those who failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let half = pause / 2;
    half + half.mul_f64(rand::random::<f64>())
}
