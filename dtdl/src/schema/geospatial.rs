//! GeoJSON geometries.
//!
//! Source: DTDL v3, "Geospatial schemas"; RFC 7946, 3.1.

use serde_json::{Value, json};

/// The geometries DTDL knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Geometry {
    /// A position.
    Point,
    /// Positions.
    MultiPoint,
    /// Two positions or more in a line.
    LineString,
    /// Lines.
    MultiLineString,
    /// Rings: lines that end where they began, of at least four positions; the first is the outer one.
    Polygon,
    /// Polygons.
    MultiPolygon,
}

impl Geometry {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Point,
        Self::MultiPoint,
        Self::LineString,
        Self::MultiLineString,
        Self::Polygon,
        Self::MultiPolygon,
    ];

    /// Its name in a model.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::MultiPoint => "multiPoint",
            Self::LineString => "lineString",
            Self::MultiLineString => "multiLineString",
            Self::Polygon => "polygon",
            Self::MultiPolygon => "multiPolygon",
        }
    }

    /// Its name in GeoJSON.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Point => "Point",
            Self::MultiPoint => "MultiPoint",
            Self::LineString => "LineString",
            Self::MultiLineString => "MultiLineString",
            Self::Polygon => "Polygon",
            Self::MultiPolygon => "MultiPolygon",
        }
    }

    /// Members other than type and coordinates, such as `bbox`, are foreign to it and do no harm.
    pub(super) fn fits(self, value: &Value) -> bool {
        let is_type = value.get("type").and_then(Value::as_str) == Some(self.type_name());
        let Some(coordinates) = value.get("coordinates") else {
            return false;
        };
        is_type
            && match self {
                Self::Point => is_position(coordinates),
                Self::MultiPoint => all(coordinates, is_position),
                Self::LineString => is_line(coordinates),
                Self::MultiLineString => all(coordinates, is_line),
                Self::Polygon => all(coordinates, is_ring),
                Self::MultiPolygon => all(coordinates, |polygon| all(polygon, is_ring)),
            }
    }

    /// One that fits.
    pub(super) fn example(self) -> Value {
        let (a, b, c) = (
            json!([-122.128, 47.643]),
            json!([-122.1, 47.6]),
            json!([-122.2, 47.7, 30.5]),
        );
        let ring = json!([a, b, c, a]);
        let coordinates = match self {
            Self::Point => a,
            Self::MultiPoint => json!([a, b]),
            Self::LineString => json!([a, b, c]),
            Self::MultiLineString => json!([[a, b], [b, c]]),
            Self::Polygon => json!([ring]),
            Self::MultiPolygon => json!([[ring]]),
        };
        json!({ "type": self.type_name(), "coordinates": coordinates })
    }
}

fn all(value: &Value, fits: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(fits))
}

/// Longitude, latitude, and whatever follows.
fn is_position(value: &Value) -> bool {
    all(value, Value::is_number) && value.as_array().is_some_and(|numbers| numbers.len() >= 2)
}

fn is_line(value: &Value) -> bool {
    all(value, is_position) && value.as_array().is_some_and(|positions| positions.len() >= 2)
}

fn is_ring(value: &Value) -> bool {
    let closed = |positions: &Vec<Value>| positions.len() >= 4 && positions.first() == positions.last();
    is_line(value) && value.as_array().is_some_and(closed)
}
