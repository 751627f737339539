//! The time that tokens are signed with: this machine's, or a service's that said it is another.
//!
//! A token names the second in which it ends, so a machine whose clock is hours off is refused for ever. DPS says in its
//! refusals what time it is. From then on its time counts, carried on by the monotonic clock, until this machine's clock has
//! been set right.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::{Clock, SystemClock};

/// How far two clocks may be apart and still count as the same: a token lives for an hour, and messages take seconds.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// Tells the time for tokens. Clones share what one of them learned.
#[derive(Clone)]
pub struct TokenClock {
    clock: Arc<dyn Clock>,
    /// The service's time at the zero of the monotonic clock, in milliseconds since 1970. Not its distance from the wall
    /// clock: that would count twice once somebody sets the clock right.
    learned: Arc<Mutex<Option<i64>>>,
}

impl TokenClock {
    /// Shows what `clock` shows, as long as it has learned nothing else.
    pub fn new(clock: Arc<dyn Clock>) -> TokenClock {
        TokenClock {
            clock,
            learned: Arc::default(),
        }
    }

    /// On this machine's own clock.
    pub fn system() -> TokenClock {
        TokenClock::new(Arc::new(SystemClock::new()))
    }

    /// What time it is for the services.
    pub fn now(&self) -> DateTime<Utc> {
        let wall = self.clock.now();
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        let told =
            learned.and_then(|zero| DateTime::from_timestamp_millis(zero.saturating_add(self.monotonic_millis())));
        match told {
            Some(told) if (told - wall).abs() > TOLERANCE => told,
            Some(_) => {
                *learned = None;
                tracing::info!("this machine's clock is right again");
                wall
            }
            None => wall,
        }
    }

    /// Takes `server_time` for the truth when it is more than five minutes away from [`TokenClock::now`], with a warning.
    /// Returns whether it was: then what was signed before is of no use.
    pub fn learn(&self, server_time: DateTime<Utc>) -> bool {
        if (server_time - self.now()).abs() <= TOLERANCE {
            return false;
        }
        let zero = server_time.timestamp_millis().saturating_sub(self.monotonic_millis());
        *self.learned.lock().unwrap_or_else(PoisonError::into_inner) = Some(zero);
        let off = self.clock.now() - server_time;
        let minutes = off.num_minutes().abs();
        let direction = if off > TimeDelta::zero() { "ahead" } else { "behind" };
        tracing::warn!(
            "this machine's clock is {} h {} min {direction} of the service's; tokens are signed with the service's time \
             until it is set right",
            minutes / 60,
            minutes % 60
        );
        true
    }

    /// What this machine's own clock, wrong as it may be, will show when the services' shows `time`.
    pub fn on_this_machine(&self, time: DateTime<Utc>) -> DateTime<Utc> {
        let ahead = self.clock.now() - self.now();
        time.checked_add_signed(ahead).unwrap_or(time)
    }

    fn monotonic_millis(&self) -> i64 {
        i64::try_from(self.clock.monotonic().as_millis()).unwrap_or(i64::MAX)
    }
}

impl fmt::Debug for TokenClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenClock")
    }
}

#[cfg(test)]
#[path = "token_clock_tests.rs"]
mod tests;
