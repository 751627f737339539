//! A host made of memory.

use super::Effect;
use crate::host::milliseconds;
use crate::{Acknowledgement, Assignment, Host, Json, Level, Member, RequestId, Response, SendError, Telemetry, Timer};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt::Display;
use std::time::Duration;

/// What the cloud takes in one message, its application properties included.
const TELEMETRY_LIMIT: u32 = 256 * 1024;

/// A [`Host`] whose time stands still until [`Trial::advance`](super::Trial::advance) moves it, and which records every
/// effect. Without a script its randomness is a fixed sequence: the same test sees the same numbers.
#[derive(Debug)]
pub struct MockHost {
    started: DateTime<Utc>,
    elapsed: Duration,
    pub(super) timers: Timers,
    random: VecDeque<u64>,
    seed: u64,
    config: HashMap<String, String>,
    assignment: Assignment,
    refusals: VecDeque<SendError>,
    outbox_full: bool,
    pub(super) deferred: HashSet<RequestId>,
    pub(super) effects: Vec<Effect>,
}

impl MockHost {
    /// A host at 2026-01-01T00:00:00Z, without configuration, whose outbox takes everything valid.
    pub fn new() -> MockHost {
        MockHost {
            started: DateTime::UNIX_EPOCH + TimeDelta::days(20_454),
            elapsed: Duration::ZERO,
            timers: Timers::default(),
            random: VecDeque::new(),
            seed: 0,
            config: HashMap::new(),
            assignment: Assignment {
                hub: "hub.example".to_owned(),
                device_id: "device".to_owned(),
                payload: None,
            },
            refusals: VecDeque::new(),
            outbox_full: false,
            deferred: HashSet::new(),
            effects: Vec::new(),
        }
    }

    /// The same host, begun at another time.
    #[must_use]
    pub fn at(mut self, now: DateTime<Utc>) -> MockHost {
        self.started = now;
        self
    }

    /// The same host with one more value set by the operator.
    #[must_use]
    pub fn with_config(mut self, key: &str, value: &str) -> MockHost {
        self.config.insert(key.to_owned(), value.to_owned());
        self
    }

    /// The same host with more numbers to draw before its own sequence begins.
    #[must_use]
    pub fn with_random(mut self, numbers: impl IntoIterator<Item = u64>) -> MockHost {
        self.random.extend(numbers);
        self
    }

    /// The same host with another assignment.
    #[must_use]
    pub fn with_assignment(mut self, assignment: Assignment) -> MockHost {
        self.assignment = assignment;
        self
    }

    /// Refuses the next thing the device queues for the cloud; called again, the one after that.
    pub fn refuse(&mut self, error: SendError) {
        self.refusals.push_back(error);
    }

    /// Refuses everything the device queues for the cloud, as long as it is set.
    pub fn set_outbox_full(&mut self, full: bool) {
        self.outbox_full = full;
    }

    /// Timers that have yet to fire.
    pub fn timers_set(&self) -> usize {
        self.timers.0.len()
    }

    pub(super) fn set_elapsed(&mut self, elapsed: Duration) {
        self.elapsed = self.elapsed.max(elapsed);
    }

    /// A new instance sees a clock that begins again, and none of the timers of the last one.
    pub(super) fn begin_instance(&mut self) {
        self.started = self.now();
        self.elapsed = Duration::ZERO;
        self.timers.0.clear();
    }

    /// The answer of the outbox to one more entry.
    fn admit(&mut self) -> Result<(), SendError> {
        if self.outbox_full {
            return Err(SendError::OutboxFull);
        }
        self.refusals.pop_front().map_or(Ok(()), Err)
    }
}

impl Default for MockHost {
    fn default() -> MockHost {
        MockHost::new()
    }
}

impl Host for MockHost {
    fn now(&self) -> DateTime<Utc> {
        self.started + self.elapsed
    }

    fn monotonic(&self) -> Duration {
        self.elapsed
    }

    fn after(&mut self, delay: Duration) -> Timer {
        let delay = Duration::from_millis(milliseconds(delay));
        let timer = self.timers.set(self.elapsed.saturating_add(delay), None);
        self.effects.push(Effect::After { timer, delay });
        timer
    }

    fn every(&mut self, period: Duration) -> Timer {
        let period = Duration::from_millis(milliseconds(period).max(1));
        let timer = self.timers.set(self.elapsed.saturating_add(period), Some(period));
        self.effects.push(Effect::Every { timer, period });
        timer
    }

    fn cancel(&mut self, timer: Timer) {
        self.timers.0.remove(&timer);
        self.effects.push(Effect::Cancel(timer));
    }

    fn random(&mut self) -> u64 {
        if let Some(number) = self.random.pop_front() {
            return number;
        }
        // splitmix64
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn send(&mut self, telemetry: impl Into<Telemetry>) -> Result<(), SendError> {
        let telemetry = telemetry.into();
        if telemetry.body.decode::<Map<String, Value>>().is_err() {
            return Err(SendError::Invalid("the body of a message is a JSON object".to_owned()));
        }
        let properties = telemetry
            .properties
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum::<usize>();
        if telemetry.body.as_str().len() + properties > TELEMETRY_LIMIT as usize {
            return Err(SendError::TooLarge(TELEMETRY_LIMIT));
        }
        self.admit()?;
        self.effects.push(Effect::Telemetry(telemetry));
        Ok(())
    }

    fn report(&mut self, property: impl Into<Member>, value: impl Into<Json>) -> Result<(), SendError> {
        self.admit()?;
        self.effects.push(Effect::report(property, value));
        Ok(())
    }

    fn acknowledge(&mut self, acknowledgement: Acknowledgement) -> Result<(), SendError> {
        if !(200..=599).contains(&acknowledgement.status) {
            return Err(SendError::Invalid(format!(
                "{} is no status of an acknowledgement",
                acknowledgement.status
            )));
        }
        self.admit()?;
        self.effects.push(Effect::Acknowledgement(acknowledgement));
        Ok(())
    }

    fn respond(&mut self, request: &RequestId, response: Response) -> bool {
        let waited_for = self.deferred.remove(request);
        if waited_for {
            self.effects.push(Effect::Response {
                request: request.clone(),
                response,
            });
        }
        waited_for
    }

    fn assignment(&self) -> Assignment {
        self.assignment.clone()
    }

    fn config(&self, key: &str) -> Option<String> {
        self.config.get(key).cloned()
    }

    fn log(&mut self, level: Level, message: impl Display) {
        self.effects.push(Effect::Log {
            level,
            message: message.to_string(),
        });
    }
}

/// When a timer is due, and its period if it fires again.
#[derive(Debug)]
struct Due {
    at: Duration,
    period: Option<Duration>,
}

#[derive(Debug, Default)]
pub(super) struct Timers(BTreeMap<Timer, Due>, u32);

impl Timers {
    fn set(&mut self, at: Duration, period: Option<Duration>) -> Timer {
        self.1 += 1;
        let timer = Timer(self.1);
        self.0.insert(timer, Due { at, period });
        timer
    }

    /// Takes the first timer due by `until`: which, and when. Of those due together, the one set first.
    pub(super) fn take_due(&mut self, until: Duration) -> Option<(Timer, Duration)> {
        let (&timer, due) = self
            .0
            .iter_mut()
            .filter(|(_, due)| due.at <= until)
            .min_by_key(|(timer, due)| (due.at, **timer))?;
        let at = due.at;
        match due.period {
            Some(period) => due.at = at.saturating_add(period),
            None => {
                self.0.remove(&timer);
            }
        }
        Some((timer, at))
    }
}
