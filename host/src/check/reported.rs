//! What stands in a patch of reported properties.

use serde_json::Value;
use setpoint_protocol::twin::Document;

use crate::effect::Member;

/// One property of a patch.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reported {
    /// A value, as of a read-only property.
    Plain(Value),
    /// The answer to a desired value, or a default.
    Acknowledged(Ack),
}

/// An acknowledgement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ack {
    pub(super) status: u64,
    pub(super) version: u64,
    pub(super) value: Value,
}

impl Ack {
    /// Whether the value was taken, or is being taken.
    pub(super) fn is_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn is_refused(&self) -> bool {
        (400..600).contains(&self.status)
    }
}

/// The properties of a patch, those of components too.
pub(super) fn members(patch: &Document) -> Vec<(Member, Reported)> {
    let mut members = Vec::new();
    for (name, value) in patch {
        match value {
            Value::Object(inside) if inside.get("__t").and_then(Value::as_str) == Some("c") => {
                let inside = inside.iter().filter(|(key, _)| *key != "__t");
                members.extend(inside.map(|(key, value)| (member(Some(name), key), reported(value))));
            }
            _ => members.push((member(None, name), reported(value))),
        }
    }
    members
}

/// A member, by its parts.
pub(super) fn member(component: Option<&str>, name: &str) -> Member {
    Member {
        component: component.map(str::to_owned),
        name: name.to_owned(),
    }
}

/// Source: "IoT Plug and Play conventions", writable properties.
fn reported(value: &Value) -> Reported {
    let number = |key: &str| value.get(key).and_then(Value::as_u64);
    match (number("ac"), number("av"), value.get("value")) {
        (Some(status), Some(version), Some(value)) => Reported::Acknowledged(Ack {
            status,
            version,
            value: value.clone(),
        }),
        _ => Reported::Plain(value.clone()),
    }
}

/// Whether two values are the same to a device: numbers by what they amount to, and those with decimals as near as
/// programs that read and write them come, for not all do so to the last bit.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    /// Of the larger one.
    const TOLERANCE: f64 = 1e-9;
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => match (x.as_i64(), y.as_i64()) {
            (Some(x), Some(y)) => x == y,
            _ => match (x.as_f64(), y.as_f64()) {
                // Halved, because the distance of two doubles need not be a double.
                (Some(x), Some(y)) => (x / 2.0 - y / 2.0).abs() <= x.abs().max(y.abs()) * TOLERANCE,
                _ => false,
            },
        },
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_values_acknowledgements_and_components_are_told_apart() {
        let patch = json!({
            "plain": { "value": 1 }, "answer": { "value": 1, "ac": 200, "av": 2, "ad": null },
            "part": { "__t": "c", "inside": 3 },
        });
        let ack = Ack {
            status: 200,
            version: 2,
            value: json!(1),
        };
        let mut found = members(patch.as_object().unwrap());
        found.sort_by_key(|(member, _)| member.to_string());
        assert_eq!(
            found,
            [
                (member(None, "answer"), Reported::Acknowledged(ack)),
                (member(Some("part"), "inside"), Reported::Plain(json!(3))),
                (member(None, "plain"), Reported::Plain(json!({ "value": 1 }))),
            ]
        );
    }

    #[test]
    fn numbers_are_the_same_by_what_they_amount_to() {
        assert!(
            same(&json!(20), &json!(20.0)) && same(&json!({ "a": [0.1] }), &json!({ "a": [0.100_000_000_000_01] }))
        );
        assert!(same(&json!(f64::MAX), &json!(f64::MAX)) && !same(&json!(f64::MAX), &json!(f64::MIN)));
        let large = (1_i64 << 53) + 1;
        assert!(!same(&json!(large), &json!(large - 1)) && !same(&json!(0), &json!(f64::MIN_POSITIVE)));
        assert!(
            !same(&json!(1), &json!("1"))
                && !same(&json!([1]), &json!([1, 1]))
                && !same(&json!({}), &json!({ "a": 1 }))
        );
    }
}
