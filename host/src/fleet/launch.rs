//! Starting the devices of a fleet, sampling what they do, and ending them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::identities::{Pattern, Shard};
use super::member::{Group, Member};
use super::mix::Mix;
use super::process::proportional;
use super::tally::{Count, Gauge, Sample, Tally};
use crate::clock::Clock;
use crate::cloud::Access;
use crate::sandbox::Program;

/// Devices that may be on their way at one time: beyond this they would wait for each other, and those that had waited would
/// all begin at once.
const BEGINNING: usize = 256;

/// How long all devices together may take to deliver what they have and to take their leave. One alone gives up after eight
/// seconds; those of a large fleet wait for each other.
const DRAIN_TIME: Duration = Duration::from_secs(60);

/// How often the tally is sampled.
const SAMPLING: Duration = Duration::from_secs(1);

/// How fast devices are started.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    per_second: f64,
}

/// A text is no ramp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no rate of starts; write it as 500/s, or 30/m")]
pub struct RampError(String);

impl FromStr for Ramp {
    type Err = RampError;

    fn from_str(text: &str) -> Result<Self, RampError> {
        let wrong = || RampError(text.to_owned());
        let (number, seconds) = match text.split_once('/') {
            None | Some((_, "s")) => (text.trim_end_matches("/s"), 1.0),
            Some((number, "m")) => (number, 60.0),
            Some(_) => return Err(wrong()),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let per_second = number / seconds;
        if !(per_second.is_finite() && per_second >= 1e-3) {
            return Err(wrong());
        }
        Ok(Self { per_second })
    }
}

impl fmt::Display for Ramp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.per_second)
    }
}

impl Ramp {
    /// When the device with this place in the row is started, from the start of the first.
    ///
    /// Starts are evenly spaced. So what devices do every so many seconds is spread as well: no second sees more of it than
    /// there are starts in one, or, of a ramp that is longer than the interval, than twice the mean.
    pub fn start_of(self, place: u64) -> Duration {
        Duration::try_from_secs_f64(place as f64 / self.per_second).unwrap_or(Duration::MAX)
    }
}

/// Which devices there are, what they do and where they go.
pub struct Plan {
    /// What they are called.
    pub pattern: Pattern,
    /// How many there are in all, numbered from 1.
    pub devices: u64,
    /// Which of them this process runs.
    pub shard: Shard,
    /// Which guest each of them runs.
    pub mix: Mix<Program>,
    /// What each of them can read of its configuration.
    pub config: BTreeMap<String, String>,
    /// What they belong to.
    pub group: Group,
    /// How each of them gets there. Its key is not used: each device has its own.
    pub access: Access,
    /// Whether their instances are put aside whenever nothing is asked of them.
    pub put_aside: bool,
    /// How fast they are started.
    pub ramp: Ramp,
    /// How long they run, from the first start; for ever by default.
    pub duration: Option<Duration>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// What all devices have in common.
pub(super) struct Shared {
    pub(super) group: Group,
    pub(super) access: Access,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tally: Arc<Tally>,
    pub(super) put_aside: bool,
}

/// How a fleet ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ending {
    /// Devices of this process.
    pub devices: u64,
    /// From the first start until the devices were told to end.
    pub lasted: Duration,
    /// From then until the last of them had.
    pub drained: Duration,
    /// Bytes of memory of this process at that moment, each page counted once.
    pub memory: Option<u64>,
    /// Devices connected then.
    pub connected: u64,
    /// Devices that had not ended by themselves when there was no more time to wait for them.
    pub abandoned: u64,
}

/// Runs the fleet until its duration is over, `stop` is ready or no device is left; then every device delivers what it has and takes its leave.
/// A second `stop` ends them where they are. After each sample of the tally `watcher` is called.
pub async fn run(
    plan: Plan,
    tally: Arc<Tally>,
    mut stop: impl AsyncFnMut(),
    mut watcher: impl FnMut(&Tally, &Sample),
) -> Ending {
    let numbers = plan.shard.numbers(plan.devices);
    let devices = numbers.end - numbers.start;
    let clock = Arc::clone(&plan.clock);
    let began = clock.monotonic();
    let since = |from: Duration| clock.monotonic().saturating_sub(from);
    let (stopping, stopped) = watch::channel(false);
    let programs: Vec<Program> = plan.mix.guests().cloned().collect();
    let config = Arc::new(plan.config);
    let shared = Arc::new(Shared {
        group: plan.group,
        access: plan.access,
        clock: Arc::clone(&clock),
        tally: Arc::clone(&tally),
        put_aside: plan.put_aside,
    });
    let beginning = Arc::new(Semaphore::new(BEGINNING));
    let mut running = JoinSet::new();

    let mut launching = Box::pin(async {
        for (place, number) in (0..).zip(numbers) {
            let due = began.saturating_add(plan.ramp.start_of(place));
            if clock.monotonic() < due {
                clock.sleep_until(due).await;
            }
            // Closed by nobody.
            let Ok(permit) = Arc::clone(&beginning).acquire_owned().await else {
                return;
            };
            let guest = plan.mix.place(number);
            let Some(program) = programs.get(guest) else { return };
            let member = Member {
                number,
                name: plan.pattern.name(number),
                program: program.clone(),
                guest,
                config: Arc::clone(&config),
                shared: Arc::clone(&shared),
            };
            tally.count(Count::Launched);
            running.spawn(member.live(permit, stopped.clone()));
        }
        std::future::pending::<()>().await;
    });
    let mut sampling = clock.sleep_until(began.saturating_add(SAMPLING));
    let mut over = clock.sleep_until(
        plan.duration
            .map_or(Duration::MAX, |duration| began.saturating_add(duration)),
    );
    let mut first_stop = Box::pin(stop());
    loop {
        tokio::select! {
            biased;
            () = &mut first_stop => break,
            () = &mut over => break,
            () = &mut sampling => {
                watcher(&tally, &tally.sample(since(began)));
                if tally.get(Count::Ended) >= devices {
                    break;
                }
                sampling = clock.sleep_until(clock.monotonic().saturating_add(SAMPLING));
            }
            () = &mut launching => break,
        }
    }
    drop(launching);
    drop(first_stop);
    let lasted = since(began);
    watcher(&tally, &tally.sample(lasted));

    tally.end();
    let (memory, connected) = (proportional(), tally.level(Gauge::Up));
    let draining = clock.monotonic();
    // Nobody listens when every device has ended by itself.
    let _ = stopping.send(true);
    let mut second_stop = Box::pin(stop());
    let mut late = clock.sleep_until(draining.saturating_add(DRAIN_TIME));
    loop {
        tokio::select! {
            biased;
            ended = running.join_next() => match ended {
                None => break,
                Some(Ok(())) => {}
                Some(Err(error)) => tally.ended("a device", error.to_string()),
            },
            () = &mut second_stop => break,
            () = &mut late => break,
        }
    }
    let abandoned = running.len() as u64;
    running.shutdown().await;
    Ending {
        devices,
        lasted,
        drained: since(draining),
        memory,
        connected,
        abandoned,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ramp_is_read_as_it_is_written() {
        for (text, per_second) in [("500/s", 500.0), ("30/m", 0.5), ("7", 7.0), ("0.5/s", 0.5)] {
            assert_eq!(text.parse(), Ok(Ramp { per_second }));
        }
        for text in ["", "0", "-1/s", "x/s", "5/h", "inf", "nan/s", "1/s/s"] {
            assert_eq!(text.parse::<Ramp>(), Err(RampError(text.to_owned())), "{text}");
        }
    }

    proptest! {
        /// What devices do at intervals, say every eight seconds from their start on, never comes together.
        #[test]
        fn intervals_are_spread(per_second in 1.0..2_000.0_f64, devices in 1..10_000_u64, interval in 1.0..60.0_f64) {
            let ramp = Ramp { per_second };
            let mut beats = vec![0_u64; interval.ceil() as usize];
            let count = beats.len();
            for place in 0..devices {
                let at = ramp.start_of(place).as_secs_f64() % interval;
                beats[(at as usize).min(count - 1)] += 1;
            }
            let most = *beats.iter().max().unwrap();
            let bound = per_second.max(2.0 * devices as f64 / interval) + 2.0 * (devices as f64 / per_second / interval + 1.0);
            prop_assert!(most as f64 <= bound, "{most} of {bound}");
        }
    }
}
