//! When to try again, and what: a device that cannot reach its hub must come back by itself, and never be one of those that
//! keep the hub down.

use std::time::Duration;

use super::connectivity::Cause;

/// Longest pause while the network or the hub is down.
const LONGEST: Duration = Duration::from_secs(60);

/// A connection that held this long was a good one, and the pauses begin anew.
const GOOD: Duration = Duration::from_secs(60);

/// After so many attempts in a row that failed, the device may belong to another hub by now.
/// Source: "Implement retry logic for device reprovisioning", Microsoft: after ten failed reconnects.
const ATTEMPTS: u32 = 10;

/// A hub that closes a connection so soon after it was made has most likely let in another client with the same identity: it
/// drops the first for the second. Python's SDK comes back every 10 s.
const SOON: Duration = Duration::from_secs(15);

/// Once may be chance, and twice. After the third time in a row another client is at it.
const TIMES: u32 = 3;

/// Shortest pause while another client has the same identity.
const CONTESTED: Duration = Duration::from_secs(30);

/// Longest pause then, 30 s and full jitter of this.
const CONTESTED_LONGEST: Duration = Duration::from_secs(15 * 60);

/// A connection that held so long is alone: the other one would have tried by then.
const ALONE: Duration = Duration::from_secs(20 * 60);

/// Longest pause for a device that is refused, say because it has been disabled.
const REFUSED_LONGEST: Duration = Duration::from_secs(3600);

/// How an attempt to connect, or a connection, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It could not be made, or broke.
    Failed,
    /// The hub closed it.
    Closed,
    /// The hub does not take the credentials.
    Refused,
    /// The provisioning service says no.
    NotAssigned,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Decision {
    pub(super) cause: Cause,
    pub(super) pause: Duration,
    /// Whether to ask the provisioning service before connecting.
    pub(super) provision: bool,
    /// Whether it is news to the operator, or the same again.
    pub(super) news: bool,
}

/// What has gone wrong in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    attempts: u32,
    refusals: u32,
    /// Which refusal the operator knows of.
    said: Option<Cause>,
    closed_soon: u32,
    contested: u32,
}

impl Backoff {
    /// An attempt failed, or a connection ended after it had `lived` so long. `random`: anything, for the jitter.
    pub(super) fn decide(&mut self, ending: Ending, lived: Option<Duration>, random: u64) -> Decision {
        match lived {
            Some(lived) => self.ended(ending, lived),
            None => self.attempts += 1,
        }
        match ending {
            Ending::Refused | Ending::NotAssigned => self.refused(ending, random),
            Ending::Failed | Ending::Closed if self.contested > 0 => self.contest(random),
            Ending::Failed | Ending::Closed => self.again(random),
        }
    }

    /// A connection stood: what was refused before is over, whatever follows.
    fn ended(&mut self, ending: Ending, lived: Duration) {
        (self.attempts, self.refusals, self.said) = (0, 0, None);
        if lived >= GOOD {
            self.failures = 0;
        }
        if lived >= ALONE {
            self.contested = 0;
        }
        let soon = ending == Ending::Closed && lived < SOON;
        self.closed_soon = if soon { self.closed_soon + 1 } else { 0 };
        if self.contested > 0 || self.closed_soon >= TIMES {
            self.contested = self.contested.saturating_add(1);
        }
    }

    /// Exponential with full jitter, the first after 0 to 1 s.
    /// Source: "Transient fault handling" in Azure's guidance, and the AWS study that full jitter comes from.
    fn again(&mut self, random: u64) -> Decision {
        let ceiling = doubled(Duration::from_secs(1), self.failures, LONGEST);
        self.failures = self.failures.saturating_add(1);
        let provision = self.attempts >= ATTEMPTS;
        if provision {
            self.attempts = 0;
        }
        Decision {
            cause: Cause::Network,
            pause: share(ceiling, random),
            provision,
            // Less and less often, while an outage lasts.
            news: self.failures.is_power_of_two(),
        }
    }

    fn contest(&mut self, random: u64) -> Decision {
        let jitter = doubled(CONTESTED, self.contested, CONTESTED_LONGEST);
        Decision {
            cause: Cause::ThrownOut,
            pause: CONTESTED + share(jitter, random),
            provision: false,
            news: self.contested == 1,
        }
    }

    /// At first soon, then within an hour, and never in the first half of it: it is refused for a reason.
    fn refused(&mut self, ending: Ending, random: u64) -> Decision {
        let ceiling = doubled(Duration::from_secs(1), self.refusals, REFUSED_LONGEST);
        self.refusals = self.refusals.saturating_add(1);
        let cause = match ending {
            Ending::NotAssigned => Cause::NotAssigned,
            _ => Cause::Refused,
        };
        Decision {
            cause,
            pause: ceiling / 2 + share(ceiling / 2, random),
            provision: true,
            news: self.said.replace(cause) != Some(cause),
        }
    }
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(longest)
}

/// Anything from nothing to `whole`.
pub(super) fn share(whole: Duration, random: u64) -> Duration {
    let nanoseconds = (u128::from(random) * whole.as_nanos()) >> 64;
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[path = "backoff_tests.rs"]
mod tests;
