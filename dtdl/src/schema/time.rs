//! Dates, times and durations as text.
//!
//! Source: RFC 3339, in the form DTDL's reference parser takes: capital `T` and `Z`, and a distance from UTC in every
//! time. Durations are ISO 8601's.

use chrono::{DateTime, NaiveDate};

/// `2024-02-29`.
pub(super) fn is_date(text: &str) -> bool {
    has_form(text, "dddd-dd-dd") && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// `2024-02-29T12:30:00.5+01:00`.
pub(super) fn is_date_time(text: &str) -> bool {
    let begins_well = text
        .get(..19)
        .is_some_and(|begin| has_form(begin, "dddd-dd-ddTdd:dd:dd"));
    begins_well && !text.ends_with('z') && DateTime::parse_from_rfc3339(text).is_ok()
}

/// `12:30:00.5+01:00`: the part of a moment after its `T`.
pub(super) fn is_time(text: &str) -> bool {
    is_date_time(&format!("2000-01-01T{text}"))
}

/// Whether each character is what the form says: `d` a digit, any other itself.
fn has_form(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(found, wanted)| match wanted {
            b'd' => found.is_ascii_digit(),
            other => found == other,
        })
}

/// `P1Y2M3DT4H5M6.7S` with at least one of its parts, or `P1W`; only the smallest part may have decimals.
pub(super) fn is_duration(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let Some(text) = text.strip_prefix('P') else {
        return false;
    };
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let decimals_in_date = date.contains(['.', ',']);
    match time {
        None => are_parts(date, "YMWD"),
        Some(time) => (date.is_empty() || are_parts(date, "YMWD")) && !decimals_in_date && are_parts(time, "HMS"),
    }
}

/// One number and unit or more, the units in the order given, each once.
fn are_parts(text: &str, units: &str) -> bool {
    let (mut rest, mut units) = (text, units);
    while !rest.is_empty() {
        let Some(end) = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',') else {
            return false;
        };
        let (number, tail) = rest.split_at(end);
        let mut tail = tail.chars();
        let Some((_, later)) = tail.next().and_then(|unit| units.split_once(unit)) else {
            return false;
        };
        (rest, units) = (tail.as_str(), later);
        let (whole, decimals) = number.split_once(['.', ',']).unwrap_or((number, "0"));
        let is_last = rest.is_empty();
        let whole_number = !number.contains(['.', ',']);
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || !(is_last || whole_number) {
            return false;
        }
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_days_there_are() {
        assert!(is_date("2024-02-29") && is_date("0001-01-01") && is_date("9999-12-31"));
        for text in [
            "",
            "2023-02-29",
            "2024-13-01",
            "2024-1-1",
            "20240101",
            "+2024-01-1",
            "2024-01-01Z",
            "٢٠٢٤-01-01",
        ] {
            assert!(!is_date(text), "{text:?}");
        }
    }

    #[test]
    fn moments_know_their_distance_from_utc() {
        for text in [
            "2024-02-29T12:30:00Z",
            "2024-02-29T12:30:00.123456789+14:00",
            "2016-12-31T23:59:60Z",
        ] {
            assert!(is_date_time(text), "{text:?}");
        }
        let wrong = [
            "2024-02-29T12:30:00",
            "2024-02-29t12:30:00Z",
            "2024-02-29T12:30:00z",
            "2024-02-29 12:30:00Z",
        ];
        for text in wrong
            .into_iter()
            .chain(["2024-02-30T12:30:00Z", "2024-02-29T24:00:00Z", "2024-02-29T12:30Z", "é"])
        {
            assert!(!is_date_time(text), "{text:?}");
        }
    }

    #[test]
    fn times_of_day_do_too() {
        assert!(is_time("00:00:00Z") && is_time("23:59:59.999-01:00"));
        for text in ["", "12:30:00", "24:00:00Z", "12:30Z", "T12:30:00Z", "noon"] {
            assert!(!is_time(text), "{text:?}");
        }
    }

    #[test]
    fn durations_have_parts_in_order() {
        let right = [
            "PT0S",
            "P1Y2M3DT4H5M6S",
            "P1W",
            "PT0.5S",
            "PT1,5H",
            "P1.5D",
            "-PT1S",
            "PT36H",
            "P1M",
            "PT1M",
        ];
        for text in right {
            assert!(is_duration(text), "{text:?}");
        }
        let wrong = [
            "", "P", "PT", "P1", "1S", "PT1", "P1S", "PT1D", "PT1M1H", "PT1S1S", "P1.5DT1H", "PT1.5H1M",
        ];
        for text in wrong
            .into_iter()
            .chain(["PT1.S", "PT.5S", "P1DT", "PTS", "P 1D", "PT1s", "PT1.2.3S"])
        {
            assert!(!is_duration(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,30}|[P0-9.,TYMWDHS:Z+-]{0,30}") {
            let _ = (is_date(&text), is_date_time(&text), is_time(&text), is_duration(&text));
        }
    }
}
