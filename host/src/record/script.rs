//! The recorded clock and randomness, for a guest that is replayed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::{Clock, Sleep};
use crate::sandbox::{Draw, Random};

/// What one instance is to read, as long as its call reads no more than the recorded one; beyond that a clock stands still,
/// and random numbers are 0. Clones are the same script.
#[derive(Debug, Clone, Default)]
pub(super) struct Script(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    now: Lane<(i64, u32)>,
    monotonic: Lane<u64>,
    random: Lane<u64>,
    /// Whether the sandbox has asked for the moment the instance was made, which is its first question.
    born: bool,
}

/// The values of one source.
#[derive(Debug, Default)]
struct Lane<T> {
    values: VecDeque<T>,
    last: T,
    drawn: u64,
}

/// How often a call has read each source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) now: u64,
    pub(super) monotonic: u64,
    pub(super) random: u64,
}

impl Counts {
    pub(super) fn of(draws: &[Draw]) -> Self {
        let mut counts = Self::default();
        for draw in draws {
            match draw {
                Draw::Now(..) => counts.now += 1,
                Draw::Monotonic(_) => counts.monotonic += 1,
                Draw::Random(_) => counts.random += 1,
            }
        }
        counts
    }
}

impl<T: Copy> Lane<T> {
    fn begin(&mut self, values: impl Iterator<Item = T>) {
        self.drawn = 0;
        self.values = values.collect();
    }

    /// None when the recorded call has read no more.
    fn draw(&mut self) -> Option<T> {
        self.drawn += 1;
        let drawn = self.values.pop_front()?;
        self.last = drawn;
        Some(drawn)
    }
}

impl Script {
    /// The next call reads this.
    pub(super) fn begin(&self, drawn: &[Draw]) {
        let mut state = self.lock();
        let draws = || drawn.iter().copied();
        state.now.begin(draws().filter_map(|draw| match draw {
            Draw::Now(seconds, nanoseconds) => Some((seconds, nanoseconds)),
            _ => None,
        }));
        state.monotonic.begin(draws().filter_map(|draw| match draw {
            Draw::Monotonic(nanoseconds) => Some(nanoseconds),
            _ => None,
        }));
        state.random.begin(draws().filter_map(|draw| match draw {
            Draw::Random(number) => Some(number),
            _ => None,
        }));
    }

    /// How often the call has read what.
    pub(super) fn counts(&self) -> Counts {
        let state = self.lock();
        Counts {
            now: state.now.drawn,
            monotonic: state.monotonic.drawn,
            random: state.random.drawn,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Script {
    fn now(&self) -> DateTime<Utc> {
        let mut state = self.lock();
        let (seconds, nanoseconds) = state.now.draw().unwrap_or(state.now.last);
        DateTime::from_timestamp(seconds, nanoseconds).unwrap_or_default()
    }

    fn monotonic(&self) -> Duration {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.born, true) {
            return Duration::ZERO;
        }
        Duration::from_nanos(state.monotonic.draw().unwrap_or(state.monotonic.last))
    }

    /// A guest never sleeps.
    fn sleep_until(&self, _: Duration) -> Sleep {
        Box::pin(std::future::pending())
    }
}

impl Random for Script {
    fn next(&mut self) -> u64 {
        self.lock().random.draw().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_gives_what_was_recorded_of_it_and_counts() {
        let mut script = Script::default();
        script.begin(&[Draw::Random(7), Draw::Now(5, 1), Draw::Monotonic(9)]);
        assert_eq!(script.monotonic(), Duration::ZERO, "when it was made");
        assert_eq!(script.monotonic(), Duration::from_nanos(9));
        assert_eq!((script.next(), script.next()), (7, 0));
        assert_eq!(script.now().timestamp(), 5);
        assert_eq!(script.now().timestamp_subsec_nanos(), 1, "it stands still");
        let counts = Counts {
            now: 2,
            monotonic: 1,
            random: 2,
        };
        assert_eq!(script.counts(), counts);
        script.begin(&[]);
        assert_eq!(script.counts(), Counts::default());
    }
}
