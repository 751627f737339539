//! When the token of a connection is renewed: well before its end, not with all others at once, and by the clock that is
//! right.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::backoff::share;

/// Renewed when so much of its life is over, as the C SDK does, ..
const DUE: f64 = 0.8;
/// .. or earlier, by up to so much of its life: a fleet that was started together must not come back together.
const JITTER: f64 = 0.1;
/// What is under way is waited for until so much is over.
const OVERDUE: f64 = 0.95;

/// The life of one token, by both clocks: the wall clock, which the hub goes by, may have been set since.
#[derive(Debug)]
pub(super) struct TokenLife {
    due: Duration,
    overdue: Duration,
    due_wall: DateTime<Utc>,
    overdue_wall: DateTime<Utc>,
}

/// Whether it is time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    /// No.
    NotYet,
    /// As soon as nothing is under way.
    Due,
    /// Whatever is under way.
    Overdue,
}

impl TokenLife {
    /// Of a connection that stands `since` and whose token ends at `expires`, which is `left` from then.
    pub(super) fn new(since: Duration, expires: DateTime<Utc>, left: Duration, random: u64) -> Self {
        let due = left.mul_f64(DUE).saturating_sub(share(left.mul_f64(JITTER), random));
        let overdue = left.mul_f64(OVERDUE);
        Self {
            due: since.saturating_add(due),
            overdue: since.saturating_add(overdue),
            due_wall: expires - left.mul_f64(1.0 - DUE),
            overdue_wall: expires - left.mul_f64(1.0 - OVERDUE),
        }
    }

    pub(super) fn renewal(&self, now: Duration, wall: DateTime<Utc>) -> Renewal {
        if now >= self.overdue || wall >= self.overdue_wall {
            Renewal::Overdue
        } else if now >= self.due || wall >= self.due_wall {
            Renewal::Due
        } else {
            Renewal::NotYet
        }
    }

    /// When it changes next.
    pub(super) fn next(&self, now: Duration) -> Option<Duration> {
        [self.due, self.overdue].into_iter().find(|at| now < *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn life(random: u64) -> TokenLife {
        TokenLife::new(Duration::ZERO, DateTime::UNIX_EPOCH + HOUR, HOUR, random)
    }

    /// By the wall clock that runs evenly beside.
    fn at(life: &TokenLife, seconds: u64) -> Renewal {
        let now = Duration::from_secs(seconds);
        life.renewal(now, DateTime::UNIX_EPOCH + now)
    }

    #[test]
    fn at_four_fifths_of_its_life_and_at_the_latest_shortly_before_its_end() {
        let life = life(0);
        assert_eq!(life.next(Duration::ZERO), Some(Duration::from_secs(2880)));
        assert_eq!((at(&life, 2879), at(&life, 2880)), (Renewal::NotYet, Renewal::Due));
        assert_eq!((at(&life, 3419), at(&life, 3420)), (Renewal::Due, Renewal::Overdue));
        assert_eq!(life.next(Duration::from_secs(3000)), Some(Duration::from_secs(3420)));
    }

    #[test]
    fn a_clock_that_is_set_ahead_makes_it_due() {
        let (life, now) = (life(0), Duration::from_secs(60));
        let ahead = |hours: i64| DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hours);
        assert_eq!(life.renewal(now, ahead(3)), Renewal::Overdue);
        assert_eq!(life.renewal(now, ahead(-3)), Renewal::NotYet);
        // Set back, it still ends after its time: the hub goes by its own clock.
        assert_eq!(life.renewal(HOUR, ahead(-3)), Renewal::Overdue);
    }

    proptest! {
        #[test]
        fn jitter_only_makes_it_earlier(random: u64) {
            let due = life(random).next(Duration::ZERO).unwrap();
            prop_assert!(due > Duration::from_secs(2519) && due <= Duration::from_secs(2880));
        }
    }
}
