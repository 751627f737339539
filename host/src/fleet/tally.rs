//! What all devices of a fleet did.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::passage::Passages;
use super::process::Usage;
use super::spread::{Spread, Summary};

/// Most samples kept: beyond them every two neighbours become one. As many as a plot has room for.
const SAMPLES: usize = 600;

/// Most errors kept in words.
const ERRORS: usize = 20;

/// What only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Devices that were started.
    Launched,
    /// Devices whose guest has been started and told every desired value.
    Ran,
    /// Devices that ended by themselves.
    Ended,
    /// Attempts to begin that failed and were made again.
    Retried,
    /// Connections made.
    Connected,
    /// Connections that broke, and attempts to make another that failed.
    Lost,
    /// Messages that guests put into outboxes.
    Queued,
    /// Messages that hubs took.
    Delivered,
    /// Messages and reports that hubs refused.
    Refused,
    /// Patches of reported properties that hubs took.
    Reported,
    /// Commands that guests were asked.
    Commands,
    /// Calls of guests.
    Calls,
    /// Nanoseconds in them.
    GuestTime,
    /// Guests that failed.
    Failures,
    /// Of these, those that ran over their time.
    OverBudget,
    /// Instances started after a failure.
    Restarts,
    /// Devices whose guest has failed too often.
    Parked,
    /// Instances put aside.
    PutAside,
}

impl Count {
    /// All, in the order of their declaration.
    pub const ALL: [Count; 18] = [
        Count::Launched,
        Count::Ran,
        Count::Ended,
        Count::Retried,
        Count::Connected,
        Count::Lost,
        Count::Queued,
        Count::Delivered,
        Count::Refused,
        Count::Reported,
        Count::Commands,
        Count::Calls,
        Count::GuestTime,
        Count::Failures,
        Count::OverBudget,
        Count::Restarts,
        Count::Parked,
        Count::PutAside,
    ];
}

/// What goes up and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gauge {
    /// Devices that have not ended.
    Alive,
    /// Devices that are connected.
    Up,
}

/// Counted by all devices together.
#[derive(Debug, Default)]
pub struct Tally {
    counts: [AtomicU64; Count::ALL.len()],
    gauges: [AtomicU64; 2],
    times: Mutex<Times>,
    /// Devices are ending, all at one time: how long what they had takes now says nothing of how they ran.
    ending: AtomicBool,
    samples: Mutex<Samples>,
    errors: Mutex<Vec<(String, String)>>,
    pub(super) passages: Passages,
}

#[derive(Debug, Default)]
struct Times {
    /// Since the last sample.
    recent: Spread,
    /// Before.
    to_puback: Spread,
    commands: Spread,
    calls: Spread,
    /// From timer to PUBACK, for each guest of the mix.
    by_guest: Vec<Spread>,
}

#[derive(Debug)]
struct Samples {
    taken: Vec<Sample>,
    /// Every so many samples, one is kept.
    every: usize,
    passed: usize,
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            taken: Vec::new(),
            every: 1,
            passed: 0,
        }
    }
}

/// How a fleet was at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Seconds since the fleet was started.
    pub at: f64,
    /// Devices connected.
    pub up: u64,
    /// Messages taken by hubs so far.
    pub delivered: u64,
    /// Connections made so far.
    pub connected: u64,
    /// Guests that failed so far.
    pub failures: u64,
    /// From timer to PUBACK since the sample before, in seconds: half were at most this long.
    pub p50: f64,
    /// The same for 99 in 100.
    pub p99: f64,
    /// Bytes of memory this process uses, as the system counts them: a page that many instances share, many times.
    pub resident: u64,
    /// Bytes of memory that are this process's own: without pages of files.
    pub own: u64,
    /// Seconds of processor time it has used so far.
    pub cpu: f64,
}

impl Tally {
    /// Counts one.
    pub fn count(&self, count: Count) {
        self.add(count, 1);
    }

    /// Counts several.
    pub fn add(&self, count: Count, by: u64) {
        if let Some(counter) = self.counts.get(count as usize) {
            counter.fetch_add(by, Ordering::Relaxed);
        }
    }

    /// How many there were.
    pub fn get(&self, count: Count) -> u64 {
        self.counts
            .get(count as usize)
            .map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// One more.
    pub fn up(&self, gauge: Gauge) {
        if let Some(gauge) = self.gauges.get(gauge as usize) {
            gauge.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One less.
    pub fn down(&self, gauge: Gauge) {
        if let Some(gauge) = self.gauges.get(gauge as usize) {
            gauge.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// How many there are.
    pub fn level(&self, gauge: Gauge) -> u64 {
        self.gauges
            .get(gauge as usize)
            .map_or(0, |gauge| gauge.load(Ordering::Relaxed))
    }

    /// From now on devices end: [`Tally::puback`] no longer counts.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    /// A message was taken so long after the timer that it came of was due. `guest`: its place in the mix.
    pub fn puback(&self, guest: usize, after: Duration) {
        if self.ending.load(Ordering::Relaxed) {
            return;
        }
        let mut times = lock(&self.times);
        times.recent.add(after);
        if times.by_guest.len() <= guest {
            times.by_guest.resize_with(guest + 1, Spread::default);
        }
        if let Some(spread) = times.by_guest.get_mut(guest) {
            spread.add(after);
        }
    }

    /// From timer to PUBACK, of the devices that run the guest at this place in the mix.
    pub fn to_puback_of(&self, guest: usize) -> Summary {
        lock(&self.times)
            .by_guest
            .get(guest)
            .map(Spread::summary)
            .unwrap_or_default()
    }

    /// A command was answered, so long after it came.
    pub fn command(&self, after: Duration) {
        lock(&self.times).commands.add(after);
    }

    /// A call of a guest took so long.
    pub fn call(&self, took: Duration) {
        self.count(Count::Calls);
        self.add(Count::GuestTime, u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        lock(&self.times).calls.add(took);
    }

    /// A device ended by itself.
    pub fn ended(&self, device: &str, error: String) {
        self.count(Count::Ended);
        let mut errors = lock(&self.errors);
        if errors.len() < ERRORS {
            errors.push((device.to_owned(), error));
        }
    }

    /// The first devices that ended by themselves, and why.
    pub fn errors(&self) -> Vec<(String, String)> {
        lock(&self.errors).clone()
    }

    /// From timer to PUBACK.
    pub fn to_puback(&self) -> Summary {
        let times = lock(&self.times);
        let mut all = times.to_puback.clone();
        all.join(&times.recent);
        drop(times);
        all.summary()
    }

    /// From a command's arrival to its answer.
    pub fn commands(&self) -> Summary {
        lock(&self.times).commands.summary()
    }

    /// Calls of guests.
    pub fn calls(&self) -> Summary {
        lock(&self.times).calls.summary()
    }

    /// Takes a sample, so long after the start.
    pub fn sample(&self, at: Duration) -> Sample {
        let mut times = lock(&self.times);
        let Times { recent, to_puback, .. } = &mut *times;
        let latest = recent.summary();
        to_puback.join(recent);
        recent.clear();
        drop(times);
        let usage = Usage::now();
        let sample = Sample {
            at: at.as_secs_f64(),
            up: self.level(Gauge::Up),
            delivered: self.get(Count::Delivered),
            connected: self.get(Count::Connected),
            failures: self.get(Count::Failures),
            p50: latest.p50,
            p99: latest.p99,
            resident: usage.resident,
            own: usage.own,
            cpu: usage.cpu.as_secs_f64(),
        };
        lock(&self.samples).keep(sample);
        sample
    }

    /// The samples, the oldest first; of a long run fewer than were taken.
    pub fn samples(&self) -> Vec<Sample> {
        lock(&self.samples).taken.clone()
    }
}

impl Samples {
    fn keep(&mut self, sample: Sample) {
        self.passed += 1;
        match self.taken.last_mut() {
            // Those that are left out leave their longest times.
            Some(last) if !self.passed.is_multiple_of(self.every) => {
                (last.p50, last.p99) = (last.p50.max(sample.p50), last.p99.max(sample.p99));
            }
            _ => self.taken.push(sample),
        }
        if self.taken.len() > SAMPLES {
            let pairs = std::mem::take(&mut self.taken);
            self.taken = pairs
                .chunks(2)
                .filter_map(|pair| {
                    let longest = |of: fn(&Sample) -> f64| pair.iter().map(of).fold(0.0, f64::max);
                    let (p50, p99) = (longest(|sample| sample.p50), longest(|sample| sample.p99));
                    pair.last().map(|last| Sample { p50, p99, ..*last })
                })
                .collect();
            self.every *= 2;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_has_a_place_of_its_own() {
        let tally = Tally::default();
        for (index, count) in Count::ALL.into_iter().enumerate() {
            tally.add(count, index as u64 + 1);
        }
        for (index, count) in Count::ALL.into_iter().enumerate() {
            assert_eq!(tally.get(count), index as u64 + 1, "{count:?}");
        }
    }

    #[test]
    fn a_sample_tells_of_what_is_new_and_the_whole_of_all() {
        let tally = Tally::default();
        tally.puback(0, Duration::from_millis(100));
        assert!(tally.sample(Duration::from_secs(1)).p99 > 0.099);
        tally.puback(0, Duration::from_millis(10));
        let second = tally.sample(Duration::from_secs(2));
        assert!(second.p99 < 0.011, "{second:?}");
        tally.puback(0, Duration::from_millis(1));
        let all = tally.to_puback();
        assert!(all.count == 3 && all.most > 0.099, "{all:?}");
    }

    #[test]
    fn a_long_run_keeps_its_shape_and_its_worst_moment() {
        let tally = Tally::default();
        for second in 0..5_000_u64 {
            if second == 1_234 {
                tally.puback(0, Duration::from_secs(7));
            }
            tally.sample(Duration::from_secs(second));
        }
        let samples = tally.samples();
        assert!((SAMPLES / 2..=SAMPLES).contains(&samples.len()), "{}", samples.len());
        assert!(samples.is_sorted_by(|one, next| one.at < next.at));
        assert!(samples.last().unwrap().at > 4_980.0);
        let worst = samples.iter().find(|sample| sample.p99 > 6.9).unwrap();
        assert!((worst.at - 1_234.0).abs() <= 16.0, "{worst:?}");
    }

    #[test]
    fn only_the_first_errors_are_kept_and_all_are_counted() {
        let tally = Tally::default();
        for number in 0..1_000 {
            tally.ended(&format!("sim-{number}"), "no".to_owned());
        }
        assert_eq!((tally.errors().len(), tally.get(Count::Ended)), (ERRORS, 1_000));
    }
}
