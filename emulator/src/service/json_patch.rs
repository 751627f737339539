//! JSON patches of digital twins, as changes of the desired properties.
//!
//! Source: RFC 6902, and Microsoft, "Manage IoT Plug and Play digital twins": properties and components are added, replaced and
//! removed at the root or in a component; a component that is added has an empty `$metadata`.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use setpoint_protocol::Document;
use setpoint_protocol::twin::difference;

use super::failure::Failure;

/// One step of a patch.
#[derive(Debug, Deserialize)]
pub(super) struct Operation {
    op: Kind,
    path: String,
    #[serde(default)]
    value: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Add,
    Replace,
    Remove,
}

/// The change of a twin that a patch amounts to. `twin` is the whole twin as it is.
pub(super) fn desired_change(twin: &Value, operations: Vec<Operation>) -> Result<Document, Failure> {
    let mut desired = Document::new();
    for operation in operations {
        combine(&mut desired, step(twin, operation)?);
    }
    let properties = json!({ "desired": desired });
    Ok(Map::from_iter([("properties".to_owned(), properties)]))
}

/// Two patches as one: what the second says counts, and nulls, which delete, stay.
fn combine(first: &mut Document, second: Document) {
    for (name, value) in second {
        match (first.get_mut(&name), value) {
            (Some(Value::Object(first)), Value::Object(second)) => combine(first, second),
            (_, value) => {
                first.insert(name, value);
            }
        }
    }
}

/// What one step writes into the desired properties.
fn step(twin: &Value, operation: Operation) -> Result<Document, Failure> {
    let Operation { op, path, value } = operation;
    let levels = levels(&path)?;
    let (name, below) = levels
        .split_first()
        .ok_or_else(|| Failure::invalid("a path of the patch is empty: it must name a property"))?;
    let value = match (op, value) {
        (Kind::Remove, _) => Value::Null,
        (_, Some(value)) => value,
        (_, None) => return Err(Failure::invalid(format!("{path} is added or replaced by no value"))),
    };
    let wanted = if below.is_empty() {
        let value = match value {
            Value::Object(component) if component.contains_key("$metadata") => as_component(component),
            other => other,
        };
        whole(twin, name, value)
    } else {
        let inner = below
            .iter()
            .rev()
            .fold(value, |value, level| json!({ level.clone(): value }));
        match (known(twin, name), inner) {
            (Known::Component, Value::Object(inner)) => as_component(inner),
            (Known::Object, inner) => inner,
            _ => {
                return Err(Failure::invalid(format!(
                    "'{name}' is no component or object of the twin: add it first, a component with an empty $metadata"
                )));
            }
        }
    };
    Ok(Map::from_iter([(name.clone(), wanted)]))
}

/// What puts a value in the place of the one that is there: twins merge objects, JSON patches do not.
fn whole(twin: &Value, name: &str, value: Value) -> Value {
    let old = twin
        .pointer("/properties/desired")
        .and_then(|desired| desired.get(name));
    match (old, value) {
        (Some(Value::Object(old)), Value::Object(new)) => Value::Object(difference(old, &new)),
        (_, value) => value,
    }
}

/// The levels of a JSON pointer.
fn levels(path: &str) -> Result<Vec<String>, Failure> {
    let path = path
        .strip_prefix('/')
        .ok_or_else(|| Failure::invalid(format!("{path:?} is no path: it must begin with /")))?;
    Ok(path
        .split('/')
        .map(|level| level.replace("~1", "/").replace("~0", "~"))
        .collect())
}

/// Components are marked in twins; their metadata is the hub's.
fn as_component(mut component: Map<String, Value>) -> Value {
    component.remove("$metadata");
    component.insert("__t".to_owned(), json!("c"));
    Value::Object(component)
}

enum Known {
    Component,
    Object,
    Nothing,
}

/// What `name` is in either half of the twin.
fn known(twin: &Value, name: &str) -> Known {
    let halves = ["desired", "reported"].map(|half| twin.get("properties")?.get(half)?.get(name)?.as_object());
    let mut known = Known::Nothing;
    for half in halves.into_iter().flatten() {
        if half.get("__t").is_some_and(|mark| mark == "c") {
            return Known::Component;
        }
        known = Known::Object;
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(operations: Value) -> Result<Value, Failure> {
        let twin = json!({"properties": {
            "desired": {"limits": {"low": 1}},
            "reported": {"thermostat1": {"__t": "c", "maxTemp": 3}},
        }});
        let operations = serde_json::from_value(operations).unwrap();
        desired_change(&twin, operations).map(|change| change["properties"]["desired"].clone())
    }

    #[test]
    fn properties_are_set_and_removed_at_the_root_and_in_components() {
        let changed = change(json!([
            {"op": "add", "path": "/targetTemperature", "value": 42},
            {"op": "replace", "path": "/thermostat1/targetTemperature", "value": 21.5},
            {"op": "remove", "path": "/thermostat1/other"},
            {"op": "replace", "path": "/limits/low", "value": 2},
            {"op": "remove", "path": "/gone"},
        ]))
        .unwrap();
        assert_eq!(
            changed,
            json!({
                "targetTemperature": 42,
                "thermostat1": {"__t": "c", "targetTemperature": 21.5, "other": null},
                "limits": {"low": 2},
                "gone": null,
            })
        );
    }

    #[test]
    fn a_new_component_is_marked_as_one() {
        let changed = change(json!([{"op": "add", "path": "/thermostat2", "value": {"t": 1, "$metadata": {}}}]));
        assert_eq!(changed.unwrap(), json!({"thermostat2": {"t": 1, "__t": "c"}}));
    }

    #[test]
    fn an_object_takes_the_place_of_the_old_one() {
        let changed = change(json!([{"op": "replace", "path": "/limits", "value": {"high": 9}}]));
        assert_eq!(changed.unwrap(), json!({"limits": {"low": null, "high": 9}}));
    }

    #[test]
    fn what_is_no_patch_is_refused() {
        for bad in [
            json!([{"op": "add", "path": "x", "value": 1}]),
            json!([{"op": "add", "path": "/x"}]),
            json!([{"op": "add", "path": "/nothing/there", "value": 1}]),
        ] {
            assert!(change(bad.clone()).is_err(), "{bad}");
        }
    }
}
