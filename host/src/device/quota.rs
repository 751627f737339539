//! How much a device's instances may do now: token buckets, which outlive every instance, so that failing brings nothing.

use std::time::Duration;

use crate::sandbox::{Quota, Rate, Rates};

/// A token bucket. Fractions of a token count, so that a slow flow is not lost to rounding.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    /// Tokens in it at `filled`.
    tokens: f64,
    filled: Duration,
}

impl Bucket {
    fn new(rate: Rate) -> Self {
        Self {
            rate,
            tokens: f64::from(rate.burst),
            filled: Duration::ZERO,
        }
    }

    fn fill(&mut self, now: Duration) {
        let flowed = now.saturating_sub(self.filled).as_secs_f64() * f64::from(self.rate.per_second);
        self.tokens = (self.tokens + flowed).min(f64::from(self.rate.burst));
        self.filled = self.filled.max(now);
    }

    /// Whole tokens in it now.
    fn available(&mut self, now: Duration) -> usize {
        self.fill(now);
        // At most a u32's worth, so nothing is cut off but the fraction.
        self.tokens as usize
    }

    fn take(&mut self, tokens: usize) {
        self.tokens = (self.tokens - tokens as f64).max(0.0);
    }

    /// When there will be a whole token, as far as is known at `now`.
    fn ready(&mut self, now: Duration) -> Duration {
        self.fill(now);
        let lacking = 1.0 - self.tokens;
        if lacking <= 0.0 {
            return now;
        }
        let wait = Duration::try_from_secs_f64(lacking / f64::from(self.rate.per_second)).unwrap_or(Duration::MAX);
        // Rounded up, so that nobody wakes a nanosecond too early, for ever.
        now.saturating_add(wait).saturating_add(Duration::from_nanos(1))
    }
}

/// The buckets of one device.
#[derive(Debug)]
pub(super) struct Quotas {
    telemetry: Bucket,
    properties: Bucket,
    log_lines: Bucket,
    timers: Bucket,
}

impl Quotas {
    pub(super) fn new(rates: Rates) -> Self {
        Self {
            telemetry: Bucket::new(rates.telemetry),
            properties: Bucket::new(rates.properties),
            log_lines: Bucket::new(rates.log_lines),
            timers: Bucket::new(rates.timers),
        }
    }

    /// What the next call may ask for, with so much `room` in the outbox, for telemetry (messages and bytes) and for
    /// properties (how many and bytes), and for so many more timers.
    pub(super) fn grant(&mut self, now: Duration, room: ((usize, usize), (usize, usize)), timers: usize) -> Quota {
        let ((messages, bytes), (properties, property_bytes)) = room;
        Quota {
            messages,
            bytes,
            telemetry: self.telemetry.available(now),
            properties: self.properties.available(now).min(properties),
            property_bytes,
            log_lines: self.log_lines.available(now),
            timers,
        }
    }

    /// Takes what a call has used of its grant.
    pub(super) fn settle(&mut self, granted: Quota, left: Quota) {
        self.telemetry.take(granted.telemetry.saturating_sub(left.telemetry));
        self.properties.take(granted.properties.saturating_sub(left.properties));
        self.log_lines.take(granted.log_lines.saturating_sub(left.log_lines));
    }

    /// Takes a firing. False when timers have fired too often, and must wait until [`Quotas::next_firing`].
    pub(super) fn may_fire(&mut self, now: Duration) -> bool {
        let may = self.timers.available(now) > 0;
        if may {
            self.timers.take(1);
        }
        may
    }

    /// When the next timer may fire.
    pub(super) fn next_firing(&mut self, now: Duration) -> Duration {
        self.timers.ready(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_flow() {
        let mut bucket = Bucket::new(Rate {
            burst: 10,
            per_second: 2,
        });
        assert_eq!(bucket.available(s(5)), 10);
        bucket.take(10);
        assert_eq!((bucket.available(s(5)), bucket.available(s(7))), (0, 4));
        assert_eq!(bucket.available(s(1_000)), 10);
    }

    #[test]
    fn the_time_of_the_next_token_is_early_enough_and_not_too_early() {
        let mut bucket = Bucket::new(Rate {
            burst: 3,
            per_second: 7,
        });
        assert_eq!(bucket.available(s(1)), 3);
        bucket.take(3);
        let ready = bucket.ready(s(1));
        assert_eq!(bucket.available(ready), 1);
        assert!(ready - s(1) < Duration::from_millis(143));
    }

    #[test]
    fn a_rate_of_nothing_is_never_ready_again() {
        let mut bucket = Bucket::new(Rate {
            burst: 1,
            per_second: 0,
        });
        bucket.take(1);
        assert_eq!(bucket.ready(s(1)), Duration::MAX);
    }

    proptest! {
        /// Whatever is asked for and when, no more than burst and flow is given.
        #[test]
        fn no_more_than_burst_and_flow(burst in 1..50_u32, per_second in 0..50_u32,
            steps in prop::collection::vec((0..3_000_u64, 0..100_usize), 1..50)) {
            let mut bucket = Bucket::new(Rate { burst, per_second });
            let (mut now, mut given) = (Duration::ZERO, 0);
            for (wait, wants) in steps {
                now += Duration::from_millis(wait);
                let takes = bucket.available(now).min(wants);
                bucket.take(takes);
                given += takes;
                prop_assert!(given as f64 <= f64::from(burst) + now.as_secs_f64() * f64::from(per_second) + 1e-6);
            }
        }
    }
}
