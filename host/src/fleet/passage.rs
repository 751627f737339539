//! Which devices do not get through, and why.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::tally::Tally;
use crate::cloud::{ConnectError, ProvisionError};
use crate::device::{Cause, SessionError};

/// What keeps devices from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// The provisioning service refused them.
    Provisioning,
    /// The hub refused them.
    Hub,
    /// The service's certificate did not match.
    Certificate,
    /// The network, or a service that did not answer as it should.
    Network,
    /// Their guest did not start.
    Guest,
}

impl Obstacle {
    /// What this error comes of.
    pub(super) fn of(error: &SessionError) -> Self {
        match error {
            SessionError::Guest(_) => Obstacle::Guest,
            SessionError::Provision(
                ProvisionError::Refused { .. }
                | ProvisionError::NotAssigned { .. }
                | ProvisionError::Connect(ConnectError::Refused { .. }),
            ) => Obstacle::Provisioning,
            SessionError::Connect(ConnectError::Refused { .. }) => Obstacle::Hub,
            SessionError::Connect(ConnectError::Certificate { .. })
            | SessionError::Provision(ProvisionError::Connect(ConnectError::Certificate { .. })) => {
                Obstacle::Certificate
            }
            SessionError::Connect(_) | SessionError::Provision(_) => Obstacle::Network,
        }
    }
}

impl From<Cause> for Obstacle {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Network | Cause::ThrownOut => Obstacle::Network,
            Cause::Refused => Obstacle::Hub,
            Cause::NotAssigned => Obstacle::Provisioning,
        }
    }
}

impl fmt::Display for Obstacle {
    /// Why devices did not run, as a clause about "them".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Obstacle::Provisioning => "provisioning refused them",
            Obstacle::Hub => "the hub refused them",
            Obstacle::Certificate => "the service's certificate did not match",
            Obstacle::Network => "they did not get through",
            Obstacle::Guest => "their guest did not start",
        })
    }
}

/// Devices that never ran, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRun {
    /// What was in their way.
    pub why: Obstacle,
    /// How many they are.
    pub devices: u64,
    /// One of them.
    pub device: String,
    /// What that one met last.
    pub error: String,
}

/// What all devices meet.
#[derive(Debug, Default)]
pub(super) struct Passages(Mutex<Met>);

#[derive(Debug, Default)]
struct Met {
    out: u64,
    /// A device and what it met.
    latest: Option<(String, String)>,
    not_run: Vec<NotRun>,
}

impl Tally {
    /// Devices that do not get through now, and which of them failed last, with what. One whose guest does not start is none of
    /// them.
    pub fn out(&self) -> (u64, Option<(String, String)>) {
        let met = lock(&self.passages.0);
        (met.out, met.latest.clone())
    }

    /// Why devices that have ended never ran; the commonest reason first.
    pub fn not_run(&self) -> Vec<NotRun> {
        let mut reasons = lock(&self.passages.0).not_run.clone();
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.devices));
        reasons
    }
}

/// Whether one device gets through.
pub(super) struct Passage {
    device: String,
    tally: Arc<Tally>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ran: bool,
    barred: Option<(Obstacle, String)>,
}

impl Passage {
    pub(super) fn new(device: &str, tally: Arc<Tally>) -> Self {
        Self {
            device: device.to_owned(),
            tally,
            state: Mutex::default(),
        }
    }

    /// An attempt failed, or the connection broke.
    pub(super) fn barred(&self, by: Obstacle, error: &str) {
        // A message mostly begins with the device's name, which is said anyway.
        let named = error
            .strip_prefix(&self.device)
            .and_then(|rest| rest.strip_prefix(": "));
        let error = named.unwrap_or(error);
        let before = lock(&self.state).barred.replace((by, error.to_owned()));
        let was_out = before.is_some_and(|(by, _)| by != Obstacle::Guest);
        let is_out = by != Obstacle::Guest;
        let mut met = lock(&self.tally.passages.0);
        met.out = met.out.saturating_add(is_out.into()).saturating_sub(was_out.into());
        if is_out {
            met.latest = Some((self.device.clone(), error.to_owned()));
        }
    }

    /// It is connected.
    pub(super) fn open(&self) {
        let Some((by, _)) = lock(&self.state).barred.take() else {
            return;
        };
        let mut met = lock(&self.tally.passages.0);
        met.out = met.out.saturating_sub((by != Obstacle::Guest).into());
        if met.latest.as_ref().is_some_and(|(device, _)| *device == self.device) {
            met.latest = None;
        }
    }

    /// Its guest has been started.
    pub(super) fn ran(&self) {
        lock(&self.state).ran = true;
    }
}

impl Drop for Passage {
    /// It has ended. If it never ran, what was in its way last is why.
    fn drop(&mut self) {
        let State { ran, barred } = std::mem::take(&mut *lock(&self.state));
        let Some((why, error)) = barred.filter(|_| !ran) else {
            return;
        };
        let mut met = lock(&self.tally.passages.0);
        match met.not_run.iter_mut().find(|reason| reason.why == why) {
            Some(reason) => reason.devices += 1,
            None => met.not_run.push(NotRun {
                why,
                devices: 1,
                device: std::mem::take(&mut self.device),
                error,
            }),
        }
    }
}

/// A panic elsewhere leaves counters as they were.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_out_is_counted_once_and_named_until_it_is_back() {
        let tally = Arc::new(Tally::default());
        let [one, two] = ["sim-1", "sim-2"].map(|device| Passage::new(device, Arc::clone(&tally)));
        one.barred(Obstacle::Network, "hub:8883 cannot be reached");
        two.barred(Obstacle::Hub, "sim-2: hub:8883 refused the connection");
        two.barred(Obstacle::Hub, "sim-2: hub:8883 refused the connection");
        let latest = ("sim-2".to_owned(), "hub:8883 refused the connection".to_owned());
        assert_eq!(tally.out(), (2, Some(latest)));
        two.open();
        assert_eq!(tally.out(), (1, None));
        one.open();
        one.open();
        assert_eq!(tally.out(), (0, None));
        two.barred(Obstacle::Guest, "rogue: does not start");
        assert_eq!(tally.out(), (0, None), "it has got through");
    }

    #[test]
    fn of_those_that_never_ran_the_commonest_reason_comes_first() {
        let tally = Arc::new(Tally::default());
        let end = |device: &str, ran: bool, met: &[Obstacle]| {
            let passage = Passage::new(device, Arc::clone(&tally));
            met.iter().for_each(|by| passage.barred(*by, "no"));
            if ran {
                passage.ran();
            }
        };
        end("sim-1", false, &[Obstacle::Network]);
        end("sim-2", false, &[Obstacle::Network, Obstacle::Provisioning]);
        end("sim-3", false, &[Obstacle::Provisioning]);
        end("sim-4", true, &[Obstacle::Provisioning]);
        end("sim-5", false, &[]);
        let reason = |why, devices, device: &str| NotRun {
            why,
            devices,
            device: device.to_owned(),
            error: "no".to_owned(),
        };
        let expected = [
            reason(Obstacle::Provisioning, 2, "sim-2"),
            reason(Obstacle::Network, 1, "sim-1"),
        ];
        assert_eq!(tally.not_run(), expected);
        assert_eq!(tally.out().0, 4, "who has ended out stays out");
    }
}
