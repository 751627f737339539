//! Throttles of the hub, each off until it is asked for: a local tool should be fast.
//!
//! They are of the whole hub and not of a device, and shape before they refuse: what is above the rate is served at once for a
//! while, then waits its turn, and is refused when too much waits.
//!
//! Source: Microsoft, "IoT Hub quotas and throttling", tier S1 with one unit: the rates, "applied in minute ranges", and "Traffic
//! shaping". How much may wait is not documented; here it is what ten seconds serve.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// How long a burst may be: what is left of the rate is kept for so long.
const BURST: f64 = 60.0;

/// How long something may wait, in seconds.
const QUEUE: f64 = 10.0;

/// Bytes of a method's payload that count as one (the "throttling meter size").
pub(crate) const METHOD_METER: u64 = 4 * 1024;

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    /// New connections of devices: 100 a second.
    Connects,
    /// Telemetry messages: 100 a second.
    Sends,
    /// Reads of twins, by devices and services: 100 a second.
    TwinReads,
    /// Reported and desired patches: 50 a second.
    TwinUpdates,
    /// Cloud-to-device messages: 100 a minute.
    CloudToDevice,
    /// Direct methods: 160 KB a second, each payload rounded up to 4 KB.
    Methods,
    /// Reading and writing the device registry: 100 a minute.
    Registry,
    /// Queries: 20 a minute.
    Queries,
}

impl Throttle {
    /// All there are.
    pub const ALL: [Throttle; 8] = [
        Throttle::Connects,
        Throttle::Sends,
        Throttle::TwinReads,
        Throttle::TwinUpdates,
        Throttle::CloudToDevice,
        Throttle::Methods,
        Throttle::Registry,
        Throttle::Queries,
    ];

    /// Operations a second in S1 with one unit; of methods, pieces of 4 KB.
    pub fn s1_rate(self) -> f64 {
        match self {
            Throttle::Connects | Throttle::Sends | Throttle::TwinReads => 100.0,
            Throttle::TwinUpdates => 50.0,
            Throttle::CloudToDevice | Throttle::Registry => 100.0 / 60.0,
            Throttle::Methods => 40.0,
            Throttle::Queries => 20.0 / 60.0,
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Throttle::Connects => "connects",
            Throttle::Sends => "sends",
            Throttle::TwinReads => "twin-reads",
            Throttle::TwinUpdates => "twin-updates",
            Throttle::CloudToDevice => "cloud-to-device",
            Throttle::Methods => "methods",
            Throttle::Registry => "registry",
            Throttle::Queries => "queries",
        }
    }
}

impl fmt::Display for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no throttle has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a throttle: connects, sends, twin-reads, twin-updates, cloud-to-device, methods, registry or queries"
)]
pub struct UnknownThrottle(String);

impl FromStr for Throttle {
    type Err = UnknownThrottle;

    fn from_str(name: &str) -> Result<Throttle, UnknownThrottle> {
        let found = Throttle::ALL.into_iter().find(|throttle| throttle.name() == name);
        found.ok_or_else(|| UnknownThrottle(name.to_owned()))
    }
}

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is served after so long, zero mostly.
    After(Duration),
    /// It is not: 429.
    Refused,
}

/// What is left of one throttle.
struct Bucket {
    throttle: Throttle,
    /// Operations a second.
    rate: f64,
    /// Operations that may still come at once; below zero, those that wait.
    left: f64,
    counted: Instant,
}

/// The throttles of a hub.
#[derive(Default)]
pub struct Throttles {
    /// Whether there are any: read without the lock.
    armed: AtomicBool,
    buckets: Mutex<Vec<Bucket>>,
}

impl Throttles {
    /// Holds operations to `rate` a second from now on, `None` to hold them to nothing. A rate that is not above zero refuses all
    /// but the first.
    pub fn set(&self, throttle: Throttle, rate: Option<f64>) {
        let mut buckets = self.lock();
        buckets.retain(|bucket| bucket.throttle != throttle);
        if let Some(rate) = rate {
            buckets.push(Bucket {
                throttle,
                rate: rate.max(f64::MIN_POSITIVE),
                left: (rate * BURST).max(1.0),
                counted: Instant::now(),
            });
        }
        self.armed.store(!buckets.is_empty(), Ordering::Release);
    }

    /// Counts `amount` operations.
    pub fn admit(&self, throttle: Throttle, amount: u64) -> Admission {
        const AT_ONCE: Admission = Admission::After(Duration::ZERO);
        if !self.armed.load(Ordering::Acquire) {
            return AT_ONCE;
        }
        let mut buckets = self.lock();
        let Some(bucket) = buckets.iter_mut().find(|bucket| bucket.throttle == throttle) else {
            return AT_ONCE;
        };
        let now = Instant::now();
        let gained = (now - bucket.counted).as_secs_f64() * bucket.rate;
        bucket.left = (bucket.left + gained).min((bucket.rate * BURST).max(1.0));
        bucket.counted = now;
        let left = bucket.left - amount as f64;
        if left < -bucket.rate * QUEUE {
            return Admission::Refused;
        }
        bucket.left = left;
        Admission::After(Duration::try_from_secs_f64((-left).max(0.0) / bucket.rate).unwrap_or_default())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Admission = Admission::After(Duration::ZERO);

    #[tokio::test(start_paused = true)]
    async fn a_minutes_worth_comes_at_once_then_the_rate_then_nothing() {
        let throttles = Throttles::default();
        for _ in 0..10_000 {
            assert_eq!(throttles.admit(Throttle::Sends, 1), AT_ONCE, "none is on");
        }
        throttles.set(Throttle::Sends, Some(Throttle::Sends.s1_rate()));
        for _ in 0..6000 {
            assert_eq!(throttles.admit(Throttle::Sends, 1), AT_ONCE);
        }
        for waiting in 1..=1000 {
            let expected = Admission::After(Duration::from_millis(10 * waiting));
            assert_eq!(throttles.admit(Throttle::Sends, 1), expected);
        }
        assert_eq!(throttles.admit(Throttle::Sends, 1), Admission::Refused);
        assert_eq!(throttles.admit(Throttle::TwinReads, 1), AT_ONCE, "that one is not on");
        tokio::time::advance(Duration::from_secs(1)).await;
        for _ in 0..100 {
            assert_ne!(throttles.admit(Throttle::Sends, 1), Admission::Refused);
        }
        assert_eq!(throttles.admit(Throttle::Sends, 1), Admission::Refused);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(throttles.admit(Throttle::Sends, 6000), AT_ONCE);
        assert_ne!(
            throttles.admit(Throttle::Sends, 1),
            AT_ONCE,
            "no more than a minute's worth is kept"
        );
        throttles.set(Throttle::Sends, None);
        assert_eq!(throttles.admit(Throttle::Sends, 100_000), AT_ONCE);
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for throttle in Throttle::ALL {
            assert_eq!(throttle.to_string().parse(), Ok(throttle));
        }
        assert!("s2".parse::<Throttle>().unwrap_err().to_string().contains("twin-reads"));
    }
}
