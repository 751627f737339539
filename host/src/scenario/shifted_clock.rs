//! The machine's time with another wall clock, which a scenario may set while it runs for real.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::{Clock, Sleep, SystemClock};

/// A clock that runs as the system's does, and shows the time that it was last set to plus what has passed since.
#[derive(Debug)]
pub struct ShiftedClock {
    system: SystemClock,
    set: Mutex<Set>,
}

#[derive(Debug)]
struct Set {
    wall: DateTime<Utc>,
    at: Duration,
}

impl ShiftedClock {
    /// Shows `wall` now.
    pub fn starting_at(wall: DateTime<Utc>) -> Self {
        let system = SystemClock::new();
        let at = system.monotonic();
        Self {
            system,
            set: Mutex::new(Set { wall, at }),
        }
    }

    /// Sets the wall clock alone.
    pub fn jump_to(&self, wall: DateTime<Utc>) {
        let at = self.system.monotonic();
        *self.lock() = Set { wall, at };
    }

    fn lock(&self) -> MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> DateTime<Utc> {
        let set = self.lock();
        set.wall + self.system.monotonic().saturating_sub(set.at)
    }

    fn monotonic(&self) -> Duration {
        self.system.monotonic()
    }

    fn sleep_until(&self, deadline: Duration) -> Sleep {
        self.system.sleep_until(deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_what_it_was_set_to_and_goes_on_from_there() {
        let noon = DateTime::from_timestamp(1_704_110_400, 0).unwrap();
        let clock = ShiftedClock::starting_at(DateTime::UNIX_EPOCH);
        assert!(clock.now() < noon);
        let before = clock.monotonic();
        clock.jump_to(noon);
        let (first, second) = (clock.now(), clock.now());
        assert!(noon <= first && first <= second);
        assert!(second - noon <= chrono::TimeDelta::from_std(clock.monotonic() - before).unwrap());
    }
}
