//! Values that fit a schema, and values that do not, to try a device or a form with.

use serde_json::{Map, Value, json};

use super::{EnumValues, Field, Primitive, Schema};

/// Length of the longest text tried: longer than a line, and well below the 4,096 bytes a twin takes.
const LONG_TEXT: usize = 1_000;

/// Wrong values of one part that are tried inside a larger value: each costs a value of the whole.
const WRONG_PARTS: usize = 4;

impl Schema {
    /// A value that fits, of the ordinary kind: what a form may show as an example.
    pub fn example(&self) -> Value {
        match self {
            Self::Primitive(primitive) => primitive.example(),
            Self::Enum(values) => values.all().into_iter().next().unwrap_or(Value::Null),
            Self::Array(element) => json!([element.example()]),
            Self::Map(inner) => json!({ "key": inner.example() }),
            Self::Object(fields) => Value::Object(example_object(fields)),
            Self::Geospatial(geometry) => geometry.example(),
        }
    }

    /// Values that fit: ordinary ones and those at the bounds, different from each other, the example first. Objects
    /// are whole, with every field in them.
    pub fn valid(&self) -> Vec<Value> {
        let mut values = vec![self.example()];
        match self {
            Self::Primitive(primitive) => values.extend(primitive.bounds()),
            Self::Enum(known) => values.extend(known.all()),
            Self::Array(element) => values.extend([json!([]), Value::Array(element.valid())]),
            Self::Map(inner) => {
                let members = inner.valid().into_iter().enumerate();
                let members = members.map(|(number, value)| (format!("key_{number}"), value));
                values.extend([json!({}), Value::Object(members.collect())]);
            }
            Self::Object(fields) => values.extend(vary(fields, Schema::valid)),
            Self::Geospatial(_) => {}
        }
        distinct(values)
    }

    /// Values that do not fit: other kinds of JSON, numbers out of range, unknown values of an enumeration, parts that
    /// are wrong, required fields left out. Never null, neither as a whole nor inside, because to a device null is no
    /// value; and no object that is wrong only by a field too many, which a device may well ignore.
    pub fn invalid(&self) -> Vec<Value> {
        let mut values = vec![json!(true), json!("no such value"), json!(0.5), json!([]), json!({})];
        match self {
            Self::Primitive(primitive) => values.extend(primitive.out_of_bounds()),
            Self::Enum(known) => values.extend(known.near_misses()),
            Self::Array(element) => {
                let wrong = element.invalid().into_iter().take(WRONG_PARTS);
                values.extend(wrong.map(|wrong| json!([element.example(), wrong])));
            }
            Self::Map(inner) => {
                let wrong = inner.invalid().into_iter().take(WRONG_PARTS);
                values.extend(wrong.map(|wrong| json!({ "key": inner.example(), "wrong": wrong })));
            }
            Self::Object(fields) => {
                values.extend(vary(fields, |schema| {
                    schema.invalid().into_iter().take(WRONG_PARTS).collect()
                }));
                let required = fields.iter().filter(|field| field.required);
                values.extend(required.map(|field| {
                    let mut object = example_object(fields);
                    object.remove(&field.name);
                    Value::Object(object)
                }));
            }
            Self::Geospatial(geometry) => {
                let name = geometry.type_name();
                let nowhere = json!({ "type": name, "coordinates": "nowhere" });
                values.extend([json!({ "type": name }), nowhere, json!([1.5, 2.5])]);
            }
        }
        values.retain(|value| self.check(value).is_err());
        distinct(values)
    }
}

fn example_object(fields: &[Field]) -> Map<String, Value> {
    let fields = fields.iter();
    fields
        .map(|field| (field.name.clone(), field.schema.example()))
        .collect()
}

/// Whole objects in which one field has another value.
fn vary(fields: &[Field], values: impl Fn(&Schema) -> Vec<Value>) -> Vec<Value> {
    let vary_field = |field: &Field| {
        let values = values(&field.schema).into_iter();
        let objects = values.map(|value| {
            let mut object = example_object(fields);
            object.insert(field.name.clone(), value);
            Value::Object(object)
        });
        objects.collect::<Vec<_>>()
    };
    fields.iter().flat_map(vary_field).collect()
}

fn distinct(values: Vec<Value>) -> Vec<Value> {
    let mut distinct = Vec::with_capacity(values.len());
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}

impl Primitive {
    fn example(self) -> Value {
        match self {
            Self::Boolean => json!(true),
            Self::Date => json!("2024-02-29"),
            Self::DateTime => json!("2024-02-29T12:30:00Z"),
            Self::Double | Self::Float => json!(21.5),
            Self::Duration => json!("PT1H30M"),
            Self::Integer | Self::Long => json!(42),
            Self::String => json!("text"),
            Self::Time => json!("12:30:00Z"),
        }
    }

    fn bounds(self) -> Vec<Value> {
        match self {
            Self::Boolean => vec![json!(false)],
            Self::Date => vec![json!("0001-01-01"), json!("9999-12-31")],
            Self::DateTime => vec![
                json!("1970-01-01T00:00:00Z"),
                json!("2024-02-29T23:59:59.999+14:00"),
                json!("9999-12-31T00:00:00Z"),
            ],
            // A whole number has no point in many languages, and is a number all the same.
            Self::Double => vec![
                json!(0),
                json!(20),
                json!(-0.5),
                json!(f64::MIN_POSITIVE),
                json!(f64::MIN),
                json!(f64::MAX),
            ],
            // All of them are the same in single and in double precision.
            Self::Float => vec![
                json!(0),
                json!(20),
                json!(-0.5),
                json!(f64::from(f32::MIN)),
                json!(f64::from(f32::MAX)),
            ],
            Self::Duration => vec![json!("PT0S"), json!("PT0.5S"), json!("P1W"), json!("P1Y2M3DT4H5M6S")],
            Self::Integer => vec![json!(0), json!(-1), json!(i32::MIN), json!(i32::MAX)],
            // 2^53 and more is where programs that keep numbers as doubles begin to err.
            Self::Long => vec![
                json!(0),
                json!(-1),
                json!((1_i64 << 53) + 1),
                json!(i64::MIN),
                json!(i64::MAX),
            ],
            Self::String => vec![
                json!(""),
                json!("\"quoted\\\"\n\tand on a second line"),
                json!("é 温度 😀"),
                json!("x".repeat(LONG_TEXT)),
            ],
            Self::Time => vec![json!("00:00:00Z"), json!("23:59:59.999+14:00")],
        }
    }

    /// What looks like it fits.
    fn out_of_bounds(self) -> Vec<Value> {
        match self {
            Self::Boolean => vec![json!("true"), json!(1)],
            Self::Date => vec![json!("2023-02-29"), json!("2024-02-29T12:30:00Z"), json!(20_240_229)],
            Self::DateTime => vec![
                json!("2023-02-29T12:30:00Z"),
                json!("2024-02-29T12:30:00"),
                json!(1_709_210_000),
            ],
            Self::Double => vec![json!("21.5")],
            Self::Float => vec![json!("21.5"), json!(1e39), json!(-1e39)],
            Self::Duration => vec![json!("P"), json!("1:30"), json!(90)],
            Self::Integer => vec![
                json!("42"),
                json!(i64::from(i32::MAX) + 1),
                json!(i64::from(i32::MIN) - 1),
            ],
            Self::Long => vec![json!("42"), json!(1e19), json!(u64::MAX)],
            Self::String => vec![json!(42)],
            Self::Time => vec![json!("24:00:00Z"), json!("12:30:00"), json!(12)],
        }
    }
}

impl EnumValues {
    fn all(&self) -> Vec<Value> {
        match self {
            Self::Integers(values) => values.iter().map(|value| json!(value.value)).collect(),
            Self::Strings(values) => values.iter().map(|value| json!(value.value)).collect(),
        }
    }

    /// Values of the right kind that are not among them, and names, which do not travel.
    fn near_misses(&self) -> Vec<Value> {
        match self {
            Self::Integers(values) => {
                let after = values.iter().map(|value| value.value).max().unwrap_or_default();
                let names = values.iter().map(|value| json!(value.name));
                names.take(1).chain([json!(i64::from(after) + 1)]).collect()
            }
            Self::Strings(values) => {
                let names = values.iter().map(|value| json!(value.name));
                names.take(1).chain([json!(0), json!("")]).collect()
            }
        }
    }
}
