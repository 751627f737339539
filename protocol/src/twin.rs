//! Device twins: the desired properties that operators set, the reported ones that devices set, and how each is patched.
//!
//! Source: Microsoft, "Understand and use device twins in IoT Hub".

mod limits;

pub use limits::{LARGEST_SECTION, TwinError, check, size};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A JSON object: the properties of one side of a twin, or a patch of them.
pub type Document = Map<String, Value>;

const VERSION: &str = "$version";
const METADATA: &str = "$metadata";

/// One half of a twin, or a patch of it with the version that results.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Properties {
    /// The properties, without `$version` and `$metadata`.
    pub values: Document,
    /// Rises by one with each patch; 1 in a new twin.
    pub version: u64,
}

/// What a device sees of its twin.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Twin {
    /// Set by operators.
    pub desired: Properties,
    /// Set by the device.
    pub reported: Properties,
}

/// Why bytes are not a twin or a patch.
#[derive(Debug, thiserror::Error)]
pub enum TwinParseError {
    /// Not JSON.
    #[error("the twin document is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON, but not of the form a twin has.
    #[error("the twin document's {0} is missing or of the wrong type")]
    Shape(&'static str),
}

impl Properties {
    /// Reads a desired patch as the hub publishes it: properties beside `$version`, where `$metadata` is left out.
    pub fn parse(body: &[u8]) -> Result<Properties, TwinParseError> {
        Properties::from_json(serde_json::from_slice(body)?, "body")
    }

    fn from_json(json: Value, what: &'static str) -> Result<Properties, TwinParseError> {
        let Value::Object(mut values) = json else {
            return Err(TwinParseError::Shape(what));
        };
        let version = values
            .remove(VERSION)
            .as_ref()
            .and_then(Value::as_u64)
            .ok_or(TwinParseError::Shape("$version"))?;
        values.remove(METADATA);
        Ok(Properties { values, version })
    }

    /// The properties with `$version` beside them.
    pub fn to_json(&self) -> Value {
        let mut json = self.values.clone();
        json.insert(VERSION.to_owned(), self.version.into());
        Value::Object(json)
    }
}

impl Twin {
    /// Reads the answer to a twin request: `{"desired": {.., "$version": n}, "reported": {.., "$version": n}}`.
    pub fn parse(body: &[u8]) -> Result<Twin, TwinParseError> {
        let mut json: Document = serde_json::from_slice(body)?;
        let mut half = |name: &'static str| {
            let half = json.remove(name).ok_or(TwinParseError::Shape(name))?;
            Properties::from_json(half, name)
        };
        Ok(Twin {
            desired: half("desired")?,
            reported: half("reported")?,
        })
    }

    /// The answer to a twin request, as [`Twin::parse`] reads it.
    pub fn to_json(&self) -> Value {
        serde_json::json!({"desired": self.desired.to_json(), "reported": self.reported.to_json()})
    }
}

/// Applies `patch`: null deletes, objects merge deeply, every other value replaces.
///
/// This is JSON merge patch (RFC 7396): an object that is new loses its nulls too, so `target` never gains any.
pub fn merge(target: &mut Document, patch: &Document) {
    for (key, value) in patch {
        match value {
            Value::Null => {
                target.remove(key);
            }
            Value::Object(patch) => {
                let slot = target.entry(key).or_insert(Value::Null);
                if !slot.is_object() {
                    *slot = Value::Object(Document::new());
                }
                if let Value::Object(target) = slot {
                    merge(target, patch);
                }
            }
            value => {
                target.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The smallest patch with which [`merge`] turns `old` into `new`, where `new` holds no nulls.
pub fn difference(old: &Document, new: &Document) -> Document {
    let removed = old
        .keys()
        .filter(|key| !new.contains_key(*key))
        .map(|key| (key.clone(), Value::Null));
    let changed = new.iter().filter_map(|(key, new)| {
        let patch = match (old.get(key), new) {
            (Some(old), new) if old == new => return None,
            (Some(Value::Object(old)), Value::Object(new)) => Value::Object(difference(old, new)),
            (_, new) => new.clone(),
        };
        Some((key.clone(), patch))
    });
    removed.chain(changed).collect()
}

#[cfg(test)]
mod tests;
