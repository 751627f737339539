//! When to measure.

use crate::Settings;
use setpoint_guest::chrono::{DateTime, Utc};
use setpoint_guest::{Host, Timer};
use std::time::Duration;

/// Beats once every interval, in the rhythm of the instance before it if there was one.
pub struct Rhythm {
    interval: Duration,
    timer: Timer,
    /// Whether the timer fires only once, when the beat is due that the instance before this one would have had.
    takes_over: bool,
}

impl Rhythm {
    /// Begins one whose last beat was at `last`. True when one is due at once.
    pub fn begin(host: &mut impl Host, settings: &Settings, last: Option<DateTime<Utc>>) -> (Rhythm, bool) {
        let interval = settings.interval;
        let delay = until_due(host, interval, last);
        let rhythm = Rhythm {
            interval,
            timer: match delay {
                Some(delay) => host.after(delay),
                None => host.every(interval),
            },
            takes_over: delay.is_some(),
        };
        (rhythm, delay.is_none())
    }

    /// Whether this timer is a beat.
    pub fn beats(&mut self, host: &mut impl Host, timer: Timer) -> bool {
        if timer != self.timer {
            return false;
        }
        if self.takes_over {
            self.takes_over = false;
            self.timer = host.every(self.interval);
        }
        true
    }

    /// Begins anew: whoever owns it is due now.
    pub fn restart(&mut self, host: &mut impl Host) {
        host.cancel(self.timer);
        self.takes_over = false;
        self.timer = host.every(self.interval);
    }
}

/// How long until the next beat is due. None: now.
fn until_due(host: &impl Host, interval: Duration, last: Option<DateTime<Utc>>) -> Option<Duration> {
    let since_last = (host.now() - last?).to_std().ok()?;
    interval.checked_sub(since_last).filter(|delay| !delay.is_zero())
}
