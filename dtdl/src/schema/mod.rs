//! Types of data: what fits them, and values that do and do not.

mod check;
mod geospatial;
mod time;
mod values;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::model::Label;

pub use check::Mismatch;
pub use geospatial::Geometry;

/// A type of data, with every reference to another in its place.
#[derive(Debug, Clone, PartialEq)]
pub enum Schema {
    /// One of the types that are there from the beginning.
    Primitive(Primitive),
    /// One of a list of values.
    Enum(EnumValues),
    /// Any number of values of one type.
    Array(Box<Schema>),
    /// Values of one type under keys that are not known beforehand.
    Map(Box<Schema>),
    /// Named fields.
    Object(Vec<Field>),
    /// A GeoJSON geometry.
    Geospatial(Geometry),
}

/// The types that are there from the beginning. Source: DTDL v3, "Primitive schema"; version 2 has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Primitive {
    /// True or false.
    Boolean,
    /// A day: `2024-02-29`.
    Date,
    /// A moment, by RFC 3339, with its distance from UTC: `2024-02-29T12:30:00Z`.
    DateTime,
    /// A finite number of IEEE 754 double precision.
    Double,
    /// A length of time, by ISO 8601: `PT1H30M`.
    Duration,
    /// A finite number of IEEE 754 single precision.
    Float,
    /// A whole number of 32 bits, signed.
    Integer,
    /// A whole number of 64 bits, signed.
    Long,
    /// A text.
    String,
    /// A time of day, by RFC 3339, with its distance from UTC: `12:30:00Z`.
    Time,
}

impl Primitive {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Boolean,
        Self::Date,
        Self::DateTime,
        Self::Double,
        Self::Duration,
        Self::Float,
        Self::Integer,
        Self::Long,
        Self::String,
        Self::Time,
    ];

    /// Its name in a model.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "dateTime",
            Self::Double => "double",
            Self::Duration => "duration",
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Long => "long",
            Self::String => "string",
            Self::Time => "time",
        }
    }
}

/// The values of an enumeration, all of one kind, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnumValues {
    /// Numbers of 32 bits.
    Integers(Vec<EnumValue<i32>>),
    /// Texts.
    Strings(Vec<EnumValue<String>>),
}

/// A value of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumValue<T> {
    /// Its name, which does not travel.
    pub name: String,
    /// For people.
    pub label: Label,
    /// What travels.
    pub value: T,
}

/// A field of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// For people.
    pub label: Label,
    /// The type of its value.
    pub schema: Schema,
    /// Whether it may not be left out. In DTDL every field may, unless a model of version 3 says `Required`.
    ///
    /// Source: DTDL extension "Requirement", version 1.
    pub required: bool,
}

impl fmt::Display for Schema {
    /// In words, after "is not": `an integer of 32 bits`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Primitive(primitive) => f.write_str(match primitive {
                Primitive::Boolean => "true or false",
                Primitive::Date => "a date such as 2024-02-29",
                Primitive::DateTime => "a date and time such as 2024-02-29T12:30:00Z",
                Primitive::Double => "a number",
                Primitive::Duration => "a duration such as PT1H30M",
                Primitive::Float => "a number of single precision",
                Primitive::Integer => "an integer of 32 bits",
                Primitive::Long => "an integer of 64 bits",
                Primitive::String => "a string",
                Primitive::Time => "a time such as 12:30:00Z",
            }),
            Self::Enum(EnumValues::Integers(values)) => one_of(f, values.iter().map(|value| value.value)),
            Self::Enum(EnumValues::Strings(values)) => {
                one_of(f, values.iter().map(|value| format!("{:?}", value.value)))
            }
            Self::Array(_) => f.write_str("an array"),
            Self::Map(_) => f.write_str("an object used as a map"),
            Self::Object(_) => f.write_str("an object"),
            Self::Geospatial(geometry) => write!(f, "a GeoJSON {}", geometry.type_name()),
        }
    }
}

fn one_of(f: &mut fmt::Formatter<'_>, mut values: impl Iterator<Item = impl fmt::Display>) -> fmt::Result {
    /// An enumeration may have hundreds of values, and a message is a line.
    const SHOWN: usize = 8;
    let shown: Vec<String> = values.by_ref().take(SHOWN).map(|value| value.to_string()).collect();
    let more = if values.next().is_some() { ", .." } else { "" };
    write!(f, "one of {}{more}", shown.join(", "))
}
