//! What IoT Hub accepts in a twin.

use super::Document;
use serde_json::Value;

/// The most that desired and reported properties may each amount to, in bytes as [`size`] counts them.
pub const LARGEST_SECTION: usize = 32 * 1024;
/// The longest key, in bytes of UTF-8.
const LONGEST_KEY: usize = 1024;
/// The longest text value, in bytes of UTF-8.
const LONGEST_TEXT: usize = 4096;
/// How many objects may stand inside each other below the document itself.
const DEEPEST: usize = 10;
/// Integers beyond these bounds are refused.
const INTEGERS: std::ops::RangeInclusive<i64> = -4_503_599_627_370_496..=4_503_599_627_370_495;
/// How much of a key an error shows: an offending key may be of any length.
const SHOWN: usize = 64;

/// Which limit a document breaks. `key` is the path to the offender, its levels joined by `.`, shortened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TwinError {
    /// More than 32 KB in all.
    #[error("the document is {0} bytes, more than the 32768 that a twin section may have")]
    TooLarge(usize),
    /// More than ten objects inside each other.
    #[error("{key:?} lies deeper than 10 levels")]
    TooDeep {
        /// Where.
        key: String,
    },
    /// A key of more than 1 KB.
    #[error("the key that begins {key:?} is longer than 1024 bytes")]
    KeyTooLong {
        /// Where.
        key: String,
    },
    /// A key that is empty or holds a control character, `.`, `$` or a space.
    #[error("{key:?} is no property name: it is empty or holds a control character, '.', '$' or a space")]
    KeyForbidden {
        /// Where.
        key: String,
    },
    /// A text of more than 4 KB.
    #[error("the text in {key:?} is longer than 4096 bytes")]
    TextTooLong {
        /// Where.
        key: String,
    },
    /// An integer outside the hub's range.
    #[error("the integer in {key:?} is outside -4503599627370496..4503599627370495")]
    IntegerOutOfRange {
        /// Where.
        key: String,
    },
}

/// Whether the hub takes `patch` as desired or reported properties, whole or as a patch. A hub checks the patch, and then
/// the section it results in.
pub fn check(patch: &Document) -> Result<(), TwinError> {
    check_object(patch, "", 0)?;
    match bounded_size(patch) {
        size if size > LARGEST_SECTION => Err(TwinError::TooLarge(size)),
        _ => Ok(()),
    }
}

fn check_object(object: &Document, path: &str, depth: usize) -> Result<(), TwinError> {
    if depth > DEEPEST {
        return Err(TwinError::TooDeep { key: shown(path) });
    }
    object.iter().try_for_each(|(key, value)| {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        check_key(key, &path)?;
        check_value(value, &path, depth)
    })
}

fn check_key(key: &str, path: &str) -> Result<(), TwinError> {
    if key.len() > LONGEST_KEY {
        return Err(TwinError::KeyTooLong { key: shown(path) });
    }
    if key.is_empty() || key.contains(|c: char| c.is_control() || matches!(c, '.' | '$' | ' ')) {
        return Err(TwinError::KeyForbidden { key: shown(path) });
    }
    Ok(())
}

fn check_value(value: &Value, path: &str, depth: usize) -> Result<(), TwinError> {
    match value {
        Value::Object(object) => check_object(object, path, depth + 1),
        Value::Array(items) => items.iter().try_for_each(|item| check_value(item, path, depth)),
        Value::String(text) if text.len() > LONGEST_TEXT => Err(TwinError::TextTooLong { key: shown(path) }),
        Value::Number(number) if !number.is_f64() && !number.as_i64().is_some_and(|n| INTEGERS.contains(&n)) => {
            Err(TwinError::IntegerOutOfRange { key: shown(path) })
        }
        _ => Ok(()),
    }
}

fn shown(path: &str) -> String {
    match path.char_indices().nth(SHOWN) {
        Some((end, _)) => path.get(..end).map(|start| format!("{start}..")).unwrap_or_default(),
        None => path.to_owned(),
    }
}

/// The size of a document in bytes as IoT Hub counts it: keys and texts in UTF-8 without control characters, eight for a
/// number, four for a boolean.
pub fn size(document: &Document) -> usize {
    document
        .iter()
        .map(|(key, value)| text_size(key) + value_size(value))
        .sum()
}

/// The same, but no less than a quarter of the document's length as text. Nulls and control characters cost nothing in
/// the hub's way of counting, and a document of them would have no end; numbers, at most 24 characters for eight bytes,
/// stay well within.
fn bounded_size(document: &Document) -> usize {
    // A document of JSON values always has a JSON text.
    let text = serde_json::to_string(document).map_or(usize::MAX, |text| text.len());
    size(document).max(text / 4)
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text_size(text),
        Value::Array(items) => items.iter().map(value_size).sum(),
        Value::Object(object) => size(object),
    }
}

fn text_size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_control()).map(char::len_utf8).sum()
}
