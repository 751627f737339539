//! How fast the service may be asked.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Between two polls when the service does not say, as in the Python SDK.
const USUAL: Duration = Duration::from_secs(2);
/// Between two polls at least, whatever the service says. The first poll follows the registration as soon as it likes.
const SHORTEST: Duration = Duration::from_millis(500);
/// The service counts: no more than so many requests ..
const REQUESTS: usize = 5;
/// .. in so long.
const WINDOW: Duration = Duration::from_secs(10);
/// The longest pause between two attempts when the service is busy and does not say.
const LONGEST: Duration = Duration::from_secs(60);

/// When the next request may be sent. Knows no clock: the time is passed in.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the last few requests were sent.
    sent: VecDeque<Instant>,
    /// Not before this.
    earliest: Option<Instant>,
    /// Whether the service has been at work before.
    polling: bool,
    /// How often in a row the service was too busy.
    failures: u32,
}

impl Pace {
    /// The service is at work; `seconds` is its wish.
    pub(super) fn poll_after(&mut self, seconds: Option<u64>, now: Instant) {
        self.failures = 0;
        let least = if std::mem::replace(&mut self.polling, true) {
            SHORTEST
        } else {
            Duration::ZERO
        };
        self.earliest = now.checked_add(seconds.map_or(USUAL, Duration::from_secs).max(least));
    }

    /// The service is busy or broken; `seconds` is its wish. The pause doubles with each time, and half of it is chance,
    /// so that a fleet that was turned away together does not come back together.
    pub(super) fn retry_after(&mut self, seconds: Option<u64>, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        let pause = match seconds {
            Some(seconds) => Duration::from_secs(seconds)
                .max(SHORTEST)
                .saturating_add(chance(doubled(self.failures))),
            None => Pace::growing(self.failures),
        };
        self.earliest = now.checked_add(pause);
    }

    /// The pause after `failures` in a row, 1 and more.
    pub(super) fn growing(failures: u32) -> Duration {
        let pause = doubled(failures);
        pause + chance(pause)
    }

    /// When the next request is to be sent, which counts as done.
    pub(super) fn turn(&mut self, now: Instant) -> Instant {
        let mut turn = self.earliest.take().map_or(now, |earliest| earliest.max(now));
        if self.sent.len() == REQUESTS {
            let oldest = self.sent.pop_front();
            turn = oldest.map_or(turn, |oldest| turn.max(oldest + WINDOW));
        }
        self.sent.push_back(turn);
        turn
    }
}

fn doubled(failures: u32) -> Duration {
    let times = 2_u32.saturating_pow(failures.saturating_sub(1));
    USUAL.saturating_mul(times).min(LONGEST)
}

/// Up to half of `pause`.
fn chance(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(0.0..0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_request_waits_for_nothing() {
        let now = Instant::now();
        assert_eq!(Pace::default().turn(now), now);
    }

    #[test]
    fn obeys_the_service() {
        let now = Instant::now();
        let mut pace = Pace::default();
        for (wish, pause) in [(Some(0), 0), (Some(0), 500), (Some(3), 3_000), (None, 2_000)] {
            pace.poll_after(wish, now);
            assert_eq!(pace.turn(now), now + Duration::from_millis(pause), "{wish:?}");
        }
    }

    #[test]
    fn asks_no_more_than_five_times_in_ten_seconds() {
        let start = Instant::now();
        let mut pace = Pace::default();
        let mut now = start;
        let turns: Vec<Duration> = (0..7)
            .map(|_| {
                now = pace.turn(now);
                pace.poll_after(Some(0), now);
                now - start
            })
            .collect();
        let expected = [0, 0, 500, 1_000, 1_500, 10_000, 10_500].map(Duration::from_millis);
        assert_eq!(turns, expected);
    }

    #[test]
    fn waits_longer_each_time_the_service_is_busy() {
        let now = Instant::now();
        let mut pace = Pace::default();
        for seconds in [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] {
            pace.sent.clear();
            pace.retry_after(None, now);
            let pause = (pace.turn(now) - now).as_secs_f64();
            assert!(
                (seconds..=seconds * 1.5).contains(&pause),
                "{pause} is not about {seconds}"
            );
        }
        pace.poll_after(None, now);
        pace.retry_after(None, now);
        assert!(
            pace.turn(now) - now <= Duration::from_secs(3),
            "an answer starts the count anew"
        );
    }

    #[test]
    fn an_absurd_wish_does_not_overflow() {
        let now = Instant::now();
        let mut pace = Pace::default();
        pace.poll_after(Some(u64::MAX), now);
        for _ in 0..10 {
            pace.retry_after(Some(u64::MAX), now);
            pace.turn(now);
        }
    }
}
