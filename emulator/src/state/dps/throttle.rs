//! How much DPS takes in a time, when it is told to count.
//!
//! Source: Microsoft, "Azure IoT Hub Device Provisioning Service limits". Off unless switched on: a device under development should
//! start at once, as often as its developer likes.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use super::{DpsError, Enrollments, canonical};

/// So many in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: usize,
    /// In what time.
    pub period: Duration,
}

/// What is counted; `None` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DpsThrottles {
    /// Registrations of all devices.
    pub registrations: Option<Rate>,
    /// Polls of each device.
    pub polls: Option<Rate>,
    /// Calls of the service API.
    pub operations: Option<Rate>,
}

impl DpsThrottles {
    /// Those of the real service: 1,000 registrations and 1,000 operations a minute, 5 polls in 10 s for each device.
    pub fn documented() -> DpsThrottles {
        let a_minute = Rate {
            count: 1000,
            period: Duration::from_secs(60),
        };
        let polls = Rate {
            count: 5,
            period: Duration::from_secs(10),
        };
        DpsThrottles {
            registrations: Some(a_minute),
            polls: Some(polls),
            operations: Some(a_minute),
        }
    }
}

/// What has happened of late.
#[derive(Default)]
pub(super) struct Meters {
    throttles: DpsThrottles,
    registrations: Meter,
    operations: Meter,
    /// By registration id in lower case.
    polls: HashMap<String, Meter>,
}

/// When the last ones were.
#[derive(Default)]
struct Meter(VecDeque<Instant>);

impl Meter {
    /// Counts one, or says after how many seconds there may be one more.
    fn take(&mut self, rate: Rate, now: Instant) -> Result<(), u64> {
        self.forget(rate, now);
        match self.0.front() {
            Some(first) if self.0.len() >= rate.count => {
                let left = (*first + rate.period).saturating_duration_since(now);
                Err(left.as_millis().div_ceil(1000).try_into().unwrap_or(1))
            }
            _ => {
                self.0.push_back(now);
                Ok(())
            }
        }
    }

    fn forget(&mut self, rate: Rate, now: Instant) {
        while self.0.front().is_some_and(|first| *first + rate.period <= now) {
            self.0.pop_front();
        }
    }
}

impl Enrollments {
    /// Counts from now on, or no more.
    pub fn throttle(&self, throttles: DpsThrottles) {
        self.meters().throttles = throttles;
    }

    /// A device registers.
    pub(super) fn count_registration(&self) -> Result<(), DpsError> {
        let mut meters = self.meters();
        let Some(rate) = meters.throttles.registrations else {
            return Ok(());
        };
        throttled("registrations", meters.registrations.take(rate, Instant::now()))
    }

    /// A device polls.
    pub(super) fn count_poll(&self, registration_id: &str) -> Result<(), DpsError> {
        let mut meters = self.meters();
        let Some(rate) = meters.throttles.polls else {
            return Ok(());
        };
        let now = Instant::now();
        meters.polls.retain(|_, meter| {
            meter.forget(rate, now);
            !meter.0.is_empty()
        });
        let meter = meters.polls.entry(canonical(registration_id)).or_default();
        throttled("polls of this device", meter.take(rate, now))
    }

    /// A service calls.
    ///
    /// # Errors
    ///
    /// [`DpsError::Throttled`].
    pub fn count_operation(&self) -> Result<(), DpsError> {
        let mut meters = self.meters();
        let Some(rate) = meters.throttles.operations else {
            return Ok(());
        };
        throttled("operations", meters.operations.take(rate, Instant::now()))
    }

    fn meters(&self) -> std::sync::MutexGuard<'_, Meters> {
        self.meters.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn throttled(what: &'static str, taken: Result<(), u64>) -> Result<(), DpsError> {
    taken.map_err(|retry_after| DpsError::Throttled { what, retry_after })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn polls_are_counted_for_each_device_and_forgotten() {
        let enrollments = Enrollments::new("0ne");
        for _ in 0..100 {
            enrollments.count_poll("d").unwrap();
        }
        enrollments.throttle(DpsThrottles::documented());
        for _ in 0..5 {
            enrollments.count_poll("d").unwrap();
        }
        tokio::time::advance(Duration::from_millis(1500)).await;
        let refused = enrollments.count_poll("D").unwrap_err();
        assert_eq!((refused.status(), refused.retry_after()), (429, Some(9)));
        enrollments.count_poll("e").unwrap();
        tokio::time::advance(Duration::from_secs(9)).await;
        enrollments.count_poll("d").unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn registrations_and_operations_are_counted_apart() {
        let enrollments = Enrollments::new("0ne");
        enrollments.throttle(DpsThrottles::documented());
        for _ in 0..1000 {
            enrollments.count_registration().unwrap();
            enrollments.count_operation().unwrap();
        }
        assert_eq!(enrollments.count_registration().unwrap_err().retry_after(), Some(60));
        assert_eq!(enrollments.count_operation().unwrap_err().code(), 429_001);
        tokio::time::advance(Duration::from_secs(60)).await;
        enrollments.count_registration().unwrap();
    }
}
