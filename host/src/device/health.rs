//! What becomes of a device whose guest fails: started again, with growing pauses, and in the end left alone.

use std::time::Duration;

/// First pause before a restart; it doubles with each failure.
const SHORTEST: Duration = Duration::from_secs(1);

/// Longest pause before a restart.
const LONGEST: Duration = Duration::from_secs(300);

/// A guest that has run so long is healthy: what it did before is forgotten.
const HEALTHY: Duration = Duration::from_secs(60);

/// Restarts in a row, unless the operator says otherwise: the pauses then make up a quarter of an hour.
pub(super) const RESTARTS: u32 = 10;

/// How often a guest has failed in a row.
#[derive(Debug)]
pub(super) struct Health {
    restarts: u32,
    failures: u32,
    /// By the monotonic clock.
    started: Duration,
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A new instance is started after this time.
    RestartIn(Duration),
    /// It has failed too often. It stays connected and is not started again, unless the operator swaps a guest in.
    Parked,
}

impl Health {
    pub(super) fn new(restarts: u32) -> Self {
        Self {
            restarts,
            failures: 0,
            started: Duration::ZERO,
        }
    }

    /// An instance has been started.
    pub(super) fn started(&mut self, now: Duration) {
        self.started = now;
    }

    /// Another guest has taken the place: what the one before it did does not count.
    pub(super) fn forget(&mut self) {
        self.failures = 0;
    }

    /// It has failed. `ran`: after it had been started, not while it was.
    pub(super) fn failed(&mut self, now: Duration, ran: bool) -> Verdict {
        if ran && now.saturating_sub(self.started) >= HEALTHY {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures > self.restarts {
            return Verdict::Parked;
        }
        let doubled = SHORTEST.saturating_mul(1 << (self.failures - 1).min(16));
        Verdict::RestartIn(doubled.min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn failures(health: &mut Health, count: usize) -> Vec<Verdict> {
        (0..count).map(|_| health.failed(s(5), true)).collect()
    }

    #[test]
    fn pauses_grow_from_a_second_to_five_minutes_and_then_it_is_parked() {
        let pauses = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300].map(|seconds| Verdict::RestartIn(s(seconds)));
        let mut health = Health::new(RESTARTS);
        assert_eq!(failures(&mut health, 10), pauses);
        assert_eq!(failures(&mut health, 2), [Verdict::Parked, Verdict::Parked]);
    }

    #[test]
    fn a_minute_of_health_restores_everything() {
        let mut health = Health::new(2);
        failures(&mut health, 2);
        health.started(s(100));
        assert_eq!(health.failed(s(160), true), Verdict::RestartIn(s(1)));
        health.started(s(200));
        assert_eq!(health.failed(s(259), true), Verdict::RestartIn(s(2)));
        health.started(s(300));
        assert_eq!(health.failed(s(359), true), Verdict::Parked);
    }

    #[test]
    fn time_spent_waiting_for_a_start_that_fails_is_no_health() {
        let mut health = Health::new(9);
        health.started(s(0));
        assert_eq!(health.failed(s(10), true), Verdict::RestartIn(s(1)));
        assert_eq!(health.failed(s(100), false), Verdict::RestartIn(s(2)));
    }

    #[test]
    fn without_restarts_the_first_failure_parks() {
        assert_eq!(Health::new(0).failed(s(0), true), Verdict::Parked);
    }
}
