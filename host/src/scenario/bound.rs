//! What a value must keep to, when it is not one value.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use regex::Regex;
use serde_json::{Map, Value};

use super::expected::{Expected, equal};
use super::moment::{shown, span, wall};

/// A bound, by the word that a scenario has for it.
#[derive(Debug, Clone)]
pub enum Bound {
    /// `any: value`, or of one type.
    Any(Type),
    /// `equals: ..`: this very value, whatever words or paths are in it.
    Equals(Value),
    /// `about: [value, tolerance]`.
    About(f64, f64),
    /// `about: [time, span]`.
    AboutTime(DateTime<Utc>, Duration),
    /// `between: [least, most]`, both included.
    Between(f64, f64),
    /// `above: ..`.
    Above(f64),
    /// `below: ..`.
    Below(f64),
    /// `atLeast: ..`.
    AtLeast(f64),
    /// `atMost: ..`.
    AtMost(f64),
    /// `contains: ..`: a text with this text in it, or a list with such an element.
    Contains(Box<Expected>),
    /// `matches: ..`: a text in which this regular expression is found.
    Matches(Regex),
    /// `oneOf: [..]`.
    OneOf(Vec<Expected>),
    /// `not: ..`: anything else, which must be there.
    Not(Box<Expected>),
    /// `absent: true`: there is no such member.
    Absent,
}

/// The types of `any`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are JSON's")]
pub enum Type {
    Value,
    Number,
    Integer,
    String,
    Boolean,
    Object,
    Array,
}

const TYPES: [(&str, Type); 7] = [
    ("value", Type::Value),
    ("number", Type::Number),
    ("integer", Type::Integer),
    ("string", Type::String),
    ("boolean", Type::Boolean),
    ("object", Type::Object),
    ("array", Type::Array),
];

impl Bound {
    /// None when the object is no bound: it has not one single member, or one of another name.
    pub(super) fn read(members: &Map<String, Value>) -> Result<Option<Self>, String> {
        let mut members = members.iter();
        let (Some((word, value)), None) = (members.next(), members.next()) else {
            return Ok(None);
        };
        let bound = match word.as_str() {
            "any" => Self::Any(any(value)?),
            "equals" => Self::Equals(value.clone()),
            "about" => about(value)?,
            "between" => pair(word, value).map(|(least, most)| Self::Between(least, most))?,
            "above" => Self::Above(number(word, value)?),
            "below" => Self::Below(number(word, value)?),
            "atLeast" => Self::AtLeast(number(word, value)?),
            "atMost" => Self::AtMost(number(word, value)?),
            "contains" => Self::Contains(Box::new(Expected::read(value)?)),
            "matches" => Self::Matches(pattern(value)?),
            "oneOf" => Self::OneOf(list(value)?),
            "not" => Self::Not(Box::new(Expected::read(value)?)),
            "absent" if *value == Value::Bool(true) => Self::Absent,
            "absent" => return Err(wrong(word, "true", value)),
            _ => return Ok(None),
        };
        Ok(Some(bound))
    }

    pub(super) fn accepts(&self, got: Option<&Value>) -> bool {
        let Some(got) = got else {
            return matches!(self, Self::Absent);
        };
        let number = got.as_f64();
        let is = |holds: &dyn Fn(f64) -> bool| number.is_some_and(holds);
        match self {
            Self::Any(wanted) => wanted.accepts(got),
            Self::Equals(value) => equal(value, got),
            // A tolerance written in decimals is meant in decimals: 29.4 is about 29.3 by 0.1.
            Self::About(value, tolerance) => is(&|got| (got - value).abs() <= tolerance + tolerance * 1e-9),
            Self::AboutTime(time, tolerance) => got.as_str().is_some_and(|got| is_about(*time, *tolerance, got)),
            Self::Between(least, most) => is(&|got| (*least..=*most).contains(&got)),
            Self::Above(bound) => is(&|got| got > *bound),
            Self::Below(bound) => is(&|got| got < *bound),
            Self::AtLeast(bound) => is(&|got| got >= *bound),
            Self::AtMost(bound) => is(&|got| got <= *bound),
            Self::Contains(part) => contains(part, got),
            Self::Matches(pattern) => got.as_str().is_some_and(|got| pattern.is_match(got)),
            Self::OneOf(choices) => choices.iter().any(|choice| choice.accepts(Some(got))),
            Self::Not(expected) => !expected.accepts(Some(got)),
            Self::Absent => false,
        }
    }
}

impl Type {
    fn accepts(self, got: &Value) -> bool {
        match self {
            Self::Value => true,
            Self::Number => got.is_number(),
            Self::Integer => got.as_f64().is_some_and(|got| got.fract() == 0.0),
            Self::String => got.is_string(),
            Self::Boolean => got.is_boolean(),
            Self::Object => got.is_object(),
            Self::Array => got.is_array(),
        }
    }
}

fn contains(part: &Expected, got: &Value) -> bool {
    match (part, got) {
        (Expected::Value(Value::String(part)), Value::String(got)) => got.contains(part.as_str()),
        (part, Value::Array(got)) => got.iter().any(|element| part.accepts(Some(element))),
        _ => false,
    }
}

/// Times are compared as such, however they are written: 13:00 in Paris is 12:00 in UTC.
fn is_about(time: DateTime<Utc>, tolerance: Duration, got: &str) -> bool {
    let got = DateTime::parse_from_rfc3339(got).map(|got| got.to_utc());
    got.is_ok_and(|got| (got - time).abs().to_std().is_ok_and(|off| off <= tolerance))
}

fn wrong(word: &str, takes: &str, value: &Value) -> String {
    format!("{word:?} takes {takes}, not {value}; for an object with that name write {{ equals: {{ {word}: .. }} }}")
}

fn any(value: &Value) -> Result<Type, String> {
    let known = TYPES.iter().find(|(name, _)| value.as_str() == Some(*name));
    known.map(|(_, wanted)| *wanted).ok_or_else(|| {
        let names = TYPES.map(|(name, _)| name).join(", ");
        wrong("any", &format!("one of {names}"), value)
    })
}

fn number(word: &str, value: &Value) -> Result<f64, String> {
    value.as_f64().ok_or_else(|| wrong(word, "a number", value))
}

fn about(value: &Value) -> Result<Bound, String> {
    let texts = value.as_array().map(Vec::as_slice).and_then(|values| match values {
        [Value::String(time), Value::String(tolerance)] => Some((time, tolerance)),
        _ => None,
    });
    match texts {
        Some((time, tolerance)) => Ok(Bound::AboutTime(wall(time)?, span(tolerance)?)),
        None => pair("about", value).map(|(value, tolerance)| Bound::About(value, tolerance.abs())),
    }
}

fn pair(word: &str, value: &Value) -> Result<(f64, f64), String> {
    let numbers = value.as_array().map(Vec::as_slice).and_then(|values| match values {
        [first, second] => first.as_f64().zip(second.as_f64()),
        _ => None,
    });
    numbers.ok_or_else(|| wrong(word, "two numbers in a list", value))
}

fn list(value: &Value) -> Result<Vec<Expected>, String> {
    let values = value.as_array().ok_or_else(|| wrong("oneOf", "a list", value))?;
    values.iter().map(Expected::read).collect()
}

fn pattern(value: &Value) -> Result<Regex, String> {
    let text = value
        .as_str()
        .ok_or_else(|| wrong("matches", "a regular expression", value))?;
    // The parser draws its complaint over several lines.
    Regex::new(text).map_err(|_| format!("{text:?} is no regular expression of the syntax of the Rust crate regex"))
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(Type::Value) => f.write_str("any value"),
            Self::Any(wanted) => {
                let name = TYPES.iter().find(|(_, known)| known == wanted);
                write!(f, "any {}", name.map_or("value", |(name, _)| *name))
            }
            Self::Equals(value) => write!(f, "{value}"),
            Self::About(value, tolerance) => write!(f, "{value} ± {tolerance}"),
            Self::AboutTime(time, tolerance) => {
                let time = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                write!(f, "{time} ± {}", shown(*tolerance))
            }
            Self::Between(least, most) => write!(f, "{least} to {most}"),
            Self::Above(bound) => write!(f, "above {bound}"),
            Self::Below(bound) => write!(f, "below {bound}"),
            Self::AtLeast(bound) => write!(f, "at least {bound}"),
            Self::AtMost(bound) => write!(f, "at most {bound}"),
            Self::Contains(part) => write!(f, "something with {part} in it"),
            Self::Matches(pattern) => write!(f, "a text that matches {:?}", pattern.as_str()),
            Self::OneOf(choices) => {
                f.write_str("one of ")?;
                choices.iter().enumerate().try_for_each(|(index, choice)| {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{choice}")
                })
            }
            Self::Not(expected) => write!(f, "anything but {expected}"),
            Self::Absent => f.write_str("nothing"),
        }
    }
}
