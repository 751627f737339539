//! One device's twin: tags, desired and reported properties, with versions and the time each value was set.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use setpoint_protocol::twin::{self, Document, Properties};

use super::{HubError, device::etag};

/// Most bytes of tags (IoT Hub: 8 KB).
const TAGS_LIMIT: usize = 8 * 1024;

/// One half of the twin and when each of its values was set.
#[derive(Serialize, Deserialize)]
pub(super) struct Half {
    pub(super) properties: Properties,
    metadata: Document,
}

/// What a service writes into a twin: either part may be left out.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) tags: Option<Document>,
    pub(super) desired: Option<Document>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TwinState {
    tags: Document,
    pub(super) desired: Half,
    pub(super) reported: Half,
    /// Counts every change to the twin.
    version: u64,
    /// Counts the changes a service made; the ETag.
    service_version: u64,
}

impl Half {
    fn new(now: DateTime<Utc>) -> Half {
        let metadata = Map::from_iter([("$lastUpdated".to_owned(), stamp(now))]);
        Half {
            properties: Properties {
                values: Map::new(),
                version: 1,
            },
            metadata,
        }
    }

    /// Puts `values` in place of the present ones; `patch` says which of them were written. `versioned` halves say in
    /// their metadata which version set a value, as the hub does for desired properties only.
    fn put(&mut self, values: Document, patch: &Document, versioned: bool, now: DateTime<Utc>) {
        self.properties.values = values;
        self.properties.version += 1;
        let version = versioned.then_some(self.properties.version);
        mark(&mut self.metadata, patch, version, now);
    }

    /// The half as the service API shows it.
    fn to_json(&self) -> Value {
        let mut shown = self.properties.values.clone();
        shown.insert("$metadata".to_owned(), Value::Object(self.metadata.clone()));
        shown.insert("$version".to_owned(), json!(self.properties.version));
        Value::Object(shown)
    }
}

impl TwinState {
    pub(super) fn new(now: DateTime<Utc>) -> TwinState {
        TwinState {
            tags: Map::new(),
            desired: Half::new(now),
            reported: Half::new(now),
            version: 1,
            service_version: 1,
        }
    }

    /// Something else whenever anything has changed, also when another twin of the same version has taken this one's place.
    pub(super) fn mark(&self) -> (u64, [Option<Value>; 2]) {
        let updated = |half: &Half| half.metadata.get("$lastUpdated").cloned();
        (self.version, [updated(&self.desired), updated(&self.reported)])
    }

    /// The ETag, without quotes.
    pub(super) fn etag(&self) -> String {
        etag(self.service_version)
    }

    /// Tags, halves, ETag and version in the hub's shape.
    pub(super) fn to_json(&self) -> Document {
        Map::from_iter([
            ("etag".to_owned(), json!(self.etag())),
            ("version".to_owned(), json!(self.version)),
            ("tags".to_owned(), Value::Object(self.tags.clone())),
            (
                "properties".to_owned(),
                json!({"desired": self.desired.to_json(), "reported": self.reported.to_json()}),
            ),
        ])
    }

    /// Merges a device's report in; the new version.
    pub(super) fn report(&mut self, patch: &Document, now: DateTime<Utc>) -> Result<u64, HubError> {
        let values = merged(&self.reported.properties.values, patch)?;
        self.reported.put(values, patch, false, now);
        self.version += 1;
        Ok(self.reported.properties.version)
    }

    /// Merges a service's change in; the desired patch to tell the device, when there is one.
    pub(super) fn patch(&mut self, change: Change, now: DateTime<Utc>) -> Result<Option<Document>, HubError> {
        let tags = change.tags.map(|patch| merged_tags(&self.tags, &patch)).transpose()?;
        let desired = match change.desired {
            Some(patch) => Some((merged(&self.desired.properties.values, &patch)?, patch)),
            None => None,
        };
        Ok(self.put(tags, desired, now))
    }

    /// Puts a service's tags and desired properties in place of the present ones; the patch that brings the device there.
    pub(super) fn replace(&mut self, change: Change, now: DateTime<Utc>) -> Result<Option<Document>, HubError> {
        let tags = change.tags.map(|tags| merged_tags(&Map::new(), &tags)).transpose()?;
        let desired = match change.desired {
            Some(wanted) => {
                let values = merged(&Map::new(), &wanted)?;
                let patch = twin::difference(&self.desired.properties.values, &values);
                Some((values, patch))
            }
            None => None,
        };
        Ok(self.put(tags, desired, now))
    }

    fn put(
        &mut self,
        tags: Option<Document>,
        desired: Option<(Document, Document)>,
        now: DateTime<Utc>,
    ) -> Option<Document> {
        self.tags = tags.unwrap_or_else(|| std::mem::take(&mut self.tags));
        self.version += 1;
        self.service_version += 1;
        let (values, patch) = desired?;
        self.desired.put(values, &patch, true, now);
        Some(patch)
    }
}

/// `patch` over `old`, both within the limits.
fn merged(old: &Document, patch: &Document) -> Result<Document, HubError> {
    twin::check(patch)?;
    let mut values = old.clone();
    twin::merge(&mut values, patch);
    twin::check(&values)?;
    Ok(values)
}

fn merged_tags(old: &Document, patch: &Document) -> Result<Document, HubError> {
    let tags = merged(old, patch)?;
    let size = Value::Object(tags.clone()).to_string().len();
    if size > TAGS_LIMIT {
        return Err(HubError::TooLarge(format!(
            "the tags take {size} bytes: at most {TAGS_LIMIT} are allowed"
        )));
    }
    Ok(tags)
}

/// Writes into `metadata` that the values of `patch` were set now, and removes what the patch removes.
fn mark(metadata: &mut Document, patch: &Document, version: Option<u64>, now: DateTime<Utc>) {
    metadata.insert("$lastUpdated".to_owned(), stamp(now));
    if let Some(version) = version {
        metadata.insert("$lastUpdatedVersion".to_owned(), json!(version));
    }
    for (name, value) in patch {
        if value.is_null() {
            metadata.remove(name);
            continue;
        }
        let empty = Map::new();
        let inner = value.as_object().unwrap_or(&empty);
        let slot = metadata
            .entry(name.as_str())
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(slot) = slot {
            if !value.is_object() {
                slot.clear();
            }
            mark(slot, inner, version, now);
        }
    }
}

fn stamp(now: DateTime<Utc>) -> Value {
    Value::String(now.to_rfc3339_opts(SecondsFormat::Micros, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(value: Value) -> Document {
        value.as_object().unwrap().clone()
    }

    fn desired(value: Value) -> Change {
        Change {
            desired: Some(document(value)),
            tags: None,
        }
    }

    #[test]
    fn a_patch_merges_and_counts() {
        let mut twin = TwinState::new(Utc::now());
        twin.patch(desired(json!({"a": {"x": 1, "y": 2}, "b": 1})), Utc::now())
            .unwrap();
        let told = twin
            .patch(desired(json!({"a": {"x": null}, "b": 2})), Utc::now())
            .unwrap();
        assert_eq!(told, Some(document(json!({"a": {"x": null}, "b": 2}))));
        assert_eq!(
            Value::Object(twin.desired.properties.values.clone()),
            json!({"a": {"y": 2}, "b": 2})
        );
        assert_eq!(twin.desired.properties.version, 3);
        assert_eq!(twin.etag(), "AAAAAAAAAAM=");
    }

    #[test]
    fn metadata_follows_the_values() {
        let mut twin = TwinState::new(Utc::now());
        twin.patch(desired(json!({"a": {"x": 1}, "b": 1})), Utc::now()).unwrap();
        twin.patch(desired(json!({"b": null})), Utc::now()).unwrap();
        let shown = Value::Object(twin.to_json());
        let metadata = &shown["properties"]["desired"]["$metadata"];
        assert_eq!(metadata["a"]["x"]["$lastUpdatedVersion"], json!(2));
        assert_eq!(metadata["b"], Value::Null);
        assert_eq!(metadata["$lastUpdatedVersion"], json!(3));
    }

    #[test]
    fn replacing_tells_the_device_what_changed() {
        let mut twin = TwinState::new(Utc::now());
        twin.patch(desired(json!({"a": 1, "b": 2})), Utc::now()).unwrap();
        let told = twin.replace(desired(json!({"b": 3})), Utc::now()).unwrap();
        assert_eq!(told, Some(document(json!({"a": null, "b": 3}))));
        assert_eq!(Value::Object(twin.desired.properties.values.clone()), json!({"b": 3}));
    }

    #[test]
    fn many_small_reports_cannot_pass_the_limit_one_large_one_cannot_pass() {
        let mut twin = TwinState::new(Utc::now());
        let text = "x".repeat(4000);
        let refused = (0..9).find_map(|n| {
            twin.report(&document(json!({ format!("k{n}"): text })), Utc::now())
                .err()
        });
        assert!(matches!(refused, Some(HubError::TooLarge(_))), "{refused:?}");
    }

    #[test]
    fn a_refused_change_changes_nothing() {
        let mut twin = TwinState::new(Utc::now());
        let change = Change {
            tags: Some(document(json!({"site": "a"}))),
            desired: Some(document(json!({"a.b": 1}))),
        };
        assert!(twin.patch(change, Utc::now()).is_err());
        assert_eq!(twin.etag(), "AAAAAAAAAAE=");
        assert_eq!(Value::Object(twin.to_json())["tags"], json!({}));
    }

    #[test]
    fn tags_have_their_own_limit() {
        let mut twin = TwinState::new(Utc::now());
        let parts: Map<_, _> = (0..3).map(|n| (format!("k{n}"), json!("x".repeat(3000)))).collect();
        let refused = twin.patch(
            Change {
                tags: Some(parts),
                desired: None,
            },
            Utc::now(),
        );
        assert!(matches!(refused, Err(HubError::TooLarge(_))));
    }
}
