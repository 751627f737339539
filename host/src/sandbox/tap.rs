//! Where a recorder listens to what passes between a device's instances and their host.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use super::crossing::{Assigned, Call, Called, Created, Draw, Event, Failure, Given, Gone, Returned};
use super::guest::GuestError;
use super::load::Program;
use super::surroundings::{Quota, Random, SharedRandom, Surroundings};
use crate::clock::{Clock, Sleep};
use crate::effect::Effect;

/// Readings of the clock and random numbers that are taken down of one call. Only a guest that loops over them has so many,
/// and its record would be of no use to anybody.
const MOST_DRAWN: usize = 100_000;

/// Takes down what passes between guests and their host.
///
/// It is called in the device's own task, between two events, and must not wait. The instances of a device are told apart by
/// their numbers; two may be there at one time, when one is about to take the other's place.
pub trait Recorder: Send + Sync {
    /// A number for a new instance, from 1.
    fn number(&self) -> u64;

    /// Something happened.
    fn record(&self, event: Event);

    /// Something happened that cannot be taken down, and why: what came after it would be of no use.
    fn give_up(&self, reason: &str);

    /// Whether it wants to hear more. One that does not is not asked again.
    fn listens(&self) -> bool;
}

/// A device has a recorder already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is being recorded already")]
pub struct Occupied;

/// The place for a recorder. Clones are the same place; without a recorder it costs nothing.
///
/// A recorder hears everything of the instances that are made while it is there, and nothing of those that were made before.
#[derive(Clone, Default)]
pub struct Tap(Arc<Mutex<Option<Arc<dyn Recorder>>>>);

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recorder = self.lock().is_some();
        f.debug_struct("Tap").field("recorder", &recorder).finish()
    }
}

impl Tap {
    /// Has it hear of every instance from now on.
    ///
    /// # Errors
    /// When another one listens.
    pub fn attach(&self, recorder: Arc<dyn Recorder>) -> Result<(), Occupied> {
        let mut place = self.lock();
        if place.as_ref().is_some_and(|present| present.listens()) {
            return Err(Occupied);
        }
        *place = Some(recorder);
        Ok(())
    }

    /// Takes the recorder away. Instances that it has heard of go on being told until it listens no more.
    pub fn detach(&self) {
        *self.lock() = None;
    }

    /// For a new instance. Puts itself between it and its clock and randomness.
    pub(super) fn open(&self, surroundings: &mut Surroundings, born: Duration) -> Option<Tapped> {
        let recorder = self.lock().clone().filter(|recorder| recorder.listens())?;
        Some(Tapped::new(recorder, surroundings, born))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<dyn Recorder>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One instance that is recorded.
pub(super) struct Tapped {
    recorder: Arc<dyn Recorder>,
    instance: u64,
    clock: Arc<dyn Clock>,
    random: SharedRandom,
    drawn: Drawn,
    given: Vec<Given>,
}

/// A call that has begun.
pub(super) struct Begun {
    at: String,
    call: Call,
    quota: Quota,
    /// Effects there were before it.
    before: usize,
}

impl Tapped {
    fn new(recorder: Arc<dyn Recorder>, surroundings: &mut Surroundings, born: Duration) -> Self {
        let drawn = Drawn::default();
        let clock = Arc::clone(&surroundings.clock);
        let random = surroundings.random.clone();
        surroundings.clock = Arc::new(TappedClock {
            clock: Arc::clone(&clock),
            born,
            drawn: drawn.clone(),
        });
        surroundings.random = SharedRandom::new(TappedRandom(random.clone(), drawn.clone()));
        Self {
            instance: recorder.number(),
            recorder,
            clock,
            random,
            drawn,
            given: Vec::new(),
        }
    }

    /// The instance was made, or not.
    pub(super) fn created(&mut self, program: &Program, surroundings: &Surroundings, failed: Option<&GuestError>) {
        let limits = program.sandbox.limits();
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let drawn = self.take_drawn();
        self.recorder.record(Event::Created(Created {
            instance: self.instance,
            at: self.now(),
            guest: program.name.clone(),
            sha256: program.sha256().to_owned(),
            memory: limits.memory,
            start: milliseconds(limits.start),
            event: milliseconds(limits.event),
            config: (*surroundings.config).clone(),
            assignment: surroundings.assignment.as_ref().map(Assigned::from),
            drawn,
            failed: failed.map(Failure::from),
        }));
    }

    /// Something changes between two calls.
    pub(super) fn given(&mut self, given: Given) {
        self.given.push(given);
    }

    pub(super) fn begin(&self, call: Call, quota: Quota, before: usize) -> Begun {
        Begun {
            at: self.now(),
            call,
            quota,
            before,
        }
    }

    /// The call has ended. False when nobody wants to hear of the next.
    pub(super) fn end(&mut self, begun: Begun, returned: Returned, effects: &[Effect]) -> bool {
        let drawn = self.take_drawn();
        self.recorder.record(Event::Called(Called {
            instance: self.instance,
            at: begun.at,
            given: std::mem::take(&mut self.given),
            call: begun.call,
            quota: begun.quota,
            drawn,
            effects: effects.get(begun.before..).unwrap_or_default().to_vec(),
            returned,
        }));
        self.recorder.listens()
    }

    /// Gives clock and randomness back as they were.
    pub(super) fn close(self, surroundings: &mut Surroundings) {
        surroundings.clock = Arc::clone(&self.clock);
        surroundings.random = self.random.clone();
    }

    fn take_drawn(&self) -> Vec<Draw> {
        let mut drawn = self.drawn.lock();
        if drawn.len() > MOST_DRAWN {
            self.recorder.give_up(&format!(
                "in one call the guest read clock and randomness more than {MOST_DRAWN} times"
            ));
        }
        std::mem::take(&mut *drawn)
    }

    fn now(&self) -> String {
        self.clock.now().to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        self.recorder.record(Event::Gone(Gone {
            instance: self.instance,
        }));
    }
}

/// What an instance has read since this was last asked.
#[derive(Clone, Default)]
struct Drawn(Arc<Mutex<Vec<Draw>>>);

impl Drawn {
    fn lock(&self) -> MutexGuard<'_, Vec<Draw>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, draw: Draw) {
        let mut drawn = self.lock();
        // One more than may be, so that it is seen that there were too many.
        if drawn.len() <= MOST_DRAWN {
            drawn.push(draw);
        }
    }
}

struct TappedClock {
    clock: Arc<dyn Clock>,
    born: Duration,
    drawn: Drawn,
}

impl Clock for TappedClock {
    fn now(&self) -> DateTime<Utc> {
        let now = self.clock.now();
        self.drawn
            .push(Draw::Now(now.timestamp(), now.timestamp_subsec_nanos()));
        now
    }

    fn monotonic(&self) -> Duration {
        let now = self.clock.monotonic();
        let since = u64::try_from(now.saturating_sub(self.born).as_nanos()).unwrap_or(u64::MAX);
        self.drawn.push(Draw::Monotonic(since));
        now
    }

    fn sleep_until(&self, deadline: Duration) -> Sleep {
        self.clock.sleep_until(deadline)
    }
}

struct TappedRandom(SharedRandom, Drawn);

impl Random for TappedRandom {
    fn next(&mut self) -> u64 {
        let number = self.0.next();
        self.1.push(Draw::Random(number));
        number
    }
}
