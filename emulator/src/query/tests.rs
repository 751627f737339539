use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn twin() -> Value {
    json!({
        "deviceId": "pump-1", "status": "enabled", "connectionState": "Connected", "modelId": "",
        "tags": {"site": "north", "floor": 3, "null": null, "foo-bar": 1, "O'Brien": true},
        "properties": {
            "desired": {"target": 20.5, "$version": 4},
            "reported": {"target": {"value": 20.5, "ac": 200}, "list": [1, 2], "on": true, "$version": 2},
        },
    })
}

fn holds(condition: &str) -> bool {
    let query = format!("SELECT * FROM devices WHERE {condition}");
    parse(&query)
        .unwrap_or_else(|error| panic!("{query}: {error}"))
        .matches(&twin())
}

#[test]
fn conditions_that_hold() {
    for condition in [
        "deviceId = 'pump-1'",
        "DEVICEID = \"pump-1\"",
        "devices.deviceId = 'pump-1'",
        "tags.site = 'north' AND tags.floor >= 3",
        "tags.site != 'south'",
        "tags.site <> 'south'",
        "tags.floor < 4 and not tags.floor < 3",
        "tags.site = 'south' OR tags.floor <= 3",
        "tags.site IN ['south', 'north']",
        "tags.site NIN ['south']",
        "tags.site NOT IN ['south', 'west']",
        "2 IN properties.reported.list",
        "is_defined(tags.site)",
        "IS_DEFINED(tags.null)",
        "NOT is_defined(tags.nothing)",
        "is_null(tags.null)",
        "tags.null = null",
        "is_string(tags.site) AND is_number(tags.floor) AND is_bool(properties.reported.on)",
        "is_object(properties.reported.target)",
        "is_array(properties.reported.list) AND is_primitive(tags.site)",
        "properties.reported.on",
        "properties.reported.target.ac = 200",
        "properties.desired.target = properties.reported.target.value",
        "properties.desired.$version > 3",
        "startswith(tags.site, 'no') and ends_with(tags.site, 'th') AND CONTAINS(tags.site, 'ort')",
        "lower('ÄB') = 'äb' AND UPPER(tags.site) = 'NORTH' AND LENGTH(tags.site) = 5",
        "tags.[[foo-bar]] = 1",
        "tags.[[O'Brien]] = true",
        "'O\\'Brien' = 'O''Brien'",
        "'\\u00e4\\\\' = 'ä\\\\'",
        "tags.floor + 1 = 4 AND tags.floor * 2 - 1 = 5 AND tags.floor / 2 = 1.5 AND tags.floor % 2 = 1",
        "-tags.floor = -3 AND 0x1F = 31 AND 1.5e1 = 15 AND 15e-1 = 1.5",
        "1 + 2 * 3 = 7 AND (1 + 2) * 3 = 9",
        "NOT tags.floor = 4 AND tags.site = 'north'",
        "true OR tags.nothing = 1",
        "status = 'enabled' AND connectionState = 'Connected'",
    ] {
        assert!(holds(condition), "{condition}");
    }
}

#[test]
fn conditions_that_do_not() {
    for condition in [
        "tags.nothing = 1",
        "tags.nothing != 1",
        "NOT tags.nothing = 1",
        "tags.site = 3",
        "tags.site != 3",
        "tags.site",
        "tags.site > 2",
        "properties.reported.target = properties.reported.target",
        "is_null(tags.nothing)",
        "undefined = undefined",
        "1 / 0 = 1 / 0",
        "DEVICEID = 'PUMP-1'",
        "tags.SITE = 'north'",
        "tags.nothing IN ['a']",
        "startswith(tags.floor, '3')",
        "false AND tags.nothing = 1",
        "tags.site = 'north' AND (tags.floor = 4 OR tags.floor = 5)",
    ] {
        assert!(!holds(condition), "{condition}");
    }
}

#[test]
fn rows_have_what_is_selected() {
    let row = |query: &str| parse(query).unwrap().row(twin());
    assert_eq!(row("SELECT * FROM devices"), twin());
    assert_eq!(
        row("SELECT deviceId, tags.site AS place, tags.nothing, tags.[[foo-bar]] FROM devices"),
        json!({"deviceId": "pump-1", "place": "north", "foo-bar": 1})
    );
}

#[test]
fn groups_are_counted_and_measured() {
    let twins: Vec<Value> = [("a", json!(1)), ("b", json!(2)), ("a", json!(4.5)), ("a", json!("?"))]
        .into_iter()
        .map(|(site, level)| json!({"tags": {"site": site}, "level": level}))
        .chain([json!({"level": 7})])
        .collect();
    let rows = |query: &str| Value::Array(parse(query).unwrap().rows(&twins));
    assert_eq!(rows("SELECT COUNT() AS n FROM devices"), json!([{"n": 5}]));
    assert_eq!(
        rows("SELECT COUNT(), COUNT(tags.site) FROM devices"),
        json!([{"$1": 5, "$2": 4}])
    );
    let query = "SELECT tags.site AS site, COUNT() AS n, SUM(level) AS sum, AVG(level) AS avg, MIN(level) AS min, \
                 MAX(level) AS max FROM devices GROUP BY tags.site";
    assert_eq!(
        rows(query),
        json!([
            {"site": "a", "n": 3, "sum": 5.5, "avg": 2.75, "min": 1, "max": 4.5},
            {"site": "b", "n": 1, "sum": 2, "avg": 2, "min": 2, "max": 2},
            {"n": 1, "sum": 7, "avg": 7, "min": 7, "max": 7},
        ])
    );
    let none = parse("SELECT COUNT() AS n, AVG(level) AS avg, SUM(level) AS sum FROM devices").unwrap();
    assert_eq!(Value::Array(none.rows(&[])), json!([{"n": 0, "sum": 0}]));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (query, line, column, word) in [
        ("", 1, 1, "SELECT"),
        ("SELECT", 1, 7, "property"),
        ("SELECT * FROM", 1, 14, "property"),
        ("SELECT * FROM twins", 1, 15, "devices"),
        ("SELECT * FROM devices.jobs", 1, 15, "jobs"),
        ("SELECT * FROM devices WHERE", 1, 28, "property"),
        ("SELECT *\n FROM devices\n WHERE tags.a = = 1", 3, 17, "'='"),
        ("SELECT * FROM devices WHERE a = 'x", 1, 33, "closing"),
        ("SELECT * FROM devices WHERE a = 'x\\q'", 1, 35, "after"),
        ("SELECT * FROM devices WHERE a.[[x = 1", 1, 31, "]]"),
        ("SELECT * FROM devices WHERE a = 1x", 1, 33, "number"),
        ("SELECT * FROM devices WHERE a = 1e999", 1, 33, "number"),
        ("SELECT * FROM devices WHERE a ? 1", 1, 31, "means nothing"),
        ("SELECT * FROM devices WHERE (a = 1", 1, 35, "')'"),
        ("SELECT * FROM devices WHERE a IN 5", 1, 34, "list"),
        ("SELECT * FROM devices WHERE like(a, 'x')", 1, 29, "no function 'like'"),
        ("SELECT * FROM devices WHERE contains(a)", 1, 29, "2 values"),
        ("SELECT * FROM devices WHERE is_defined('a')", 1, 29, "property"),
        ("SELECT * FROM devices ORDER BY deviceId", 1, 23, "ORDER BY"),
        ("SELECT SUM() FROM devices", 1, 12, "COUNT"),
        ("SELECT TOP 0 * FROM devices", 1, 12, "TOP"),
        ("SELECT a, COUNT() FROM devices", 1, 31, "GROUP BY"),
        ("SELECT * FROM devices GROUP BY a", 1, 23, "GROUP BY"),
        ("DELETE FROM devices", 1, 1, "SELECT"),
    ] {
        let error = parse(query).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{query}: {error}");
        assert!(error.what.contains(word), "{query}: {error}");
    }
}

#[test]
fn depth_and_length_have_their_limits() {
    let deep = |n: usize| format!("SELECT * FROM devices WHERE {}1 = 1{}", "(".repeat(n), ")".repeat(n));
    assert!(parse(&deep(30)).is_ok());
    assert!(parse(&deep(100_000)).unwrap_err().what.contains("within each other"));
    assert!(parse(&format!("SELECT * FROM devices WHERE {}a", "NOT ".repeat(100_000))).is_err());
    assert!(parse(&format!("SELECT * FROM devices WHERE 1 = {}1", "-".repeat(100_000))).is_err());
    let long = |n: usize| format!("SELECT * FROM devices WHERE a = 1{}", " OR a = 1".repeat(n));
    assert!(parse(&long(100)).is_ok());
    assert!(parse(&long(10_000)).unwrap_err().what.contains("operators"));
    let ids: Vec<_> = (0..2_000).map(|n| format!("'d{n}'")).collect();
    assert!(parse(&format!("SELECT * FROM devices WHERE deviceId IN [{}]", ids.join(", "))).is_ok());
}

fn paths() -> impl Strategy<Value = Path> {
    let level = prop_oneof![
        "[a-zA-Z_$][a-zA-Z0-9_$]{0,8}",
        "[^\\]\\[]{1,8}",
        Just("select".to_owned()),
        Just("null".to_owned()),
    ];
    proptest::collection::vec(level, 1..4).prop_map(Path)
}

fn literals() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Undefined),
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(|number| Literal::Number(number.abs())),
        any::<u32>().prop_map(|number| Literal::Number(number.into())),
        any::<String>().prop_map(Literal::Text),
    ]
}

fn binaries() -> impl Strategy<Value = Binary> {
    proptest::sample::select(vec![
        Binary::Or,
        Binary::And,
        Binary::Equal,
        Binary::NotEqual,
        Binary::Less,
        Binary::AtMost,
        Binary::Greater,
        Binary::AtLeast,
        Binary::Add,
        Binary::Subtract,
        Binary::Multiply,
        Binary::Divide,
        Binary::Modulo,
    ])
}

fn expressions() -> impl Strategy<Value = Expression> {
    let simple = prop_oneof![
        literals().prop_map(Expression::Literal),
        paths().prop_map(Expression::Path)
    ];
    simple.prop_recursive(5, 40, 3, |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..3).prop_map(Expression::Array);
        let pair = (inner.clone(), inner.clone());
        let functions = proptest::sample::select(Function::ALL.map(|(_, function)| function).to_vec());
        let call = (functions, paths(), inner.clone()).prop_map(|(function, path, second)| {
            let arguments = [Expression::Path(path), second];
            Expression::Call(function, arguments.into_iter().take(function.arity()).collect())
        });
        prop_oneof![
            list.clone(),
            inner.clone().prop_map(|inner| Expression::Not(Box::new(inner))),
            inner.clone().prop_map(|inner| Expression::Negative(Box::new(inner))),
            (binaries(), pair).prop_map(|(operator, (left, right))| Expression::Binary(
                operator,
                Box::new(left),
                Box::new(right)
            )),
            (inner, any::<bool>(), list).prop_map(|(value, negated, list)| Expression::In(
                Box::new(value),
                negated,
                Box::new(list)
            )),
            call,
        ]
    })
}

fn selections() -> impl Strategy<Value = (Select, Vec<Path>)> {
    let alias = || proptest::option::of("[a-zA-Z][a-zA-Z0-9]{0,8}");
    let aggregates = proptest::sample::select(Aggregate::ALL.map(|(_, aggregate)| aggregate).to_vec());
    let aggregate = (aggregates, paths(), any::<bool>(), alias()).prop_map(|(aggregate, path, bare, alias)| Item {
        selected: Selected::Aggregate(aggregate, Some(path).filter(|_| !bare || aggregate != Aggregate::Count)),
        alias,
    });
    let value = |path: Path, alias| Item {
        selected: Selected::Path(path),
        alias,
    };
    let plain = proptest::collection::vec((paths(), alias()), 1..4).prop_map(move |items| {
        items
            .into_iter()
            .map(|(path, alias)| value(path, alias))
            .collect::<Vec<_>>()
    });
    let grouped = (
        proptest::collection::vec(paths(), 0..3),
        proptest::collection::vec(aggregate, 1..4),
    )
        .prop_map(move |(group_by, mut items)| {
            items.extend(group_by.iter().map(|path| value(path.clone(), None)));
            (Select::Items(items), group_by)
        });
    prop_oneof![
        Just((Select::All, Vec::new())),
        plain.prop_map(|items| (Select::Items(items), Vec::new())),
        grouped,
    ]
}

fn queries() -> impl Strategy<Value = Query> {
    let source = prop_oneof![Just(Source::Devices), Just(Source::Modules)];
    let top = proptest::option::of(1..1_000_000u64);
    (top, selections(), source, proptest::option::of(expressions())).prop_map(
        |(top, (select, group_by), from, filter)| Query {
            top,
            select,
            from,
            filter,
            group_by,
        },
    )
}

/// Nearly a query: the pieces of real ones, put together at random.
const ALMOST: &str = "(SELECT|TOP|\\*|FROM|devices|\\.|modules|WHERE|GROUP BY|AND|OR|NOT|IN|\\[|\\]|\\[\\[|\\]\\]|\\(|\\)|COUNT|AS|\
                      is_defined|null|'|\"|\\\\|-|=|<|,|a|1|0x|e|\\n| |\\PC){0,30}";

proptest! {
    #[test]
    fn what_is_printed_reads_back(query in queries()) {
        let text = query.to_string();
        prop_assert_eq!(parse(&text), Ok(query), "{}", text);
    }

    #[test]
    fn no_text_panics(text in ALMOST) {
        let _ = parse(&text);
        let _ = parse(&format!("SELECT * FROM devices WHERE {text}")).map(|query| query.matches(&twin()));
    }

    #[test]
    fn no_query_panics(query in queries()) {
        let _ = query.matches(&twin());
        let _ = if query.is_aggregate() { query.rows(&[twin()]) } else { vec![query.row(twin())] };
    }
}
