//! The desired properties, and what changed in them.

use std::collections::BTreeMap;

use serde_json::Value;
use setpoint_protocol::twin::{Document, Properties, merge};

use super::report::is_component;
use crate::effect::{DesiredValue, Member};

/// The desired half of the twin, as far as the guest has been told.
#[derive(Debug, Default)]
pub(super) struct Desired {
    document: Document,
    version: u64,
    /// Whether this connection has shown the whole twin. Until it has, a version that went back means that the hub has
    /// begun anew, say because the device was deleted and made again; afterwards, that an answer came late.
    read: bool,
}

/// What a patch meant.
#[derive(Debug, PartialEq)]
pub(super) enum Patched {
    /// The guest is to be told these.
    Changes(Vec<DesiredValue>),
    /// It is older than what is known, and was left alone.
    Stale,
    /// Patches in between are missing, so the whole twin must be read.
    Gap,
}

impl Desired {
    /// The whole document was read: everything that differs from what was known.
    pub(super) fn replace(&mut self, properties: Properties) -> Vec<DesiredValue> {
        let began_anew = properties.version < self.version;
        if began_anew && self.read {
            return Vec::new();
        }
        self.read = true;
        let old = std::mem::replace(&mut self.document, properties.values);
        self.version = properties.version;
        let (old, new) = (flatten(&old), flatten(&self.document));
        let removed = old
            .keys()
            .filter(|member| !new.contains_key(*member))
            .map(|member| (member.clone(), None));
        let changed = new
            .iter()
            .filter(|(member, value)| began_anew || old.get(*member) != Some(value));
        let changed = changed.map(|(member, value)| (member.clone(), Some((*value).clone())));
        let version = self.version;
        let told = |(property, value)| DesiredValue {
            property: unkey(property),
            value,
            version,
        };
        removed.chain(changed).map(told).collect()
    }

    /// Everything there is, for an instance that has been told nothing yet.
    pub(super) fn all(&self) -> Vec<DesiredValue> {
        let told = |(property, value): (Key, &Value)| DesiredValue {
            property: unkey(property),
            value: Some(value.clone()),
            version: self.version,
        };
        flatten(&self.document).into_iter().map(told).collect()
    }

    /// The connection is gone, and the next one may show another twin.
    pub(super) fn connection_lost(&mut self) {
        self.read = false;
    }

    /// A patch came. Every property it names counts as changed, also one set to the value it had: whoever set it waits for
    /// an acknowledgement of this version.
    pub(super) fn patch(&mut self, patch: &Document, version: u64) -> Patched {
        if version <= self.version {
            return Patched::Stale;
        }
        if version > self.version.saturating_add(1) {
            return Patched::Gap;
        }
        let named: Vec<Member> = patch.iter().flat_map(|(name, value)| self.named(name, value)).collect();
        merge(&mut self.document, patch);
        self.version = version;
        let told = |property: Member| {
            let value = self.value(&property).cloned();
            DesiredValue {
                property,
                value,
                version,
            }
        };
        Patched::Changes(named.into_iter().map(told).collect())
    }

    /// The properties that one member of a patch speaks of.
    fn named(&self, name: &str, value: &Value) -> Vec<Member> {
        let known = self
            .document
            .get(name)
            .and_then(Value::as_object)
            .filter(|members| is_component(members));
        let inside = |members: &Document| {
            let names = members.keys().filter(|key| *key != "__t");
            names
                .map(|key| Member {
                    component: Some(name.to_owned()),
                    name: key.clone(),
                })
                .collect()
        };
        match (value, known) {
            (Value::Object(members), Some(_)) => inside(members),
            (Value::Object(members), None) if is_component(members) => inside(members),
            (Value::Null, Some(members)) => inside(members),
            _ => vec![Member::named(name)],
        }
    }

    fn value(&self, property: &Member) -> Option<&Value> {
        match &property.component {
            None => self.document.get(&property.name),
            Some(component) => self.document.get(component)?.as_object()?.get(&property.name),
        }
    }
}

/// A member, ordered as the guest is told of it: by component, then by name.
type Key = (Option<String>, String);

fn unkey((component, name): Key) -> Member {
    Member { component, name }
}

/// Every property of a document, with those of its components.
fn flatten(document: &Document) -> BTreeMap<Key, &Value> {
    let mut properties = BTreeMap::new();
    for (name, value) in document {
        match value {
            Value::Object(members) if is_component(members) => {
                let inside = members.iter().filter(|(key, _)| *key != "__t");
                properties.extend(inside.map(|(key, value)| ((Some(name.clone()), key.clone()), value)));
            }
            _ => {
                properties.insert((None, name.clone()), value);
            }
        }
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(value: Value) -> Document {
        value.as_object().unwrap().clone()
    }

    fn known(values: Value, version: u64) -> Desired {
        Desired {
            document: document(values),
            version,
            read: true,
        }
    }

    fn told(values: Vec<DesiredValue>) -> Vec<(String, Option<Value>)> {
        values
            .into_iter()
            .map(|desired| (desired.property.to_string(), desired.value))
            .collect()
    }

    fn patched(desired: &mut Desired, patch: Value, version: u64) -> Vec<(String, Option<Value>)> {
        match desired.patch(&document(patch), version) {
            Patched::Changes(changes) => told(changes),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_document_is_told_whole() {
        let values = document(json!({ "a": 1, "c": { "__t": "c", "b": 2 } }));
        let changes = Desired::default().replace(Properties { values, version: 4 });
        assert!(changes.iter().all(|change| change.version == 4));
        assert_eq!(
            told(changes),
            [("a".into(), Some(json!(1))), ("c*b".into(), Some(json!(2)))]
        );
    }

    #[test]
    fn a_document_read_again_tells_differences_only() {
        let mut desired = known(json!({ "same": 1, "gone": 2, "other": 3 }), 4);
        let values = document(json!({ "same": 1, "other": 4 }));
        let changes = desired.replace(Properties { values, version: 6 });
        assert_eq!(told(changes), [("gone".into(), None), ("other".into(), Some(json!(4)))]);
    }

    #[test]
    fn an_older_document_changes_nothing() {
        let mut desired = known(json!({ "a": 1 }), 4);
        assert_eq!(
            desired.replace(Properties {
                values: Document::new(),
                version: 3
            }),
            []
        );
        assert_eq!(desired.version, 4);
    }

    #[test]
    fn a_hub_that_began_anew_is_believed_after_a_reconnect() {
        let mut desired = known(json!({ "a": 1, "gone": 2 }), 7);
        desired.connection_lost();
        let values = document(json!({ "a": 1 }));
        let changes = desired.replace(Properties { values, version: 1 });
        assert_eq!(told(changes), [("gone".into(), None), ("a".into(), Some(json!(1)))]);
        assert_eq!(
            patched(&mut desired, json!({ "a": 2 }), 2),
            [("a".into(), Some(json!(2)))]
        );
    }

    #[test]
    fn setting_the_same_value_again_is_told() {
        let mut desired = known(json!({ "a": 1 }), 4);
        assert_eq!(
            patched(&mut desired, json!({ "a": 1 }), 5),
            [("a".into(), Some(json!(1)))]
        );
    }

    #[test]
    fn a_nested_null_removes_inside_the_value() {
        let mut desired = known(json!({ "a": { "x": 1, "y": 2 } }), 4);
        assert_eq!(
            patched(&mut desired, json!({ "a": { "x": null } }), 5),
            [("a".into(), Some(json!({ "y": 2 })))]
        );
        assert_eq!(patched(&mut desired, json!({ "a": null }), 6), [("a".into(), None)]);
    }

    #[test]
    fn a_component_removed_removes_each_of_its_properties() {
        let mut desired = known(json!({ "c": { "__t": "c", "a": 1, "b": 2 } }), 4);
        assert_eq!(
            patched(&mut desired, json!({ "c": null }), 5),
            [("c*a".into(), None), ("c*b".into(), None)]
        );
    }

    #[test]
    fn a_patch_of_a_known_component_needs_no_mark() {
        let mut desired = known(json!({ "c": { "__t": "c", "a": 1 } }), 4);
        assert_eq!(
            patched(&mut desired, json!({ "c": { "a": 2 } }), 5),
            [("c*a".into(), Some(json!(2)))]
        );
    }

    #[test]
    fn old_patches_and_gaps_are_seen() {
        let mut desired = known(json!({}), 4);
        let patch = document(json!({ "a": 1 }));
        assert_eq!(desired.patch(&patch, 4), Patched::Stale);
        assert_eq!(desired.patch(&patch, 6), Patched::Gap);
        assert_eq!(desired.version, 4);
    }
}
