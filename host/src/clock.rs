//! Time: the system's, or one that a test moves.
//!
//! Everything in a device that waits, waits on a [`Clock`]. With the virtual one a simulated day takes as long as its
//! events do, and always the same.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// A future that ends when its time has come.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where a device's time comes from.
pub trait Clock: Send + Sync {
    /// The wall clock. It may jump.
    fn now(&self) -> DateTime<Utc>;

    /// Since some fixed moment; never goes back and does not follow the wall clock's jumps.
    fn monotonic(&self) -> Duration;

    /// Ends once [`Clock::monotonic`] has reached `deadline`.
    fn sleep_until(&self, deadline: Duration) -> Sleep;
}

/// The machine's own time. Sleeping needs a tokio runtime.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
    /// Zero: sleeps end when they should.
    grain: Duration,
}

impl SystemClock {
    /// Its monotonic time starts at zero now.
    pub fn new() -> Self {
        Self::in_grains(Duration::ZERO)
    }

    /// The same, whose sleeps end at multiples of `grain` alone, so later by up to that much. What thousands of sleepers have to do
    /// is then done together, at a fraction of the price that it has when the processor has just turned to something else.
    pub fn in_grains(grain: Duration) -> Self {
        Self {
            origin: Instant::now(),
            grain,
        }
    }

    /// When a sleep until `deadline` ends.
    fn end_of(&self, deadline: Duration) -> Duration {
        let beyond = match self.grain.as_nanos() {
            0 => 0,
            grain => deadline.as_nanos() % grain,
        };
        match beyond {
            0 => deadline,
            // Less than the grain is added.
            beyond => deadline.saturating_add(self.grain - Duration::from_nanos(u64::try_from(beyond).unwrap_or(0))),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }

    fn sleep_until(&self, deadline: Duration) -> Sleep {
        match self.origin.checked_add(self.end_of(deadline)) {
            Some(deadline) => Box::pin(tokio::time::sleep_until(deadline.into())),
            // Beyond what this machine's clock can count, which is to say never.
            None => Box::pin(std::future::pending()),
        }
    }
}

/// A clock that stands still until it is moved. Clones share one time. Needs no runtime.
#[derive(Debug, Clone)]
pub struct VirtualClock {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    wall: DateTime<Utc>,
    monotonic: Duration,
    sleepers: Vec<Sleeper>,
    next_id: u64,
}

#[derive(Debug)]
struct Sleeper {
    id: u64,
    deadline: Duration,
    waker: Waker,
}

impl VirtualClock {
    /// Shows `wall` until it is moved; its monotonic time is zero.
    pub fn starting_at(wall: DateTime<Utc>) -> Self {
        let state = State {
            wall,
            monotonic: Duration::ZERO,
            sleepers: Vec::new(),
            next_id: 0,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Lets `by` pass and wakes whoever slept until then.
    pub fn advance(&self, by: Duration) {
        let mut state = self.lock();
        state.monotonic = state.monotonic.saturating_add(by);
        state.wall += by;
        let now = state.monotonic;
        for sleeper in state.sleepers.iter().filter(|sleeper| sleeper.deadline <= now) {
            sleeper.waker.wake_by_ref();
        }
    }

    /// Sets the wall clock alone, as an administrator or a time server would.
    pub fn jump_to(&self, wall: DateTime<Utc>) {
        self.lock().wall = wall;
    }

    /// The earliest moment anybody sleeps until.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.lock().sleepers.iter().map(|sleeper| sleeper.deadline).min()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> DateTime<Utc> {
        self.lock().wall
    }

    fn monotonic(&self) -> Duration {
        self.lock().monotonic
    }

    fn sleep_until(&self, deadline: Duration) -> Sleep {
        let id = {
            let mut state = self.lock();
            state.next_id += 1;
            state.next_id
        };
        Box::pin(VirtualSleep {
            clock: self.clone(),
            deadline,
            id,
        })
    }
}

struct VirtualSleep {
    clock: VirtualClock,
    deadline: Duration,
    id: u64,
}

impl Future for VirtualSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.lock();
        if state.monotonic >= self.deadline {
            return Poll::Ready(());
        }
        let (id, deadline, waker) = (self.id, self.deadline, cx.waker().clone());
        match state.sleepers.iter_mut().find(|sleeper| sleeper.id == id) {
            Some(sleeper) => sleeper.waker = waker,
            None => state.sleepers.push(Sleeper { id, deadline, waker }),
        }
        Poll::Pending
    }
}

impl Drop for VirtualSleep {
    fn drop(&mut self) {
        let id = self.id;
        self.clock.lock().sleepers.retain(|sleeper| sleeper.id != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(sleep: &mut Sleep) -> Poll<()> {
        sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_virtual_sleep_ends_exactly_at_its_deadline() {
        let clock = VirtualClock::starting_at(DateTime::UNIX_EPOCH);
        let mut sleep = clock.sleep_until(Duration::from_secs(8));
        assert_eq!(poll(&mut sleep), Poll::Pending);
        clock.advance(Duration::from_millis(7_999));
        assert_eq!(poll(&mut sleep), Poll::Pending);
        assert_eq!(clock.next_deadline(), Some(Duration::from_secs(8)));
        clock.advance(Duration::from_millis(1));
        assert_eq!(poll(&mut sleep), Poll::Ready(()));
        assert_eq!(clock.now().timestamp(), 8);
    }

    #[test]
    fn sleeps_of_a_coarse_clock_end_together_and_never_early() {
        let milliseconds = Duration::from_millis;
        let clock = SystemClock::in_grains(milliseconds(20));
        for (deadline, end) in [(0, 0), (1, 20), (19, 20), (20, 20), (21, 40), (8_001, 8_020)] {
            assert_eq!(clock.end_of(milliseconds(deadline)), milliseconds(end), "{deadline}");
        }
        assert_eq!(clock.end_of(Duration::MAX), Duration::MAX);
        assert_eq!(SystemClock::new().end_of(milliseconds(7)), milliseconds(7));
    }

    #[test]
    fn a_sleep_that_is_dropped_is_forgotten() {
        let clock = VirtualClock::starting_at(DateTime::UNIX_EPOCH);
        let mut sleep = clock.sleep_until(Duration::from_secs(1));
        assert_eq!(poll(&mut sleep), Poll::Pending);
        drop(sleep);
        assert_eq!(clock.next_deadline(), None);
    }

    #[test]
    fn a_jump_of_the_wall_clock_leaves_monotonic_time_alone() {
        let clock = VirtualClock::starting_at(DateTime::UNIX_EPOCH);
        clock.advance(Duration::from_secs(5));
        clock.jump_to(DateTime::UNIX_EPOCH);
        assert_eq!(clock.monotonic(), Duration::from_secs(5));
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH);
    }
}
