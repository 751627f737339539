//! What a value is expected to be: itself, some of its parts, or within bounds.

use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use serde_json::{Map, Value};

use super::bound::Bound;

/// A value, as a scenario describes it.
#[derive(Debug, Clone)]
pub enum Expected {
    /// This scalar, or this empty object or list.
    Value(Value),
    /// An object of exactly these members.
    Object(Vec<(String, Expected)>),
    /// A list of exactly these elements.
    List(Vec<Expected>),
    /// What stands at these JSON paths, whatever stands elsewhere.
    Paths(Vec<(Path, Expected)>),
    /// Anything that keeps to this.
    Bound(Bound),
}

/// A JSON path (RFC 9535).
#[derive(Debug, Clone)]
pub struct Path {
    text: String,
    query: JpQuery,
}

/// One place at which a value is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where, as a JSON path, with the part of the message before it.
    pub path: String,
    /// In words or as JSON.
    pub expected: String,
    /// As JSON, or `nothing`.
    pub got: String,
}

impl Expected {
    /// Reads the description of a value: an object whose names begin with `$` holds JSON paths, one whose only name is a
    /// bound's is that bound, and everything else is itself.
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Object(members) if is_paths(members)? => paths(members).map(Self::Paths),
            Value::Object(members) => match Bound::read(members)? {
                Some(bound) => Ok(Self::Bound(bound)),
                None => object(members),
            },
            Value::Array(elements) => {
                let elements: Result<_, String> = elements.iter().map(Self::read).collect();
                Ok(Self::List(elements?))
            }
            scalar => Ok(Self::Value(scalar.clone())),
        }
    }

    /// Whether `got` is as expected. None stands for a value that is not there.
    pub(super) fn accepts(&self, got: Option<&Value>) -> bool {
        match (self, got) {
            (Self::Bound(bound), got) => bound.accepts(got),
            (_, None) => false,
            (Self::Value(expected), Some(got)) => equal(expected, got),
            (Self::Object(members), Some(got)) => got.as_object().is_some_and(|got| {
                members.iter().all(|(name, expected)| expected.accepts(got.get(name)))
                    && got.keys().all(|name| members.iter().any(|(known, _)| known == name))
            }),
            (Self::List(elements), Some(got)) => got.as_array().is_some_and(|got| {
                got.len() == elements.len()
                    && elements
                        .iter()
                        .zip(got)
                        .all(|(expected, got)| expected.accepts(Some(got)))
            }),
            (Self::Paths(paths), Some(got)) => paths.iter().all(|(path, expected)| {
                let found = path.find(got);
                match found.as_slice() {
                    [] => expected.accepts(None),
                    found => found.iter().all(|(_, got)| expected.accepts(Some(got))),
                }
            }),
        }
    }

    /// Adds each place at which `got` is not as expected; `at` is the path of `got`.
    pub(super) fn differences(&self, at: &str, got: Option<&Value>, into: &mut Vec<Difference>) {
        match (self, got) {
            (Self::Object(members), Some(Value::Object(got))) => {
                for (name, expected) in members {
                    expected.differences(&member(at, name), got.get(name), into);
                }
                let unknown = got
                    .iter()
                    .filter(|(name, _)| !members.iter().any(|(known, _)| known == *name));
                into.extend(unknown.map(|(name, got)| Difference {
                    path: member(at, name),
                    expected: "nothing".to_owned(),
                    got: got.to_string(),
                }));
            }
            (Self::List(elements), Some(Value::Array(got))) => {
                let longest = elements.len().max(got.len());
                for index in 0..longest {
                    let at = format!("{at}[{index}]");
                    match (elements.get(index), got.get(index)) {
                        (Some(expected), got) => expected.differences(&at, got, into),
                        (None, got) => into.push(difference(at, "nothing".to_owned(), got)),
                    }
                }
            }
            (Self::Paths(paths), Some(got)) => {
                for (path, expected) in paths {
                    let found = path.find(got);
                    if found.is_empty() {
                        expected.differences(&join(at, &path.text), None, into);
                    }
                    for (place, got) in found {
                        expected.differences(&join(at, &place), Some(got), into);
                    }
                }
            }
            (expected, got) => {
                if !expected.accepts(got) {
                    into.push(difference(at.to_owned(), expected.to_string(), got));
                }
            }
        }
    }
}

impl Path {
    fn read(text: &str) -> Result<Self, String> {
        match parse_json_path(text) {
            Ok(query) => Ok(Self {
                text: text.to_owned(),
                query,
            }),
            // The parser draws its complaint over several lines.
            Err(_) => Err(format!(
                "{text:?} is no JSON path; write $.temperature, or \"$.readings[0].value\" in quotes"
            )),
        }
    }

    /// What stands there, each with its path.
    fn find<'a>(&self, value: &'a Value) -> Vec<(String, &'a Value)> {
        let found = js_path_process(&self.query, value).unwrap_or_default();
        found.into_iter().map(|found| (plain(&found.path), found.val)).collect()
    }
}

/// `$['a']['b c'][0]` as people write it: `$.a['b c'][0]`.
fn plain(path: &str) -> String {
    let mut plain = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once("['") {
        plain.push_str(before);
        let Some((name, after)) = after.split_once("']") else {
            rest = after;
            break;
        };
        plain = member(&plain, name);
        rest = after;
    }
    plain + rest
}

/// The path of a member.
fn member(at: &str, name: &str) -> String {
    let simple = !name.is_empty()
        && name
            .chars()
            .all(|character| character.is_alphanumeric() || character == '_');
    if simple {
        format!("{at}.{name}")
    } else {
        format!("{at}['{name}']")
    }
}

/// A path that begins at `at` rather than at the root.
fn join(at: &str, path: &str) -> String {
    format!("{at}{}", path.strip_prefix('$').unwrap_or(path))
}

fn difference(path: String, expected: String, got: Option<&Value>) -> Difference {
    let got = got.map_or_else(|| "nothing".to_owned(), Value::to_string);
    Difference { path, expected, got }
}

/// Numbers are equal by value: 20 is 20.0, which languages write differently.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(name, x)| y.get(name).is_some_and(|y| equal(x, y)))
        }
        _ => a == b,
    }
}

/// Whether the names are JSON paths. Some of each are a mistake.
fn is_paths(members: &Map<String, Value>) -> Result<bool, String> {
    let paths = members.keys().filter(|name| name.starts_with('$')).count();
    if paths > 0 && paths < members.len() {
        return Err(
            "JSON paths, which begin with $, do not stand beside plain names; write $.name for those too".into(),
        );
    }
    Ok(paths > 0)
}

fn paths(members: &Map<String, Value>) -> Result<Vec<(Path, Expected)>, String> {
    let each = members
        .iter()
        .map(|(path, value)| Ok((Path::read(path)?, Expected::read(value)?)));
    each.collect()
}

fn object(members: &Map<String, Value>) -> Result<Expected, String> {
    let each = members
        .iter()
        .map(|(name, value)| Ok((name.clone(), Expected::read(value)?)));
    let members: Result<_, String> = each.collect();
    Ok(Expected::Object(members?))
}

impl std::fmt::Display for Expected {
    /// As JSON, with bounds in words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let separator = |index: usize| if index == 0 { "" } else { "," };
        match self {
            Self::Value(value) => write!(f, "{value}"),
            Self::Bound(bound) => write!(f, "{bound}"),
            Self::Object(members) => {
                f.write_str("{")?;
                for (index, (name, expected)) in members.iter().enumerate() {
                    write!(f, "{}{}:{expected}", separator(index), Value::from(name.as_str()))?;
                }
                f.write_str("}")
            }
            Self::List(elements) => {
                f.write_str("[")?;
                for (index, expected) in elements.iter().enumerate() {
                    write!(f, "{}{expected}", separator(index))?;
                }
                f.write_str("]")
            }
            Self::Paths(paths) => {
                for (index, (path, expected)) in paths.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{}: {expected}", path.text)?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
#[path = "expected_tests.rs"]
mod tests;
