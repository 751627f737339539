use proptest::prelude::*;
use serde_json::json;

use super::*;

fn expected(value: &Value) -> Expected {
    Expected::read(value).unwrap_or_else(|reason| panic!("{value}: {reason}"))
}

#[track_caller]
fn accepts(description: Value, good: &[Value], bad: &[Value]) {
    let expected = expected(&description);
    for got in good {
        let differences = differences(&description, got);
        assert!(expected.accepts(Some(got)), "{description} accepts {got}");
        assert!(differences.is_empty(), "{description} and {got}: {differences:?}");
    }
    for got in bad {
        assert!(!expected.accepts(Some(got)), "{description} does not accept {got}");
        assert!(
            !differences(&description, got).is_empty(),
            "{description} differs from {got}"
        );
    }
}

/// As `path: expected, got`.
fn differences(description: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    expected(description).differences("$", Some(got), &mut found);
    let line = |Difference { path, expected, got }| format!("{path}: {expected}, {got}");
    found.into_iter().map(line).collect()
}

fn refusal(description: Value) -> String {
    Expected::read(&description).unwrap_err()
}

#[test]
fn numbers_are_compared_by_value() {
    accepts(
        json!(20),
        &[json!(20), json!(20.0)],
        &[json!(20.1), json!("20"), json!(null)],
    );
    accepts(json!(2.0), &[json!(2)], &[json!(-2)]);
    let beyond_f64 = 9_007_199_254_740_993_u64;
    accepts(json!(beyond_f64), &[json!(beyond_f64)], &[]);
}

#[test]
fn an_object_has_exactly_its_members_and_a_list_its_elements_in_order() {
    accepts(
        json!({ "a": 1, "b": { "c": [1, 2] } }),
        &[json!({ "b": { "c": [1.0, 2] }, "a": 1 })],
        &[
            json!({ "a": 1 }),
            json!({ "a": 1, "b": { "c": [2, 1] } }),
            json!({ "a": 1, "b": { "c": [1] } }),
            json!({ "a": 1, "b": { "c": [1, 2, 3] } }),
            json!({ "a": 1, "b": { "c": [1, 2] }, "d": null }),
            json!([]),
        ],
    );
    accepts(json!({}), &[json!({})], &[json!({ "a": 1 }), json!([])]);
    accepts(json!([]), &[json!([])], &[json!([null]), json!({})]);
}

#[test]
fn null_is_a_value_and_not_an_absence() {
    accepts(json!({ "a": null }), &[json!({ "a": null })], &[json!({})]);
    accepts(
        json!({ "a": { "absent": true } }),
        &[json!({})],
        &[json!({ "a": null })],
    );
}

#[test]
fn bounds_hold_numbers_and_times() {
    let one_to_three = [json!(1), json!(2.5), json!(3)];
    accepts(
        json!({ "between": [1, 3] }),
        &one_to_three,
        &[json!(0.99), json!(3.01), json!("2")],
    );
    accepts(
        json!({ "about": [29.3, 0.1] }),
        &[json!(29.4), json!(29.2)],
        &[json!(29.41), json!(29.19)],
    );
    accepts(
        json!({ "about": ["2024-01-01T00:00:24Z", "1s"] }),
        &[
            json!("2024-01-01T00:00:23Z"),
            json!("2024-01-01T01:00:24.999+01:00"),
            json!("2024-01-01T00:00:25.000Z"),
        ],
        &[
            json!("2024-01-01T00:00:22.999999999Z"),
            json!("2024-01-01T00:00:25.000000001Z"),
            json!("noon"),
            json!(24),
        ],
    );
    accepts(json!({ "above": 1 }), &[json!(1.1)], &[json!(1), json!(0)]);
    accepts(json!({ "below": 1 }), &[json!(0.9)], &[json!(1), json!(2)]);
    accepts(json!({ "atLeast": 1 }), &[json!(1), json!(2)], &[json!(0.9)]);
    accepts(json!({ "atMost": 1 }), &[json!(1), json!(0)], &[json!(1.1)]);
}

#[test]
fn bounds_hold_texts_and_lists() {
    accepts(
        json!({ "contains": "old" }),
        &[json!("colder")],
        &[json!("warm"), json!(["colder"])],
    );
    accepts(
        json!({ "contains": { "above": 40 } }),
        &[json!([10, 41])],
        &[json!([10, 40]), json!(41)],
    );
    accepts(
        json!({ "matches": "^2024-.*Z$" }),
        &[json!("2024-01-01T00:00:00Z")],
        &[json!("on 2024-Z"), json!(2024)],
    );
    accepts(
        json!({ "oneOf": [1, "two", { "above": 3 }] }),
        &[json!(1), json!("two"), json!(4)],
        &[json!(2), json!(3)],
    );
    accepts(
        json!({ "not": { "between": [1, 3] } }),
        &[json!(4), json!(null)],
        &[json!(2)],
    );
}

#[test]
fn any_is_of_a_type() {
    let all = [
        ("number", json!(1.5)),
        ("string", json!("x")),
        ("boolean", json!(false)),
        ("object", json!({})),
        ("array", json!([])),
    ];
    for (wanted, _) in &all {
        let (good, bad): (Vec<_>, Vec<_>) = all.iter().partition(|(kind, _)| kind == wanted);
        let values = |of: Vec<&(&str, Value)>| of.into_iter().map(|(_, value)| value.clone()).collect::<Vec<_>>();
        accepts(json!({ "any": wanted }), &values(good), &values(bad));
    }
    accepts(json!({ "any": "integer" }), &[json!(1), json!(1.0)], &[json!(1.5)]);
    accepts(json!({ "any": "value" }), &[json!(null), json!(1)], &[]);
    assert!(!expected(&json!({ "any": "value" })).accepts(None));
}

#[test]
fn a_bound_s_word_beside_others_or_in_equals_is_a_name() {
    accepts(
        json!({ "above": 1, "x": 2 }),
        &[json!({ "above": 1, "x": 2 })],
        &[json!(5)],
    );
    accepts(
        json!({ "equals": { "above": 1 } }),
        &[json!({ "above": 1 })],
        &[json!(5)],
    );
    accepts(
        json!({ "equals": { "$.a": 1 } }),
        &[json!({ "$.a": 1 })],
        &[json!({ "a": 1 })],
    );
}

#[test]
fn paths_look_at_some_places_alone() {
    accepts(
        json!({ "$.a": 1, "$.b.c": { "above": 2 } }),
        &[json!({ "a": 1, "b": { "c": 3, "d": 4 }, "e": 5 })],
        &[json!({ "a": 1 }), json!({ "a": 2, "b": { "c": 3 } }), json!(1)],
    );
    accepts(json!({ "$": { "any": "number" } }), &[json!(1)], &[json!("1")]);
    accepts(
        json!({ "$.a": { "absent": true } }),
        &[json!({ "b": 1 })],
        &[json!({ "a": 1 })],
    );
}

#[test]
fn a_path_to_many_places_holds_at_each_of_them() {
    accepts(
        json!({ "$.all[*].ok": true }),
        &[json!({ "all": [{ "ok": true }, { "ok": true }] })],
        &[
            json!({ "all": [{ "ok": true }, { "ok": false }] }),
            json!({ "all": [] }),
        ],
    );
    accepts(
        json!({ "$.all[?@.t > 20]": { "absent": true } }),
        &[json!({ "all": [{ "t": 20 }] })],
        &[json!({ "all": [{ "t": 20 }, { "t": 21 }] })],
    );
}

#[test]
fn each_difference_is_named_by_its_path() {
    assert_eq!(
        differences(
            &json!({ "a": 1, "b": { "c": { "between": [1, 2] }, "d d": "x" }, "l": [1, 2], "gone": true }),
            &json!({ "a": 2, "b": { "c": 3, "d d": "y" }, "l": [1, 3, 4], "more": null }),
        ),
        [
            "$.a: 1, 2",
            "$.b.c: 1 to 2, 3",
            "$.b['d d']: \"x\", \"y\"",
            "$.gone: true, nothing",
            "$.l[1]: 2, 3",
            "$.l[2]: nothing, 4",
            "$.more: nothing, null",
        ]
    );
    assert_eq!(
        differences(
            &json!({ "$.l[*]": { "below": 3 }, "$.x": 1 }),
            &json!({ "l": [1, 3, 5] })
        ),
        ["$.l[1]: below 3, 3", "$.l[2]: below 3, 5", "$.x: 1, nothing"]
    );
}

#[test]
fn a_description_that_makes_no_sense_says_what_would() {
    for (description, reason) in [
        (
            json!({ "about": 5 }),
            "\"about\" takes two numbers in a list, not 5; for an object with that name write { equals: { about: .. } }",
        ),
        (
            json!({ "about": ["noon", "5s"] }),
            "\"noon\" is no time from 1970 to 9999; write 2024-01-01T00:00:00Z",
        ),
        (
            json!({ "about": ["2024-01-01T00:00:00Z", "5"] }),
            "\"5\" is no time span; write 8s, 1m40s, 500ms or 24h",
        ),
        (
            json!({ "above": "x" }),
            "\"above\" takes a number, not \"x\"; for an object with that name write { equals: { above: .. } }",
        ),
        (
            json!({ "any": "float" }),
            "\"any\" takes one of value, number, integer, string, boolean, object, array, not \"float\"; for an object with \
             that name write { equals: { any: .. } }",
        ),
        (
            json!({ "matches": "(" }),
            "\"(\" is no regular expression of the syntax of the Rust crate regex",
        ),
        (
            json!({ "absent": false }),
            "\"absent\" takes true, not false; for an object with that name write { equals: { absent: .. } }",
        ),
        (
            json!({ "$.a": 1, "b": 2 }),
            "JSON paths, which begin with $, do not stand beside plain names; write $.name for those too",
        ),
    ] {
        assert_eq!(refusal(description), reason);
    }
    assert!(refusal(json!({ "$.a[": 1 })).starts_with("\"$.a[\" is no JSON path"));
    assert!(refusal(json!({ "x": [{ "oneOf": 1 }] })).starts_with("\"oneOf\" takes a list"));
}

#[test]
fn in_words_a_description_reads_as_json_with_bounds() {
    let description =
        json!({ "a": { "about": [1.5, 0.1] }, "b": [{ "any": "string" }, { "not": { "oneOf": [1, 2] } }] });
    assert_eq!(
        expected(&description).to_string(),
        r#"{"a":1.5 ± 0.1,"b":[any string,anything but one of 1, 2]}"#
    );
    assert_eq!(
        expected(&json!({ "$.a": 1, "$.b": true })).to_string(),
        "$.a: 1, $.b: true"
    );
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z$ ]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever stands in `equals` is itself, and differs from everything else at some place.
    #[test]
    fn a_value_equals_itself_alone(value in document(), other in document()) {
        let itself = json!({ "equals": value });
        prop_assert!(expected(&itself).accepts(Some(&value)));
        prop_assert_eq!(expected(&itself).accepts(Some(&other)), value == other);
        if let Ok(described) = Expected::read(&value) {
            let mut found = Vec::new();
            described.differences("$", Some(&other), &mut found);
            prop_assert_eq!(described.accepts(Some(&other)), found.is_empty());
        }
    }
}
