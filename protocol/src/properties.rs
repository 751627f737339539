//! The properties of a message, as they stand at the end of its topic.

use crate::encoding::{decode, encode};
use std::fmt;

/// Properties in the order in which they stand; a name with `None` was `name`, with `Some("")` it was `name=`, which is
/// how IoT Hub tells null from empty in cloud-to-device messages.
///
/// System properties begin with `$`: `$.ct` content type, `$.ce` content encoding, `$.sub` component, `$.mid` message
/// id, `$.cid` correlation id, `$.uid` user id, `$.to`, `$.on` creation time, `$.exp` expiry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PropertyBag(pub Vec<(String, Option<String>)>);

/// Why a text is not a property bag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PropertyError {
    /// A property has no name: two `&` in a row, one at an end, or `=value`.
    #[error("a message property has no name")]
    NoName,
    /// A name or value is not URL-encoded UTF-8.
    #[error("a message property is not URL-encoded UTF-8")]
    Encoding,
}

impl PropertyBag {
    /// Reads `name=value&name&..`, each name and value URL-encoded or, where it has no reserved characters, not:
    /// `%24.ct` and `$.ct` are one name. The empty text is the empty bag.
    pub fn parse(text: &str) -> Result<PropertyBag, PropertyError> {
        if text.is_empty() {
            return Ok(PropertyBag::default());
        }
        text.split('&')
            .map(parse_property)
            .collect::<Result<_, _>>()
            .map(PropertyBag)
    }

    /// The value of the first property called `name`; nothing when there is none or it is null.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .and_then(|(_, value)| value.as_deref())
    }
}

fn parse_property(text: &str) -> Result<(String, Option<String>), PropertyError> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let name = decode(name).ok_or(PropertyError::Encoding)?;
    if name.is_empty() {
        return Err(PropertyError::NoName);
    }
    let value = value
        .map(|value| decode(value).ok_or(PropertyError::Encoding))
        .transpose()?;
    Ok((name, value))
}

/// As the Python SDK writes it, `$` as `%24`. A property without a name cannot be written and is left out.
impl fmt::Display for PropertyBag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().filter(|(name, _)| !name.is_empty()).enumerate() {
            if index > 0 {
                f.write_str("&")?;
            }
            write!(f, "{}", encode(name))?;
            if let Some(value) = value {
                write!(f, "={}", encode(value))?;
            }
        }
        Ok(())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for PropertyBag {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> PropertyBag {
        PropertyBag(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), Some(value.into())))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_and_writes_what_python_sends() {
        let text = "%24.ct=application%2Fjson&%24.ce=utf-8";
        let bag = PropertyBag::parse(text).unwrap();
        assert_eq!(
            bag,
            [("$.ct", "application/json"), ("$.ce", "utf-8")].into_iter().collect()
        );
        assert_eq!(bag.to_string(), text);
    }

    #[test]
    fn encoding_the_dollar_is_optional() {
        let bag = PropertyBag::parse("$.ct=application/json&$.sub=thermostat1").unwrap();
        assert_eq!(bag.get("$.ct"), Some("application/json"));
        assert_eq!(bag.get("$.sub"), Some("thermostat1"));
        assert_eq!(bag.get("$.ce"), None);
    }

    #[test]
    fn null_is_not_empty() {
        let bag = PropertyBag::parse("null&empty=").unwrap();
        assert_eq!(
            bag.0,
            [("null".to_owned(), None), ("empty".to_owned(), Some(String::new()))]
        );
        assert_eq!(bag.to_string(), "null&empty=");
    }

    #[test]
    fn refuses_what_has_no_meaning() {
        assert_eq!(PropertyBag::parse("a=1&&b=2"), Err(PropertyError::NoName));
        assert_eq!(PropertyBag::parse("=1"), Err(PropertyError::NoName));
        assert_eq!(PropertyBag::parse("a=%4"), Err(PropertyError::Encoding));
        assert_eq!(PropertyBag::parse("a=%ff"), Err(PropertyError::Encoding));
    }

    #[test]
    fn a_space_becomes_a_percent_escape() {
        let bag: PropertyBag = [("a b", "c d")].into_iter().collect();
        assert_eq!(bag.to_string(), "a%20b=c%20d");
    }

    proptest! {
        #[test]
        fn parsing_undoes_display(
            bag in proptest::collection::vec(("\\PC{1,9}", any::<Option<String>>()), 0..5).prop_map(PropertyBag),
        ) {
            let text = bag.to_string();
            prop_assert!(!text.contains(['+', '#', '/', '$', ' ']), "would break the topic: {}", text);
            prop_assert_eq!(PropertyBag::parse(&text), Ok(bag));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = PropertyBag::parse(&text);
        }
    }
}
