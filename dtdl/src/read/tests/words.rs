//! Documents made of the language's own words, in any order.

use super::*;
use proptest::prelude::*;

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "Interface",
        "Telemetry",
        "Property",
        "Command",
        "Component",
        "Array",
        "Enum",
        "Map",
        "Object",
        "double",
        "string",
        "integer",
        "dtmi:com:example:A;1",
        "dtmi:dtdl:context;2",
        "dtmi:dtdl:context;3",
        "x",
        "",
    ]);
    let leaf = prop_oneof![
        4 => words.prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        1 => prop::sample::select(vec![Value::Null, json!(true), json!(0.5)]),
    ];
    let names = prop::sample::select(vec![
        "@id",
        "@type",
        "@context",
        "contents",
        "schemas",
        "extends",
        "name",
        "schema",
        "fields",
        "elementSchema",
        "mapKey",
        "mapValue",
        "enumValues",
        "enumValue",
        "valueSchema",
        "request",
        "response",
        "writable",
        "displayName",
        "unit",
    ]);
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|members| Value::Object(
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            )),
        ]
    })
}

proptest! {
    /// They are an error or a model, and every error is a line.
    #[test]
    fn no_document_panics(contents in any_json(), schemas in any_json(), extends in any_json(), whole in any_json()) {
        let likely = with(with(interface("A", 3, contents), "schemas", schemas), "extends", extends);
        for document in [likely, with_id(whole)] {
            if let Err(error) = read("A", &[document]) {
                prop_assert!(!error.to_string().contains('\n'), "{}", error);
            }
        }
    }
}

/// Something that says it is what is looked for, so that it is looked at.
fn with_id(value: Value) -> Value {
    match value {
        Value::Object(_) => with(value, "@id", json!("dtmi:com:example:A;1")),
        other => json!([{ "@id": "dtmi:com:example:A;1" }, other]),
    }
}
