use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn field(name: &str, schema: Schema, required: bool) -> Field {
    Field {
        name: name.to_owned(),
        label: Label::default(),
        schema,
        required,
    }
}

fn value<T>(number: usize, value: T) -> EnumValue<T> {
    EnumValue {
        name: format!("name{number}"),
        label: Label::default(),
        value,
    }
}

fn primitive() -> impl Strategy<Value = Schema> {
    prop::sample::select(Primitive::ALL.to_vec()).prop_map(Schema::Primitive)
}

fn enumeration() -> impl Strategy<Value = Schema> {
    let integers = prop::collection::hash_set(prop_oneof![any::<i32>(), Just(i32::MAX), 0..5_i32], 1..6);
    let strings = prop::collection::hash_set("[a-z]{0,6}|\\PC{0,6}", 1..6);
    fn all<T>(values: std::collections::HashSet<T>) -> Vec<EnumValue<T>> {
        values.into_iter().enumerate().map(|(n, of)| value(n, of)).collect()
    }
    prop_oneof![
        integers.prop_map(|values| Schema::Enum(EnumValues::Integers(all(values)))),
        strings.prop_map(|values| Schema::Enum(EnumValues::Strings(all(values)))),
    ]
}

/// Any schema, as deep as DTDL has them.
fn schema() -> impl Strategy<Value = Schema> {
    let geospatial = prop::sample::select(Geometry::ALL.to_vec()).prop_map(Schema::Geospatial);
    let leaf = prop_oneof![4 => primitive(), 2 => enumeration(), 1 => geospatial];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let fields = prop::collection::vec((inner.clone(), any::<bool>()), 0..4);
        prop_oneof![
            inner.clone().prop_map(|schema| Schema::Array(Box::new(schema))),
            inner.prop_map(|schema| Schema::Map(Box::new(schema))),
            fields.prop_map(|fields| {
                let fields = fields.into_iter().enumerate();
                let fields = fields.map(|(n, (schema, required))| field(&format!("field{n}"), schema, required));
                Schema::Object(fields.collect())
            }),
        ]
    })
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("field[0-3]|key|\\PC{0,4}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_valid_value_fits_and_is_whole(schema in schema()) {
        let values = schema.valid();
        prop_assert_eq!(values.first(), Some(&schema.example()));
        for value in values {
            prop_assert_eq!(schema.check(&value), Ok(()), "{}", value);
            prop_assert_eq!(schema.omissions(&value), Vec::<String>::new(), "{}", value);
        }
    }

    #[test]
    fn no_invalid_value_fits_and_there_always_are_some(schema in schema()) {
        let values = schema.invalid();
        prop_assert!(values.len() >= 3, "{:?}", values);
        for value in values {
            prop_assert!(schema.check(&value).is_err(), "{}", value);
            prop_assert!(!value.to_string().contains("null"), "{}", value);
        }
    }

    #[test]
    fn no_value_panics_and_every_mismatch_is_a_line(schema in schema(), value in json_value()) {
        schema.omissions(&value);
        if let Err(mismatch) = schema.check(&value) {
            prop_assert!(mismatch.to_string().starts_with('$') && !mismatch.to_string().contains('\n'), "{}", mismatch);
        }
    }
}

/// A report of a room: the object that the tests below are about.
fn report() -> Schema {
    let double = || Schema::Primitive(Primitive::Double);
    let readings = Schema::Array(Box::new(Schema::Object(vec![field("at", double(), false)])));
    Schema::Object(vec![
        field("highest", double(), true),
        field("lowest", double(), false),
        field("readings", readings, false),
        field("rooms", Schema::Map(Box::new(double())), false),
    ])
}

fn mismatch(value: Value) -> String {
    report().check(&value).unwrap_err().to_string()
}

#[test]
fn a_mismatch_says_where_and_what() {
    assert_eq!(mismatch(json!([])), "$ is [], not an object");
    assert_eq!(mismatch(json!({})), "$.highest is missing, and required");
    assert_eq!(
        mismatch(json!({ "highest": "22" })),
        r#"$.highest is "22", not a number"#
    );
    let nested = json!({ "highest": 1, "readings": [{ "at": 1 }, { "at": true }] });
    assert_eq!(mismatch(nested), "$.readings[1].at is true, not a number");
    let key = json!({ "highest": 1, "rooms": { "in\nthe attic": "cold" } });
    assert_eq!(mismatch(key), r#"$.rooms["in\nthe attic"] is "cold", not a number"#);
    assert_eq!(
        mismatch(json!({ "highest": 1, "mean": 2 })),
        "$.mean is no field of the model's object"
    );
    let long = mismatch(json!("x".repeat(10_000)));
    assert!(long.len() < 120 && long.contains(".."), "{long}");
}

#[test]
fn fields_may_be_left_out_and_are_named() {
    let value = json!({ "highest": 1, "readings": [{}] });
    assert_eq!(report().check(&value), Ok(()));
    assert_eq!(report().omissions(&value), ["$.lowest", "$.readings[0].at", "$.rooms"]);
}

fn fits(primitive: Primitive, value: &Value) -> bool {
    Schema::Primitive(primitive).check(value).is_ok()
}

#[test]
fn numbers_have_bounds() {
    use Primitive::{Double, Float, Integer, Long};
    let (int, long) = (json!(2_147_483_647), json!(9_223_372_036_854_775_807_i64));
    assert!(fits(Integer, &int) && !fits(Integer, &json!(2_147_483_648_i64)));
    assert!(fits(Long, &long) && !fits(Long, &json!(9_223_372_036_854_775_808_u64)));
    assert!(fits(Float, &json!(3.4e38)) && !fits(Float, &json!(3.5e38)));
    assert!(fits(Double, &json!(1.7e308)) && fits(Double, &json!(3)));
    assert!(!fits(Integer, &json!(1.5)) && !fits(Integer, &json!(1.0)) && !fits(Double, &json!("1")));
}

#[test]
fn geometries_are_those_of_geojson() {
    let point = Schema::Geospatial(Geometry::Point);
    assert!(
        point
            .check(&json!({ "type": "Point", "coordinates": [1, 2], "bbox": [] }))
            .is_ok()
    );
    for wrong in [
        json!({ "type": "Point", "coordinates": [1] }),
        json!({ "type": "Polygon", "coordinates": [1, 2] }),
    ] {
        assert!(point.check(&wrong).is_err(), "{wrong}");
    }
    let polygon = Schema::Geospatial(Geometry::Polygon);
    let open = json!({ "type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [1, 0]]] });
    let refusal = polygon.check(&open).unwrap_err().to_string();
    assert!(refusal.ends_with("not a GeoJSON Polygon"), "{refusal}");
}

#[test]
fn an_enumeration_is_described_by_its_values_as_far_as_they_fit_on_a_line() {
    let letters = ('a'..='z').enumerate().map(|(n, letter)| value(n, letter.to_string()));
    let schema = Schema::Enum(EnumValues::Strings(letters.collect()));
    assert_eq!(
        schema.to_string(),
        r#"one of "a", "b", "c", "d", "e", "f", "g", "h", .."#
    );
    let schema = Schema::Enum(EnumValues::Integers(vec![value(0, 1), value(1, 2)]));
    assert_eq!(schema.to_string(), "one of 1, 2");
}
