//! Digital twin model identifiers.

use std::fmt;
use std::str::FromStr;

/// The longest identifier, in characters.
const LONGEST: usize = 2048;

/// A digital twin model identifier, such as `dtmi:com:example:Thermostat;1`. It tells case.
///
/// Segments begin with a letter or `_`, hold letters, digits and `_`, and do not end with `_`. The version has one to
/// nine digits and does not begin with 0; DTDL 3 also knows a minor one (`;1.2`, up to six digits) and none at all.
/// Source: DTDL v3, "Digital Twin Model Identifier".
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dtmi(String);

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no model identifier such as dtmi:com:example:Thermostat;1")]
pub struct NotDtmi(pub String);

impl Dtmi {
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where a model repository keeps what this identifies: `dtmi/com/example/thermostat-1.json`.
    ///
    /// Source: Microsoft, "Device models repository", the DMR convention.
    pub fn path(&self) -> String {
        let path = self.0.to_ascii_lowercase().replace(':', "/").replace(';', "-");
        format!("{path}.json")
    }

    /// Where it keeps the same together with everything that it refers to: `dtmi/com/example/thermostat-1.expanded.json`.
    pub fn expanded_path(&self) -> String {
        let path = self.path();
        format!("{}.expanded.json", path.strip_suffix(".json").unwrap_or(&path))
    }
}

impl FromStr for Dtmi {
    type Err = NotDtmi;

    fn from_str(text: &str) -> Result<Self, NotDtmi> {
        if text.len() <= LONGEST && is_dtmi(text) {
            return Ok(Self(text.to_owned()));
        }
        // An error is a line: of a text without end it shows the beginning.
        Err(NotDtmi(text.chars().take(80).collect()))
    }
}

impl fmt::Display for Dtmi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_dtmi(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("dtmi:") else {
        return false;
    };
    let (path, version) = match rest.split_once(';') {
        Some((path, version)) => (path, Some(version)),
        None => (rest, None),
    };
    path.split(':').all(is_segment) && version.is_none_or(is_version)
}

fn is_segment(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.ends_with('_')
}

fn is_version(text: &str) -> bool {
    match text.split_once('.') {
        None => is_number(text, 9),
        Some((major, minor)) => is_number(major, 9) && is_number(minor, 6),
    }
}

fn is_number(text: &str, digits: usize) -> bool {
    (1..=digits).contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn identifiers_of_both_versions_are_read() {
        for text in [
            "dtmi:a;1",
            "dtmi:com:example:Thermostat;12",
            "dtmi:_a:b_c;1",
            "dtmi:a;1.2",
            "dtmi:a",
        ] {
            assert_eq!(text.parse::<Dtmi>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn anything_else_is_none() {
        let texts = [
            "",
            "a;1",
            "dtmi:",
            "dtmi:;1",
            "dtmi:a;",
            "dtmi:a;0",
            "dtmi:a;01",
            "dtmi:a;1.",
            "dtmi:a;1.0",
        ];
        let more = [
            "dtmi:1a;1",
            "dtmi:a_;1",
            "dtmi:a::b;1",
            "dtmi:a-b;1",
            "dtmi:ü;1",
            "dtmi:a;1234567890",
            "DTMI:a;1",
        ];
        for text in texts.into_iter().chain(more) {
            assert!(text.parse::<Dtmi>().is_err(), "{text:?}");
        }
        assert!(format!("dtmi:{};1", "a".repeat(LONGEST)).parse::<Dtmi>().is_err());
    }

    #[test]
    fn a_repository_has_a_place_for_each() {
        let id: Dtmi = "dtmi:com:example:Thermostat;1".parse().unwrap();
        assert_eq!(id.path(), "dtmi/com/example/thermostat-1.json");
        assert_eq!(id.expanded_path(), "dtmi/com/example/thermostat-1.expanded.json");
    }

    proptest! {
        /// A path never leaves the repository.
        #[test]
        fn no_text_panics_or_climbs(text in "(dtmi:)?[a-zA-Z0-9_:;./\\\\]{0,40}") {
            if let Ok(id) = text.parse::<Dtmi>() {
                prop_assert!(!id.path().contains("..") && !id.path().contains('\\') && id.path().starts_with("dtmi/"));
            }
        }
    }
}
