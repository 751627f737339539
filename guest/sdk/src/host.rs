//! What the host does for a device.

use crate::{Acknowledgement, Assignment, Json, Member, RequestId, Response, SendError, Telemetry};
use chrono::{DateTime, Utc};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A timer that was set, to tell it from others and to cancel it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer(pub u32);

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Each step.
    Trace,
    /// For whoever writes the device.
    Debug,
    /// For whoever runs it.
    Info,
    /// Something is off; the device carries on.
    Warn,
    /// Something failed.
    Error,
}

/// Everything a device can do to the world outside it.
///
/// No call blocks: what goes to the cloud is queued, delivered at least once and in order. Each export gets a host to
/// use until it returns; to act later, set a timer. In the sandbox this is the contract's imports; in a test it is
/// [`MockHost`](crate::mock::MockHost).
pub trait Host {
    /// The time, as the host wants the device to see it.
    fn now(&self) -> DateTime<Utc>;

    /// Time since the device was started; never goes back.
    fn monotonic(&self) -> Duration;

    /// Fires [`Device::timer_fired`](crate::Device::timer_fired) once. Delays are counted in milliseconds, rounded up.
    fn after(&mut self, delay: Duration) -> Timer;

    /// Fires [`Device::timer_fired`](crate::Device::timer_fired) again and again, without drift, first after one
    /// period. Periods are counted in milliseconds, rounded up, and are at least one.
    fn every(&mut self, period: Duration) -> Timer;

    /// The timer will not fire any more. Does nothing for one that has already fired or never existed.
    fn cancel(&mut self, timer: Timer);

    /// Any 64 bits: secure by default, seeded under test.
    fn random(&mut self) -> u64;

    /// An integer of the range, each as likely as the others. An empty range gives its start.
    fn random_in(&mut self, range: RangeInclusive<i64>) -> i64 {
        let (low, high) = range.into_inner();
        if high < low {
            return low;
        }
        let Some(choices) = high.abs_diff(low).checked_add(1) else {
            return self.random().cast_signed();
        };
        // 2^64 is rarely a multiple of `choices`: what lies beyond the last multiple would favour the low values.
        let beyond = (u64::MAX % choices + 1) % choices;
        loop {
            let drawn = self.random();
            if drawn <= u64::MAX - beyond {
                return low.wrapping_add_unsigned(drawn % choices);
            }
        }
    }

    /// Queues a message for the cloud.
    ///
    /// # Errors
    /// [`SendError`]; nothing was queued.
    fn send(&mut self, telemetry: impl Into<Telemetry>) -> Result<(), SendError>;

    /// Reports a read-only property; null removes it.
    ///
    /// # Errors
    /// [`SendError`]; nothing was queued.
    fn report(&mut self, property: impl Into<Member>, value: impl Into<Json>) -> Result<(), SendError>;

    /// Answers a desired value.
    ///
    /// # Errors
    /// [`SendError`]; nothing was queued.
    fn acknowledge(&mut self, acknowledgement: Acknowledgement) -> Result<(), SendError>;

    /// Answers a command whose handler returned [`Outcome::Deferred`](crate::Outcome::Deferred). False when nobody
    /// waits for it any more.
    fn respond(&mut self, request: &RequestId, response: Response) -> bool;

    /// What provisioning assigned.
    fn assignment(&self) -> Assignment;

    /// A value the operator set for this device.
    fn config(&self, key: &str) -> Option<String>;

    /// Writes a line to the host's log.
    fn log(&mut self, level: Level, message: impl Display);
}

/// What the contract counts in.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::MockHost;

    #[test]
    fn a_draw_beyond_the_last_multiple_is_drawn_again() {
        // 2^64 mod 40 is 16: the last 16 values would make 0..=15 likelier than the rest.
        let mut host = MockHost::new().with_random([u64::MAX, u64::MAX - 15, u64::MAX - 16, 41]);
        assert_eq!(host.random_in(10..=49), 49);
        assert_eq!(host.random_in(10..=49), 11);
    }

    #[test]
    fn a_range_of_one_and_an_empty_one_give_their_start() {
        let mut host = MockHost::new();
        assert_eq!(host.random_in(7..=7), 7);
        #[allow(clippy::reversed_empty_ranges, reason = "the case under test")]
        let drawn = host.random_in(7..=3);
        assert_eq!(drawn, 7);
    }

    #[test]
    fn ranges_may_reach_below_zero() {
        let mut host = MockHost::new().with_random([0, 10]);
        assert_eq!(host.random_in(-5..=5), -5);
        assert_eq!(host.random_in(-5..=5), 5);
    }

    #[test]
    fn parts_of_a_millisecond_are_rounded_up() {
        assert_eq!(milliseconds(Duration::from_micros(1)), 1);
        assert_eq!(milliseconds(Duration::from_millis(8000)), 8000);
        assert_eq!(milliseconds(Duration::MAX), u64::MAX);
    }
}
