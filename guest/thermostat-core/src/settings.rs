//! What the operator may set.

use setpoint_guest::{Host, Json};
use std::time::Duration;

/// As often as the sample measures.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(8);
const LONGEST_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);
/// An hour of readings at the default interval.
const DEFAULT_WINDOW: usize = 450;
/// About a megabyte of readings.
const LARGEST_WINDOW: usize = 100_000;

/// A thermostat's, and a device's that has several.
pub struct Settings {
    /// Between two readings.
    pub(crate) interval: Duration,
    /// Readings kept, at least one.
    pub(crate) window: usize,
}

impl Settings {
    /// Reads `interval` and `window`. ASCII white space around them does not count.
    ///
    /// # Errors
    /// Names the first value that is out of its range, and quotes it as JSON does.
    pub fn read(host: &impl Host) -> Result<Settings, String> {
        Ok(Settings {
            interval: interval(host)?,
            window: window(host)?,
        })
    }
}

fn interval(host: &impl Host) -> Result<Duration, String> {
    let Some(text) = host.config("interval") else {
        return Ok(DEFAULT_INTERVAL);
    };
    let seconds = text.trim_ascii().parse::<f64>().ok();
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|interval| !interval.is_zero() && *interval <= LONGEST_INTERVAL)
        .ok_or_else(|| {
            let quoted = Json::from(text);
            format!("config interval is a number of seconds above 0 and at most 86400, not {quoted}")
        })
}

fn window(host: &impl Host) -> Result<usize, String> {
    let Some(text) = host.config("window") else {
        return Ok(DEFAULT_WINDOW);
    };
    let readings = text.trim_ascii().parse::<usize>().ok();
    readings
        .filter(|readings| (1..=LARGEST_WINDOW).contains(readings))
        .ok_or_else(|| {
            let quoted = Json::from(text);
            format!("config window is a number of readings from 1 to {LARGEST_WINDOW}, not {quoted}")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use setpoint_guest::mock::MockHost;

    fn read(key: &str, value: &str) -> Result<Settings, String> {
        Settings::read(&MockHost::new().with_config(key, value))
    }

    #[test]
    fn without_configuration_the_defaults_hold() {
        let settings = Settings::read(&MockHost::new()).unwrap();
        assert_eq!((settings.interval, settings.window), (Duration::from_secs(8), 450));
    }

    #[test]
    fn intervals_may_have_decimals_up_to_a_day() {
        assert_eq!(read("interval", "0.25").unwrap().interval, Duration::from_millis(250));
        assert_eq!(read("interval", " 86400 ").unwrap().interval, LONGEST_INTERVAL);
    }

    #[test]
    fn any_other_interval_is_refused_by_name() {
        for text in ["", "0", "-1", "86400.5", "nan", "inf", "1e300", "eight", "8s", "8,5"] {
            let refusal = read("interval", text)
                .err()
                .unwrap_or_else(|| panic!("{text:?} was taken"));
            assert!(
                refusal.contains("interval") && refusal.contains(&format!("{text:?}")),
                "{refusal}"
            );
        }
    }

    #[test]
    fn a_window_holds_at_least_one_reading() {
        assert_eq!(read("window", "1").unwrap().window, 1);
        for text in ["", "0", "-1", "1.5", "100001", "many"] {
            let refusal = read("window", text)
                .err()
                .unwrap_or_else(|| panic!("{text:?} was taken"));
            assert!(refusal.contains("window"), "{refusal}");
        }
    }
}
