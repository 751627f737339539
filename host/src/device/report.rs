//! Properties and acknowledgements as patches of the reported properties.
//!
//! Source: "IoT Plug and Play conventions": a writable property is answered by
//! `{"name": {"value": .., "ac": 200, "av": 2, "ad": ".."}}`; a component is an object with `"__t": "c"`.

use serde_json::{Value, json};
use setpoint_protocol::twin::Document;

use crate::effect::Member;

/// A writable property's answer, as it stands in the twin.
pub(super) fn acknowledgement(value: Value, status: u16, version: u64, description: Option<String>) -> Value {
    // A null description removes an older one, which would otherwise stay and be wrong.
    json!({ "value": value, "ac": status, "av": version, "ad": description })
}

/// Patches of one event, as few as keep their meaning.
#[derive(Debug, Default)]
pub(super) struct Patches {
    patches: Vec<(Document, usize)>,
}

/// A patch is not made larger than this by adding to it; the hub takes 32 KB in all.
const MERGED_BYTES: usize = 16 * 1024;

impl Patches {
    /// Adds a property to the last patch, or begins another when the same property is in that one already: the hub merges
    /// objects, so two values of one property are not the same as the second alone.
    pub(super) fn add(&mut self, property: Member, value: Value) {
        let bytes = property.name.len() + value.to_string().len();
        match self.patches.last_mut() {
            Some((patch, used)) if !has(patch, &property) && used.saturating_add(bytes) <= MERGED_BYTES => {
                *used += bytes;
                put(patch, property, value);
            }
            _ => {
                let mut patch = Document::new();
                put(&mut patch, property, value);
                self.patches.push((patch, bytes));
            }
        }
    }

    /// The patches, each with its size in bytes, in order.
    pub(super) fn take(&mut self) -> Vec<(Document, usize)> {
        std::mem::take(&mut self.patches)
    }
}

fn has(patch: &Document, property: &Member) -> bool {
    match &property.component {
        None => patch.contains_key(&property.name),
        Some(component) => match patch.get(component) {
            Some(Value::Object(members)) => !is_component(members) || members.contains_key(&property.name),
            other => other.is_some(),
        },
    }
}

fn put(patch: &mut Document, property: Member, value: Value) {
    match property.component {
        None => {
            patch.insert(property.name, value);
        }
        Some(component) => {
            let members = patch.entry(component).or_insert_with(|| json!({ "__t": "c" }));
            if let Value::Object(members) = members {
                members.insert(property.name, value);
            }
        }
    }
}

/// Whether an object in a twin is a component rather than a value.
pub(super) fn is_component(members: &Document) -> bool {
    members.get("__t").and_then(Value::as_str) == Some("c")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patches(properties: &[(Option<&str>, &str, Value)]) -> Vec<Value> {
        let mut patches = Patches::default();
        for (component, name, value) in properties {
            let property = Member {
                component: component.map(str::to_owned),
                name: (*name).to_owned(),
            };
            patches.add(property, value.clone());
        }
        patches
            .take()
            .into_iter()
            .map(|(patch, _)| Value::Object(patch))
            .collect()
    }

    #[test]
    fn properties_of_one_event_share_a_patch() {
        assert_eq!(
            patches(&[(None, "a", json!(1)), (None, "b", json!(null))]),
            [json!({ "a": 1, "b": null })]
        );
    }

    #[test]
    fn components_are_marked() {
        assert_eq!(
            patches(&[
                (Some("t1"), "max", json!(1)),
                (Some("t1"), "min", json!(0)),
                (None, "serial", json!("s"))
            ]),
            [json!({ "t1": { "__t": "c", "max": 1, "min": 0 }, "serial": "s" })]
        );
    }

    #[test]
    fn the_same_property_twice_makes_two_patches() {
        assert_eq!(
            patches(&[(None, "a", json!({"x": 1})), (None, "a", json!({"y": 1}))]).len(),
            2
        );
        assert_eq!(
            patches(&[(Some("c"), "a", json!(1)), (Some("c"), "a", json!(2))]).len(),
            2
        );
        assert_eq!(patches(&[(None, "c", json!(1)), (Some("c"), "a", json!(2))]).len(), 2);
    }

    #[test]
    fn an_acknowledgement_stands_as_the_conventions_say() {
        let ack = acknowledgement(json!(42.5), 200, 2, Some("done".into()));
        assert_eq!(ack, json!({ "value": 42.5, "ac": 200, "av": 2, "ad": "done" }));
    }
}
