//! Where what a guest does differs from what was recorded.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::script::Counts;
use crate::effect::Effect;
use crate::printable;
use crate::sandbox::{FailureKind, GuestError, Returned};

/// Characters shown of a value.
const SHOWN: usize = 300;

/// One difference.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The line of the record.
    pub line: u64,
    /// What was called, in words, with the number of the call in the record.
    pub call: String,
    /// When, as it was recorded: RFC 3339, UTC.
    pub at: String,
    /// Which instance, and who played it.
    pub instance: String,
    /// What differs: a path such as `effects[0].telemetry.body.temperature`, or what was read how often.
    pub path: String,
    /// As it was recorded; none when it was not there.
    pub expected: Option<Value>,
    /// As the guest does it; none when it does not.
    pub got: Option<Value>,
    /// Why the guest failed where the recorded one did not.
    pub failure: Option<GuestError>,
}

impl fmt::Display for Difference {
    /// Four lines without the end of the last one, as a terminal may be shown them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = format!("{}, {}, {}", self.call, self.instance, self.at);
        writeln!(f, "line {}: {}", self.line, printable(&place))?;
        writeln!(f, "  {}", printable(&self.path))?;
        writeln!(f, "    expected  {}", shown(self.expected.as_ref()))?;
        write!(f, "    got       {}", shown(self.got.as_ref()))
    }
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "nothing".to_owned();
    };
    let text = printable(&value.to_string());
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}.. ({} bytes)", text.get(..cut).unwrap_or_default(), text.len()),
        None => text,
    }
}

/// What a call came to: as it was recorded, or now.
pub(super) struct Outcome<'a> {
    pub(super) returned: &'a Returned,
    pub(super) drawn: Counts,
    pub(super) effects: &'a [Effect],
}

/// What of a call differs: its path, expected and got. What may be the cause of the rest comes first.
pub(super) struct Found {
    pub(super) path: String,
    pub(super) expected: Option<Value>,
    pub(super) got: Option<Value>,
}

/// Compares two calls.
pub(super) fn compare(expected: &Outcome<'_>, got: &Outcome<'_>) -> Vec<Found> {
    let ran_on = |outcome: &Outcome<'_>| matches!(outcome.returned, Returned::Failed(failure) if failure.kind == FailureKind::OverBudget);
    if ran_on(expected) && ran_on(got) {
        // How far it came until then is a matter of luck.
        return Vec::new();
    }
    let failed = |outcome: &Outcome<'_>| matches!(outcome.returned, Returned::Failed(_));
    let mut found = Vec::new();
    let mut returned = Vec::new();
    differ(
        &json(expected.returned),
        &json(got.returned),
        "returned".to_owned(),
        &mut returned,
    );
    if failed(expected) || failed(got) {
        found.append(&mut returned);
    }
    for (what, expected, got) in [
        ("readings of the wall clock", expected.drawn.now, got.drawn.now),
        (
            "readings of the monotonic clock",
            expected.drawn.monotonic,
            got.drawn.monotonic,
        ),
        ("random numbers drawn", expected.drawn.random, got.drawn.random),
    ] {
        if expected != got {
            found.push(Found {
                path: what.to_owned(),
                expected: Some(expected.into()),
                got: Some(got.into()),
            });
        }
    }
    differ(
        &effects(expected.effects),
        &effects(got.effects),
        "effects".to_owned(),
        &mut found,
    );
    found.append(&mut returned);
    found
}

fn json(value: &impl Serialize) -> Value {
    // All that is compared can be written: it was read from JSON, or could have been.
    serde_json::to_value(value).unwrap_or_default()
}

/// With telemetry as what it says, not as how it is spelled: white space and order are no difference.
fn effects(effects: &[Effect]) -> Value {
    let mut value = json(&effects);
    for effect in value.as_array_mut().into_iter().flatten() {
        if let Some(body) = effect.pointer_mut("/telemetry/body")
            && let Some(said) = body.as_str().and_then(|text| serde_json::from_str(text).ok())
        {
            *body = said;
        }
    }
    value
}

/// Goes down to the places that differ.
fn differ(expected: &Value, got: &Value, path: String, found: &mut Vec<Found>) {
    match (expected, got) {
        _ if expected == got => {}
        (Value::Object(expected), Value::Object(got)) => {
            let names: BTreeSet<_> = expected.keys().chain(got.keys()).collect();
            for name in names {
                differ_at(expected.get(name), got.get(name), member(&path, name), found);
            }
        }
        (Value::Array(expected), Value::Array(got)) => {
            for index in 0..expected.len().max(got.len()) {
                differ_at(expected.get(index), got.get(index), format!("{path}[{index}]"), found);
            }
        }
        _ => found.push(Found {
            path,
            expected: Some(expected.clone()),
            got: Some(got.clone()),
        }),
    }
}

fn differ_at(expected: Option<&Value>, got: Option<&Value>, path: String, found: &mut Vec<Found>) {
    match (expected, got) {
        (Some(expected), Some(got)) => differ(expected, got, path, found),
        _ => found.push(Found {
            path,
            expected: expected.cloned(),
            got: got.cloned(),
        }),
    }
}

/// A member's path: `a.b`, or `a["b c"]` for a name that would be misread.
fn member(path: &str, name: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '$');
    if !name.is_empty() && name.chars().all(plain) {
        format!("{path}.{name}")
    } else {
        format!("{path}[{}]", Value::from(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paths(expected: &Value, got: &Value) -> Vec<String> {
        let mut found = Vec::new();
        differ(expected, got, "it".to_owned(), &mut found);
        found
            .into_iter()
            .map(|Found { path, expected, got }| {
                format!("{path}: {} / {}", shown(expected.as_ref()), shown(got.as_ref()))
            })
            .collect()
    }

    #[test]
    fn a_difference_is_as_deep_as_it_can_be() {
        let expected = json!({ "a": [1, { "b": 2 }], "c d": null, "same": 1 });
        let got = json!({ "a": [1, { "b": 3 }, 4], "c d": 0, "same": 1, "e": true });
        assert_eq!(
            paths(&expected, &got),
            [
                "it.a[1].b: 2 / 3",
                "it.a[2]: nothing / 4",
                r#"it["c d"]: null / 0"#,
                "it.e: nothing / true",
            ]
        );
        assert_eq!(paths(&json!(1), &json!(1.0)), ["it: 1 / 1.0"]);
        assert!(paths(&expected, &expected).is_empty());
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let text = shown(Some(&Value::from("ü".repeat(1_000))));
        assert!(text.ends_with(".. (2002 bytes)"), "{text}");
        assert!(text.chars().count() < 400);
    }

    #[test]
    fn telemetry_is_compared_by_what_it_says() {
        let said = |body: &str| {
            effects(&[Effect::Telemetry {
                component: None,
                body: body.to_owned(),
                properties: Vec::new(),
            }])
        };
        assert_eq!(said(r#"{"a":1,"b":2}"#), said("{ \"b\": 2,\n\"a\": 1 }"));
        assert_ne!(said(r#"{"a":1}"#), said(r#"{"a":2}"#));
    }
}
