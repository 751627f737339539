//! When the guest wants to be woken.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Timers a device may hold at one time.
pub(super) const MOST: usize = 1024;

/// A day in the far future stands for never, so that no addition overflows.
const FAR: Duration = Duration::from_secs(u32::MAX as u64 * 100);

/// Timers by the monotonic time at which they are due.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// Due time and name, with the period of those that fire again. The name breaks ties: older timers fire first.
    queue: BTreeMap<(Duration, u32), Option<Duration>>,
    due: HashMap<u32, Duration>,
}

impl Timers {
    pub(super) fn after(&mut self, timer: u32, now: Duration, delay: Duration) {
        self.insert(timer, now.saturating_add(delay), None);
    }

    pub(super) fn every(&mut self, timer: u32, now: Duration, period: Duration) {
        self.insert(timer, now.saturating_add(period), Some(period));
    }

    pub(super) fn cancel(&mut self, timer: u32) {
        if let Some(due) = self.due.remove(&timer) {
            self.queue.remove(&(due, timer));
        }
    }

    /// The instance that set them is gone.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.due.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.due.len()
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.queue.keys().next().map(|(due, _)| *due)
    }

    /// Takes the timer that has been due longest. A repeating one is set again by its period from when it was due, not
    /// from now; firings that were missed altogether, say while the machine slept, are left out.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<u32> {
        let (&(due, timer), &period) = self.queue.iter().next().filter(|((due, _), _)| *due <= now)?;
        self.cancel(timer);
        if let Some(period) = period {
            let next = due.saturating_add(period);
            let missed = now.saturating_sub(next).as_nanos() / period.as_nanos().max(1);
            let skip = period.saturating_mul(u32::try_from(missed).unwrap_or(u32::MAX));
            let next = next.saturating_add(skip);
            self.insert(
                timer,
                if next > now { next } else { next.saturating_add(period) },
                Some(period),
            );
        }
        Some(timer)
    }

    fn insert(&mut self, timer: u32, due: Duration, period: Option<Duration>) {
        let due = due.min(FAR);
        self.due.insert(timer, due);
        self.queue.insert((due, timer), period);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_single_timer_fires_once() {
        let mut timers = Timers::default();
        timers.after(1, s(0), s(5));
        assert_eq!(timers.take_due(s(4)), None);
        assert_eq!(timers.take_due(s(5)), Some(1));
        assert_eq!((timers.take_due(s(100)), timers.len()), (None, 0));
    }

    #[test]
    fn a_repeating_timer_does_not_drift() {
        let mut timers = Timers::default();
        timers.every(1, s(0), s(8));
        assert_eq!(timers.take_due(s(9)), Some(1));
        assert_eq!(timers.next_deadline(), Some(s(16)));
    }

    #[test]
    fn firings_missed_while_asleep_are_left_out() {
        let mut timers = Timers::default();
        timers.every(1, s(0), s(8));
        assert_eq!(timers.take_due(s(30)), Some(1));
        assert_eq!(timers.next_deadline(), Some(s(32)));
        assert_eq!(timers.take_due(s(31)), None);
    }

    #[test]
    fn of_timers_due_together_the_older_fires_first() {
        let mut timers = Timers::default();
        timers.after(2, s(0), s(1));
        timers.after(1, s(0), s(1));
        assert_eq!((timers.take_due(s(1)), timers.take_due(s(1))), (Some(1), Some(2)));
    }

    #[test]
    fn a_cancelled_timer_is_gone_and_cancelling_it_again_does_nothing() {
        let mut timers = Timers::default();
        timers.every(7, s(0), s(1));
        timers.cancel(7);
        timers.cancel(7);
        assert_eq!((timers.next_deadline(), timers.len()), (None, 0));
    }

    #[test]
    fn the_longest_delay_there_is_does_not_overflow() {
        let mut timers = Timers::default();
        timers.every(1, s(1), Duration::MAX);
        assert_eq!(timers.take_due(s(1_000_000)), None);
    }
}
