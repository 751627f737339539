//! Times in a scenario: spans such as `1m 40s`, and wall clock times.

use std::time::Duration;

use chrono::{DateTime, Datelike, Utc};

/// The longest span there is, ten years: what virtual time can run through within a minute or so, and nothing that a
/// calendar overflows at.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// Reads a span: numbers with units, as in `8s`, `1m40s`, `1m 40s`, `500ms`, `24h`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let wrong = |reason: &str| format!("{text:?} is no time span{reason}; write 8s, 1m40s, 500ms or 24h");
    match humantime::parse_duration(text) {
        Ok(span) if span <= LONGEST => Ok(span),
        Ok(_) => Err(wrong(" of at most ten years")),
        Err(_) => Err(wrong("")),
    }
}

/// Reads a wall clock time: RFC 3339, from 1970 to 9999.
pub(super) fn wall(text: &str) -> Result<DateTime<Utc>, String> {
    let parsed = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    parsed
        .ok()
        .filter(|time| (1970..=9999).contains(&time.year()))
        .ok_or_else(|| format!("{text:?} is no time from 1970 to 9999; write 2024-01-01T00:00:00Z"))
}

/// A span for people, to the millisecond.
pub(super) fn shown(span: Duration) -> String {
    let whole = Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
    humantime::format_duration(whole).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_are_written_in_every_usual_way() {
        for (text, milliseconds) in [
            ("8s", 8_000),
            ("0s", 0),
            ("500ms", 500),
            ("1m40s", 100_000),
            ("1m 40s", 100_000),
            ("24h", 86_400_000),
            ("1day", 86_400_000),
            ("1.5s", 1_500),
        ] {
            assert_eq!(span(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn a_wrong_span_is_told_what_a_right_one_is() {
        assert_eq!(
            span("100"),
            Err("\"100\" is no time span; write 8s, 1m40s, 500ms or 24h".to_owned())
        );
        assert_eq!(
            span("11years"),
            Err("\"11years\" is no time span of at most ten years; write 8s, 1m40s, 500ms or 24h".to_owned())
        );
    }

    #[test]
    fn wall_clock_times_are_rfc_3339() {
        assert_eq!(
            wall("2024-01-01T01:00:00+01:00").map(|time| time.timestamp()),
            Ok(1_704_067_200)
        );
        for text in ["2024-01-01", "noon", "1969-12-31T23:59:59Z", "2024-01-01 00:00:00"] {
            let refusal = wall(text).unwrap_err();
            assert!(
                refusal.starts_with(&format!("{text:?} is no time from 1970")),
                "{refusal}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_read(milliseconds in 0..=315_000_000_000_u64) {
            let time = Duration::from_millis(milliseconds);
            prop_assert_eq!(span(&shown(time)), Ok(time));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = (span(&text), wall(&text));
        }
    }
}
