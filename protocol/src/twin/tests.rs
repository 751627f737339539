use super::*;
use proptest::prelude::*;
use serde_json::json;

fn document(json: Value) -> Document {
    match json {
        Value::Object(document) => document,
        other => panic!("not an object: {other}"),
    }
}

#[test]
fn reads_the_answer_to_a_twin_request() {
    let body =
        br#"{"desired": {"targetTemperature": 42.5, "$version": 2, "$metadata": {}}, "reported": {"$version": 1}}"#;
    let twin = Twin::parse(body).unwrap();
    assert_eq!(
        twin.desired,
        Properties {
            values: document(json!({"targetTemperature": 42.5})),
            version: 2
        }
    );
    assert_eq!(
        twin.reported,
        Properties {
            values: Document::new(),
            version: 1
        }
    );
    let written = json!({"desired": {"targetTemperature": 42.5, "$version": 2}, "reported": {"$version": 1}});
    assert_eq!(twin.to_json(), written);
}

#[test]
fn reads_a_desired_patch() {
    let patch = Properties::parse(br#"{"targetTemperature": null, "$version": 3}"#).unwrap();
    assert_eq!(
        patch,
        Properties {
            values: document(json!({"targetTemperature": null})),
            version: 3
        }
    );
}

#[test]
fn says_what_is_wrong_with_a_twin() {
    let error = |body: &str| Twin::parse(body.as_bytes()).unwrap_err().to_string();
    assert!(error("{").starts_with("the twin document is not JSON"));
    assert_eq!(
        error(r#"{"desired": {"$version": 1}}"#),
        "the twin document's reported is missing or of the wrong type"
    );
    assert_eq!(
        error(r#"{"desired": 1}"#),
        "the twin document's desired is missing or of the wrong type"
    );
    assert_eq!(
        error(r#"{"desired": {}}"#),
        "the twin document's $version is missing or of the wrong type"
    );
    assert_eq!(
        error(r#"{"desired": {"$version": -1}}"#),
        "the twin document's $version is missing or of the wrong type"
    );
}

#[test]
fn merges_deeply_and_deletes_on_null() {
    let mut target = document(json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [1], "f": 5}));
    merge(
        &mut target,
        &document(json!({"a": null, "b": {"c": null, "x": {"y": null, "z": 1}}, "e": [2], "f": {"g": 6}})),
    );
    assert_eq!(
        target,
        document(json!({"b": {"d": 3, "x": {"z": 1}}, "e": [2], "f": {"g": 6}}))
    );
}

#[test]
fn a_difference_names_only_what_changed() {
    let old = document(json!({"a": 1, "b": {"c": 2, "d": 3}, "e": 1}));
    let new = document(json!({"a": 1, "b": {"c": 4}, "f": {}}));
    assert_eq!(
        difference(&old, &new),
        document(json!({"e": null, "b": {"d": null, "c": 4}, "f": {}}))
    );
}

fn nested(levels: usize) -> Document {
    (0..levels).fold(document(json!({"property": 1})), |inner, _| {
        document(json!({"level": inner}))
    })
}

#[test]
fn allows_ten_levels() {
    assert_eq!(check(&nested(10)), Ok(()));
    assert!(matches!(check(&nested(11)), Err(TwinError::TooDeep { .. })));
}

#[test]
fn allows_32_kilobytes() {
    let full = |last: usize| {
        (0..8)
            .map(|n| (n.to_string(), "x".repeat(if n == 7 { last } else { 4095 }).into()))
            .collect()
    };
    assert_eq!(check(&full(4095)), Ok(()));
    assert_eq!(check(&full(4096)), Err(TwinError::TooLarge(32 * 1024 + 1)));
}

#[test]
fn what_counts_nothing_has_an_end_too() {
    let nulls = |n: usize| document(json!({ "a": vec![Value::Null; n] }));
    assert_eq!(check(&nulls(1_000)), Ok(()));
    assert!(matches!(check(&nulls(100_000)), Err(TwinError::TooLarge(_))));
}

#[test]
fn counts_as_the_documents_say() {
    let counted = |json| size(&document(json));
    assert_eq!(counted(json!({"ü": true})), 2 + 4);
    assert_eq!(counted(json!({"n": 1.5})), 1 + 8);
    assert_eq!(
        counted(json!({"t": "a\u{7}b"})),
        1 + 2,
        "control characters do not count"
    );
    assert_eq!(counted(json!({"o": {"x": null}, "l": [1, "y"]})), (1 + 1) + (1 + 8 + 1));
}

#[test]
fn names_the_key_that_is_not_allowed() {
    for key in ["", "a b", "a.b", "$a", "a\u{1}", "a\u{85}"] {
        let patch = document(json!({"outer": {key: 1}}));
        assert_eq!(
            check(&patch),
            Err(TwinError::KeyForbidden {
                key: format!("outer.{key}")
            }),
            "{key:?}"
        );
    }
    assert_eq!(check(&document(json!({"k".repeat(1024): 1}))), Ok(()));
    let shown = format!("{}..", "k".repeat(64));
    assert_eq!(
        check(&document(json!({"k".repeat(1025): 1}))),
        Err(TwinError::KeyTooLong { key: shown })
    );
}

#[test]
fn bounds_values() {
    let key = || "a".to_owned();
    assert_eq!(
        check(&document(json!({"a": "x".repeat(4096), "b": "ü".repeat(2048)}))),
        Ok(())
    );
    assert_eq!(
        check(&document(json!({"a": ["x".repeat(4097)]}))),
        Err(TwinError::TextTooLong { key: key() })
    );
    assert_eq!(
        check(&document(
            json!({"a": 4_503_599_627_370_495_i64, "b": -4_503_599_627_370_496_i64})
        )),
        Ok(())
    );
    for number in [
        json!(4_503_599_627_370_496_i64),
        json!(-4_503_599_627_370_497_i64),
        json!(u64::MAX),
    ] {
        assert_eq!(
            check(&document(json!({"a": number}))),
            Err(TwinError::IntegerOutOfRange { key: key() })
        );
    }
    assert_eq!(
        check(&document(json!({"a": 1e300, "b": null, "c": {"d": null}}))),
        Ok(())
    );
}

/// Values of any shape; with nulls, as in a patch, or without, as in a twin.
fn values(nulls: bool) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,3}".prop_map(Value::from),
        Just(if nulls { Value::Null } else { json!({}) }),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn documents(nulls: bool) -> impl Strategy<Value = Document> {
    proptest::collection::btree_map("[a-d]", values(nulls), 0..4).prop_map(|map| map.into_iter().collect())
}

fn holds_null(document: &Document) -> bool {
    document.values().any(|value| match value {
        Value::Null => true,
        Value::Object(inner) => holds_null(inner),
        _ => false,
    })
}

proptest! {
    #[test]
    fn the_difference_turns_old_into_new(old in documents(false), new in documents(false)) {
        let mut merged = old.clone();
        merge(&mut merged, &difference(&old, &new));
        prop_assert_eq!(merged, new);
    }

    #[test]
    fn equal_documents_do_not_differ(document in documents(false)) {
        prop_assert!(difference(&document, &document).is_empty());
    }

    #[test]
    fn merging_leaves_no_null_and_is_done_after_once(old in documents(false), patch in documents(true)) {
        let mut once = old;
        merge(&mut once, &patch);
        prop_assert!(!holds_null(&once));
        let mut twice = once.clone();
        merge(&mut twice, &patch);
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn parsing_undoes_writing(desired in documents(true), reported in documents(true), versions in any::<(u64, u64)>()) {
        let twin = Twin {
            desired: Properties { values: desired, version: versions.0 },
            reported: Properties { values: reported, version: versions.1 },
        };
        let body = serde_json::to_vec(&twin.to_json()).unwrap();
        prop_assert_eq!(Twin::parse(&body).unwrap(), twin.clone());
        let patch = serde_json::to_vec(&twin.desired.to_json()).unwrap();
        prop_assert_eq!(Properties::parse(&patch).unwrap(), twin.desired);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), document in documents(true)) {
        let _ = Twin::parse(&bytes);
        let _ = Properties::parse(&bytes);
        let _ = check(&document);
    }
}
