//! Where a reader wants to begin, as it says in a link's filter: `amqp.annotation.x-opt-offset > '123'`.
//!
//! Source: the selectors that the SDKs write; the filter is the one of Apache's `apache.org:selector-filter:string`.

use fe2o3_amqp_types::{definitions::AmqpError, definitions::Error, messaging::FilterSet};
use serde_amqp::Value;

use super::fault::error;
use crate::state::endpoint::Position;

/// The name of the filter.
const FILTER: &str = "apache.org:selector-filter:string";

/// Where a reader with these filters begins; without any, at the beginning.
pub(super) fn position(filters: Option<&FilterSet>) -> Result<Position, Error> {
    let Some(filter) = filters.and_then(|filters| filters.iter().find(|(name, _)| name.as_str() == FILTER)) else {
        return Ok(Position::Earliest);
    };
    let text = match filter.1 {
        Value::String(text) => text,
        Value::Described(described) => match &described.value {
            Value::String(text) => text,
            _ => return Err(unknown("no text")),
        },
        _ => return Err(unknown("no text")),
    };
    parse(text).ok_or_else(|| unknown(text))
}

fn unknown(selector: &str) -> Error {
    error(
        AmqpError::InvalidField,
        format!("the filter's selector cannot be read: {selector}"),
    )
}

fn parse(selector: &str) -> Option<Position> {
    let rest = selector.trim().strip_prefix("amqp.annotation.")?;
    let (name, rest) = rest.split_once('>')?;
    let (inclusive, rest) = match rest.strip_prefix('=') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let value = rest.trim();
    let value = value
        .strip_prefix('\'')
        .and_then(|value| value.strip_suffix('\''))
        .unwrap_or(value);
    match (name.trim(), value) {
        ("x-opt-offset", "@latest") => Some(Position::Latest),
        ("x-opt-offset", "-1") => Some(Position::Earliest),
        ("x-opt-offset", value) => value.parse().ok().map(|offset| Position::Offset { offset, inclusive }),
        ("x-opt-sequence-number", value) => value
            .parse()
            .ok()
            .map(|sequence| Position::Sequence { sequence, inclusive }),
        ("x-opt-enqueued-time", value) => value.parse().ok().map(|milliseconds| Position::Enqueued {
            milliseconds,
            inclusive,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_of_the_sdks_are_read() {
        let (offset, sequence, milliseconds) = (12, 7, 1_700_000_000_123);
        for (selector, expected) in [
            ("amqp.annotation.x-opt-offset > '-1'", Position::Earliest),
            ("amqp.annotation.x-opt-offset > '@latest'", Position::Latest),
            (
                "amqp.annotation.x-opt-offset > '12'",
                Position::Offset {
                    offset,
                    inclusive: false,
                },
            ),
            (
                "amqp.annotation.x-opt-offset >= '12'",
                Position::Offset {
                    offset,
                    inclusive: true,
                },
            ),
            (
                "amqp.annotation.x-opt-sequence-number > '7'",
                Position::Sequence {
                    sequence,
                    inclusive: false,
                },
            ),
            (
                "amqp.annotation.x-opt-sequence-number >= 7",
                Position::Sequence {
                    sequence,
                    inclusive: true,
                },
            ),
            (
                "amqp.annotation.x-opt-enqueued-time > '1700000000123'",
                Position::Enqueued {
                    milliseconds,
                    inclusive: false,
                },
            ),
        ] {
            assert_eq!(parse(selector), Some(expected), "{selector}");
        }
        for selector in [
            "",
            "x-opt-offset > '1'",
            "amqp.annotation.x-opt-offset < '1'",
            "amqp.annotation.x-opt-offset > 'x'",
            "amqp.annotation.colour > '1'",
        ] {
            assert_eq!(parse(selector), None, "{selector}");
        }
    }
}
