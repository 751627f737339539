//! How times are spread: percentiles.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Percentiles are right to three digits.
const DIGITS: u8 = 3;

/// Longest time told apart. What is longer counts as this.
const LONGEST: u64 = 3_600_000_000_000;

/// Times, counted by how long they are.
#[derive(Debug, Clone)]
pub struct Spread(Option<Histogram<u64>>);

impl Default for Spread {
    fn default() -> Self {
        // None only for bounds that are none, and these are some.
        let mut histogram = Histogram::new(DIGITS).ok();
        if let Some(histogram) = &mut histogram {
            histogram.auto(true);
        }
        Self(histogram)
    }
}

impl Spread {
    /// Counts one.
    pub fn add(&mut self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).min(LONGEST);
        if let Some(histogram) = &mut self.0 {
            // Below the longest it grows by itself.
            let _ = histogram.record(nanoseconds);
        }
    }

    /// Counts what another one has.
    pub fn join(&mut self, other: &Spread) {
        if let (Some(histogram), Some(other)) = (&mut self.0, &other.0) {
            let _ = histogram.add(other);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        if let Some(histogram) = &mut self.0 {
            histogram.reset();
        }
    }

    /// In short.
    pub fn summary(&self) -> Summary {
        let Some(histogram) = self.0.as_ref().filter(|histogram| !histogram.is_empty()) else {
            return Summary::default();
        };
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e9;
        Summary {
            count: histogram.len(),
            mean: histogram.mean() / 1e9,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            most: histogram.max() as f64 / 1e9,
        }
    }
}

/// Percentiles, in seconds; all nothing when nothing was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// How many were counted.
    pub count: u64,
    /// The arithmetic mean.
    pub mean: f64,
    /// Half were at most this long.
    pub p50: f64,
    /// 90 in 100 were.
    pub p90: f64,
    /// 99 in 100.
    pub p99: f64,
    /// 999 in 1,000.
    pub p999: f64,
    /// The longest.
    pub most: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_three_digits() {
        let mut spread = Spread::default();
        for millis in 1..=1_000 {
            spread.add(Duration::from_millis(millis));
        }
        let summary = spread.summary();
        assert_eq!(summary.count, 1_000);
        for (is, wanted) in [
            (summary.p50, 0.5),
            (summary.p90, 0.9),
            (summary.p99, 0.99),
            (summary.most, 1.0),
        ] {
            assert!((is / wanted - 1.0).abs() < 2e-3, "{is} for {wanted}");
        }
    }

    #[test]
    fn joined_they_count_together_and_nothing_is_nothing() {
        let (mut one, mut other) = (Spread::default(), Spread::default());
        assert_eq!(one.summary(), Summary::default());
        other.add(Duration::MAX);
        one.join(&other);
        other.clear();
        assert_eq!((one.summary().count, other.summary().count), (1, 0));
        assert!((one.summary().most - 3_600.0).abs() < 4.0);
    }
}
