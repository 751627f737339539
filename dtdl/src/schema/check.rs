//! Whether a JSON value fits.

use serde_json::{Map, Value};

use super::{EnumValues, Field, Primitive, Schema, time};

/// How much of a value an error shows.
const SHOWN: usize = 80;

/// Where a value does not fit, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It is something else.
    #[error("{path} is {found}, not {expected}")]
    Kind {
        /// Where in the value, as a JSON path: `$` is the value itself, `$.a[0]` the first of its member `a`.
        path: String,
        /// What would fit, in words.
        expected: String,
        /// What is there, as JSON, shortened.
        found: String,
    },
    /// A required field is not there.
    #[error("{path} is missing, and required")]
    Missing {
        /// Where it should be.
        path: String,
    },
    /// The object has no such field.
    #[error("{path} is no field of the model's object")]
    Unknown {
        /// Where.
        path: String,
    },
}

impl Schema {
    /// Whether `value` fits.
    ///
    /// Stricter than a device need be with what it is sent: an object may hold no fields the model does not know. Numbers
    /// are taken by value, but for one thing: `1.0` is no integer.
    ///
    /// # Errors
    /// The first place at which it does not.
    pub fn check(&self, value: &Value) -> Result<(), Mismatch> {
        self.check_at("$", value)
    }

    /// Paths of the fields that `value` leaves out although the model has them. DTDL allows that, so it is no
    /// [`Mismatch`]; but a reader of the model expects them.
    pub fn omissions(&self, value: &Value) -> Vec<String> {
        let mut omissions = Vec::new();
        self.find_omissions("$", value, &mut omissions);
        omissions
    }

    fn check_at(&self, path: &str, value: &Value) -> Result<(), Mismatch> {
        let mismatch = || Mismatch::Kind {
            path: path.to_owned(),
            expected: self.to_string(),
            found: shown(value),
        };
        match (self, value) {
            (Self::Primitive(primitive), value) if primitive.fits(value) => Ok(()),
            (Self::Enum(values), value) if values.fits(value) => Ok(()),
            (Self::Geospatial(geometry), value) if geometry.fits(value) => Ok(()),
            (Self::Array(element), Value::Array(items)) => {
                let mut items = items.iter().enumerate();
                items.try_for_each(|(index, item)| element.check_at(&format!("{path}[{index}]"), item))
            }
            (Self::Map(inner), Value::Object(members)) => {
                let mut members = members.iter();
                members.try_for_each(|(key, value)| inner.check_at(&member(path, key), value))
            }
            (Self::Object(fields), Value::Object(members)) => check_object(path, fields, members),
            _ => Err(mismatch()),
        }
    }

    fn find_omissions(&self, path: &str, value: &Value, omissions: &mut Vec<String>) {
        match (self, value) {
            (Self::Array(element), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    element.find_omissions(&format!("{path}[{index}]"), item, omissions);
                }
            }
            (Self::Map(inner), Value::Object(members)) => {
                for (key, value) in members {
                    inner.find_omissions(&member(path, key), value, omissions);
                }
            }
            (Self::Object(fields), Value::Object(members)) => {
                for field in fields {
                    let path = member(path, &field.name);
                    match members.get(&field.name) {
                        Some(value) => field.schema.find_omissions(&path, value, omissions),
                        None => omissions.push(path),
                    }
                }
            }
            _ => {}
        }
    }
}

fn check_object(path: &str, fields: &[Field], members: &Map<String, Value>) -> Result<(), Mismatch> {
    for field in fields {
        let path = member(path, &field.name);
        match members.get(&field.name) {
            Some(value) => field.schema.check_at(&path, value)?,
            None if field.required => return Err(Mismatch::Missing { path }),
            None => {}
        }
    }
    match members
        .keys()
        .find(|key| !fields.iter().any(|field| field.name == **key))
    {
        Some(unknown) => Err(Mismatch::Unknown {
            path: member(path, unknown),
        }),
        None => Ok(()),
    }
}

/// A path one level down. Keys that are no words stand in brackets, so that a path is one line whatever they hold.
fn member(path: &str, key: &str) -> String {
    let word = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if word && !key.is_empty() {
        format!("{path}.{key}")
    } else {
        format!("{path}[{}]", shown(&key.into()))
    }
}

/// As JSON, shortened.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}..", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

impl Primitive {
    fn fits(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Boolean, Value::Bool(_)) | (Self::String, Value::String(_)) => true,
            (Self::Date, Value::String(text)) => time::is_date(text),
            (Self::DateTime, Value::String(text)) => time::is_date_time(text),
            (Self::Duration, Value::String(text)) => time::is_duration(text),
            (Self::Time, Value::String(text)) => time::is_time(text),
            (Self::Double, Value::Number(number)) => number.as_f64().is_some_and(f64::is_finite),
            (Self::Float, Value::Number(number)) => number.as_f64().is_some_and(|n| n.abs() <= f64::from(f32::MAX)),
            (Self::Integer, Value::Number(number)) => number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
            (Self::Long, Value::Number(number)) => number.is_i64(),
            _ => false,
        }
    }
}

impl EnumValues {
    fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Integers(values) => values.iter().any(|known| value.as_i64() == Some(known.value.into())),
            Self::Strings(values) => values.iter().any(|known| value.as_str() == Some(known.value.as_str())),
        }
    }
}
