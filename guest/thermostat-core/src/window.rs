//! The readings a report can look back on.

use setpoint_guest::chrono::{DateTime, Utc};
use std::collections::VecDeque;

/// The last so many readings, oldest first, in two columns: nine bytes each.
pub(crate) struct Window {
    /// Milliseconds since 1970.
    times: VecDeque<i64>,
    temperatures: VecDeque<u8>,
    size: usize,
}

/// What some readings have in common.
#[derive(Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) oldest: DateTime<Utc>,
    pub(crate) highest: u8,
    pub(crate) lowest: u8,
    pub(crate) mean: f64,
}

impl Window {
    /// `size` is at least 1.
    pub(crate) fn new(size: usize) -> Window {
        Window {
            times: VecDeque::new(),
            temperatures: VecDeque::new(),
            size,
        }
    }

    /// Takes a reading in degrees Celsius; the oldest one goes when the window is full. The sensor knows 0 to 255.
    pub(crate) fn push(&mut self, at: DateTime<Utc>, temperature: i64) {
        if self.times.len() >= self.size {
            self.times.pop_front();
            self.temperatures.pop_front();
        }
        self.times.push_back(at.timestamp_millis());
        self.temperatures.push_back(temperature.clamp(0, 255) as u8);
    }

    /// Forgets every reading.
    pub(crate) fn clear(&mut self) {
        self.times.clear();
        self.temperatures.clear();
    }

    /// Memory that the readings take.
    pub(crate) fn bytes(&self) -> usize {
        self.times.len() * size_of::<i64>() + self.temperatures.len() * size_of::<u8>()
    }

    /// When the last reading was taken.
    pub(crate) fn newest(&self) -> Option<DateTime<Utc>> {
        self.times.back().copied().map(time)
    }

    /// Sums up the readings taken at `since` or later. None when there are none.
    pub(crate) fn since(&self, since: Option<DateTime<Utc>>) -> Option<Summary> {
        let mut taken = self
            .iter()
            .filter(|(at, _)| since.is_none_or(|since| time(*at) >= since));
        let (oldest, first) = taken.next()?;
        let (mut highest, mut lowest, mut sum, mut count) = (first, first, u64::from(first), 1_u64);
        for (_, temperature) in taken {
            highest = highest.max(temperature);
            lowest = lowest.min(temperature);
            sum += u64::from(temperature);
            count += 1;
        }
        Some(Summary {
            oldest: time(oldest),
            highest,
            lowest,
            mean: sum as f64 / count as f64,
        })
    }

    /// Oldest first: milliseconds since 1970, degrees Celsius.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, u8)> {
        self.times.iter().copied().zip(self.temperatures.iter().copied())
    }
}

/// Times beyond the years chrono knows never get into a window from a clock; from a saved state they become 1970.
pub(crate) fn time(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or(DateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(size: usize, readings: &[(i64, i64)]) -> Window {
        let mut window = Window::new(size);
        for &(at, temperature) in readings {
            window.push(time(at), temperature);
        }
        window
    }

    #[test]
    fn an_empty_window_has_nothing_to_sum_up() {
        assert_eq!(Window::new(3).since(None), None);
        assert_eq!(Window::new(3).newest(), None);
    }

    #[test]
    fn the_oldest_reading_goes_first() {
        let window = window(3, &[(1, 49), (2, 10), (3, 20), (4, 31)]);
        let summary = window.since(None).unwrap();
        assert_eq!(
            summary,
            Summary {
                oldest: time(2),
                highest: 31,
                lowest: 10,
                mean: 61.0 / 3.0
            }
        );
        assert_eq!(window.newest(), Some(time(4)));
    }

    #[test]
    fn readings_at_the_very_time_count() {
        let window = window(9, &[(1000, 40), (2000, 20), (3000, 30)]);
        let summary = window.since(Some(time(2000))).unwrap();
        assert_eq!(
            summary,
            Summary {
                oldest: time(2000),
                highest: 30,
                lowest: 20,
                mean: 25.0
            }
        );
        assert_eq!(window.since(Some(time(3001))), None);
    }
}
