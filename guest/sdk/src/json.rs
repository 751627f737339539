//! JSON documents, kept as the text they arrived in.

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use std::fmt;

/// A JSON document (RFC 8259).
///
/// It holds the text itself, because valid JSON may say more than a [`Value`] can hold: `1e999` is a number, but no
/// `f64`. A device can therefore pass on what it was sent unchanged, and learns at [`decode`](Json::decode) whether it
/// can use it.
#[derive(Clone)]
pub struct Json(String);

impl Json {
    /// Checks that `text` is one JSON document.
    ///
    /// # Errors
    /// Says what is wrong, and where.
    pub fn parse(text: impl Into<String>) -> Result<Json, JsonError> {
        let text = text.into();
        serde_json::from_str::<IgnoredAny>(&text)?;
        Ok(Json(text))
    }

    /// What the host hands over is valid by contract.
    #[cfg(target_family = "wasm")]
    pub(crate) fn from_host(text: String) -> Json {
        Json(text)
    }

    /// Writes `value` as a document, at once: a [`Value`] of it would take several times as long.
    ///
    /// ```
    /// # use setpoint_guest::Json;
    /// #[derive(serde::Serialize)]
    /// struct Reading {
    ///     temperature: f64,
    /// }
    ///
    /// assert_eq!(Json::of(&Reading { temperature: 21.5 }).unwrap().as_str(), r#"{"temperature":21.5}"#);
    /// ```
    ///
    /// # Errors
    /// There is no JSON for it: a map whose keys are no texts, or what its own code says.
    pub fn of(value: &impl Serialize) -> Result<Json, JsonError> {
        Ok(Json(serde_json::to_string(value)?))
    }

    /// Reads the document as a `T`.
    ///
    /// # Errors
    /// Says which type was expected and what was found in its place.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        Ok(serde_json::from_str(&self.0)?)
    }

    /// The document's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document's text.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Null, which this contract writes as no value at all, becomes none.
    pub(crate) fn unless_null(self) -> Option<Json> {
        (self.0.trim_ascii() != "null").then_some(self)
    }
}

impl<T: Into<Value>> From<T> for Json {
    fn from(value: T) -> Json {
        Json(value.into().to_string())
    }
}

/// Two documents are equal when they hold the same value, however they are written. 22 and 22.0 differ.
impl PartialEq for Json {
    fn eq(&self, other: &Json) -> bool {
        match (self.decode::<Value>(), other.decode::<Value>()) {
            (Ok(mine), Ok(theirs)) => mine == theirs,
            _ => self.0 == other.0,
        }
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A document that is not JSON, or not of the type wanted, or a value that JSON cannot say.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct JsonError(#[from] serde_json::Error);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_number_beyond_f64_is_json_but_decodes_to_nothing() {
        let huge = Json::parse("1e999").unwrap();
        assert!(huge.decode::<f64>().is_err());
        assert_eq!(huge.as_str(), "1e999");
        assert_eq!(huge, Json::parse("1e999").unwrap());
    }

    #[test]
    fn a_number_is_read_exactly() {
        // Read in haste, as serde_json would without its feature for it, this one becomes the number beside it.
        let number = Json::parse("8.50572354863045e-19").unwrap();
        assert_eq!(number.decode::<f64>().unwrap(), 8.505_723_548_630_45e-19);
        assert_eq!(number.decode::<Value>().unwrap().to_string(), number.as_str());
    }

    #[test]
    fn text_that_is_not_json_is_refused() {
        for text in ["", "{", "1 2", "nul", "{'a':1}"] {
            assert!(Json::parse(text).is_err(), "{text:?} was taken for JSON");
        }
    }

    #[test]
    fn equality_looks_at_the_value() {
        assert_eq!(
            Json::parse("{ \"b\": 1, \"a\": [2] }").unwrap(),
            Json::from(json!({"a": [2], "b": 1}))
        );
        assert_ne!(Json::from(22), Json::from(22.0));
    }

    #[test]
    fn integers_print_as_integers() {
        assert_eq!(Json::from(json!({"temperature": 22})).as_str(), r#"{"temperature":22}"#);
    }
}
