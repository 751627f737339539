mod words;

use crate::{Bundle, Dtmi, EnumValues, Fault, Model, ModelError, Primitive, Repository, Schema};
use serde_json::{Value, json};

/// An interface with these contents.
fn interface(name: &str, version: u32, contents: Value) -> Value {
    json!({
        "@context": format!("dtmi:dtdl:context;{version}"), "@id": format!("dtmi:com:example:{name};1"),
        "@type": "Interface", "contents": contents,
    })
}

fn read(name: &str, documents: &[Value]) -> Result<Model, ModelError> {
    let documents = documents.iter().enumerate();
    let bundle = Bundle::new(documents.map(|(n, document)| (format!("{n}.json"), document.to_string())));
    let id: Dtmi = format!("dtmi:com:example:{name};1").parse().unwrap();
    Model::read(&id, &bundle)
}

/// Where one interface of this version is wrong, and how.
fn fault_of(version: u32, contents: Value) -> (String, Fault) {
    fault_in(&[interface("A", version, contents)])
}

fn fault_in(documents: &[Value]) -> (String, Fault) {
    match read("A", documents) {
        Err(ModelError::Invalid { at, fault, .. }) => (at, fault),
        other => panic!("{other:?}"),
    }
}

fn with(mut interface: Value, member: &str, value: Value) -> Value {
    interface[member] = value;
    interface
}

fn telemetry(name: &str) -> Value {
    json!([{ "@type": "Telemetry", "name": name, "schema": "double" }])
}

/// One property of this schema.
fn property(schema: Value) -> Value {
    json!([{ "@type": "Property", "name": "a", "schema": schema, "writable": true }])
}

#[test]
fn the_projects_own_thermostat_is_read() {
    let repository = Repository::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models"));
    let model = Model::read(&"dtmi:com:example:Thermostat;1".parse().unwrap(), &repository).unwrap();
    let target = model.contents.property("targetTemperature").unwrap();
    assert!(target.writable && !model.contents.property("maxTempSinceLastReboot").unwrap().writable);
    assert_eq!(target.unit.as_deref(), Some("degreeCelsius"));
    let report = model.contents.command("getMaxMinReport").unwrap();
    assert_eq!(
        report.request.as_ref().unwrap().schema,
        Schema::Primitive(Primitive::DateTime)
    );
    assert!(matches!(&report.response.as_ref().unwrap().schema, Schema::Object(fields) if fields.len() == 5));
    assert_eq!(model.label.display_name.as_deref(), Some("Thermostat"));
}

#[test]
fn components_stand_beside_the_default_one() {
    let contents = json!([
        { "@type": "Component", "name": "left", "schema": "dtmi:com:example:B;1", "displayName": { "de": "links", "en": "Left" } },
        { "@type": ["Component"], "name": "right", "schema": interface("Inline", 2, telemetry("inside")) },
        { "@type": "Telemetry", "name": "own", "schema": "long" },
    ]);
    let model = read("A", &[interface("A", 2, contents), interface("B", 3, telemetry("b"))]).unwrap();
    let all: Vec<_> = model
        .all()
        .map(|(name, contents)| (name, contents.telemetries[0].name.as_str()))
        .collect();
    assert_eq!(all, [(None, "own"), (Some("left"), "b"), (Some("right"), "inside")]);
    assert_eq!(model.components[0].label.display_name.as_deref(), Some("Left"));
    assert!(model.component(Some("right")).is_some() && model.component(Some("middle")).is_none());
}

#[test]
fn what_is_inherited_comes_first_and_once() {
    let extends =
        |name: &str, parents: Value| with(interface(name, 2, telemetry(&name.to_lowercase())), "extends", parents);
    let diamond = [
        extends("A", json!(["dtmi:com:example:B;1", "dtmi:com:example:C;1"])),
        extends("B", json!("dtmi:com:example:D;1")),
        extends("C", json!("dtmi:com:example:D;1")),
        interface("D", 2, telemetry("d")),
    ];
    let model = read("A", &diamond).unwrap();
    let names: Vec<_> = model.contents.telemetries.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["d", "b", "c", "a"]);
}

#[test]
fn an_array_holds_several_interfaces_and_the_first_context_holds_for_all() {
    let mut b = interface("B", 3, telemetry("b"));
    b.as_object_mut().unwrap().remove("@context");
    let a = with(
        interface("A", 3, telemetry("a")),
        "extends",
        json!("dtmi:com:example:B;1"),
    );
    assert_eq!(read("A", &[json!([a, b])]).unwrap().contents.telemetries.len(), 2);
}

#[test]
fn schemas_of_every_kind_are_read() {
    let kinds = json!({ "@type": "Object", "fields": [
        { "@type": ["Field", "Required"], "name": "list", "schema": { "@type": "Array", "elementSchema": "date" } },
        { "name": "map", "schema": { "@type": "Map", "mapKey": { "name": "k", "schema": "string" },
            "mapValue": { "name": "v", "schema": "dtmi:dtdl:instance:Schema:float;2" } } },
        { "name": "state", "schema": { "@type": "Enum", "valueSchema": "integer",
            "enumValues": [{ "name": "off", "enumValue": 0 }, { "name": "on", "enumValue": 1 }] } },
        { "name": "place", "schema": "point" },
        { "name": "shared", "schema": "dtmi:com:example:shared;1" },
    ] });
    let shared = json!({ "@id": "dtmi:com:example:shared;1", "@type": "Enum", "valueSchema": "string",
        "enumValues": { "name": "only", "enumValue": "x" } });
    let model = read(
        "A",
        &[with(interface("A", 3, property(kinds)), "schemas", json!([shared]))],
    )
    .unwrap();
    let schema = &model.contents.property("a").unwrap().schema;
    let Schema::Object(fields) = schema else { panic!() };
    assert!(fields[0].required && !fields[1].required);
    assert!(matches!(&fields[4].schema, Schema::Enum(EnumValues::Strings(values)) if values[0].value == "x"));
    let value = json!({ "list": ["2024-02-29"], "map": { "a": 1.5 }, "state": 1,
        "place": { "type": "Point", "coordinates": [1, 2] }, "shared": "x" });
    assert_eq!(schema.check(&value), Ok(()));
}

#[test]
fn primitives_go_by_their_names() {
    for primitive in Primitive::ALL {
        let model = read("A", &[interface("A", 2, property(json!(primitive.name())))]).unwrap();
        assert_eq!(model.contents.properties[0].schema, Schema::Primitive(primitive));
    }
}

#[test]
fn versions_differ_in_arrays_and_lengths() {
    let array = json!({ "@type": "Map", "mapKey": { "name": "k", "schema": "string" },
        "mapValue": { "name": "v", "schema": { "@type": "Array", "elementSchema": "double" } } });
    let at = "contents[0].schema.mapValue.schema".to_owned();
    assert_eq!(fault_of(2, property(array.clone())), (at, Fault::ArrayInProperty));
    assert_eq!(fault_of(2, property(json!("point"))).1, Fault::ArrayInProperty);
    assert!(read("A", &[interface("A", 3, property(array))]).is_ok());
    let long = "a".repeat(65);
    assert!(matches!(fault_of(2, telemetry(&long)), (at, Fault::Name(_)) if at == "contents[0].name"));
    assert!(read("A", &[interface("A", 3, telemetry(&long))]).is_ok());
}

#[test]
fn other_versions_are_refused() {
    let context = json!(["dtmi:iotcentral:context;2", "dtmi:dtdl:context;2"]);
    assert!(read("A", &[with(interface("A", 2, json!([])), "@context", context)]).is_ok());
    assert_eq!(
        fault_of(4, json!([])),
        (
            "@context".to_owned(),
            Fault::Version("\"dtmi:dtdl:context;4\"".to_owned())
        )
    );
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let at = |contents: Value| fault_of(3, contents);
    let element = |members: Value| json!([telemetry("fine")[0], members]);
    let expected = [
        (
            element(json!({ "@type": "Telemetry", "name": "a" })),
            "contents[1]",
            Fault::Missing("schema"),
        ),
        (
            element(json!({ "@type": "Telemetry", "schema": "long" })),
            "contents[1]",
            Fault::Missing("name"),
        ),
        (
            element(json!({ "@type": "Thing", "name": "a" })),
            "contents[1]",
            Fault::ContentType("[\"Thing\"]".into()),
        ),
        (element(json!("a")), "contents[1]", Fault::Kind("an object")),
        (
            element(telemetry("fine")[0].clone()),
            "the interface",
            Fault::Duplicate("fine".into()),
        ),
        (
            property(json!("bytes")),
            "contents[0].schema",
            Fault::UnknownSchema("\"bytes\"".into()),
        ),
        (
            property(json!(5)),
            "contents[0].schema",
            Fault::Kind("a schema: its name, or an object"),
        ),
        (telemetry("1a"), "contents[0].name", Fault::Name("1a".into())),
    ];
    for (contents, place, fault) in expected {
        assert_eq!(at(contents), (place.to_owned(), fault));
    }
}

#[test]
fn an_error_is_a_line_with_file_and_member() {
    let error = read("A", &[interface("A", 2, property(json!("vector")))]).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("0.json: contents[0].schema: \"vector\" is no schema"),
        "{error}"
    );
}

#[test]
fn enumerations_and_maps_are_looked_at() {
    let values =
        |kind: &str, values: Value| property(json!({ "@type": "Enum", "valueSchema": kind, "enumValues": values }));
    let mixed = json!([{ "name": "a", "enumValue": 1 }, { "name": "b", "enumValue": "2" }]);
    assert_eq!(
        fault_of(3, values("integer", mixed)).0,
        "contents[0].schema.enumValues[1].enumValue"
    );
    let twice = json!([{ "name": "a", "enumValue": 1 }, { "name": "b", "enumValue": 1 }]);
    assert_eq!(fault_of(3, values("integer", twice)).1, Fault::Duplicate("1".into()));
    assert_eq!(
        fault_of(3, values("double", json!([{ "name": "a", "enumValue": 1 }]))).1,
        Fault::EnumValues
    );
    assert_eq!(fault_of(3, values("integer", json!([]))).1, Fault::EnumValues);
    let map = json!({ "@type": "Map", "mapKey": { "name": "k", "schema": "long" }, "mapValue": {} });
    assert_eq!(
        fault_of(3, property(map)),
        ("contents[0].schema.mapKey.schema".into(), Fault::MapKey)
    );
}

#[test]
fn nothing_refers_to_itself_without_end() {
    let schema = json!({ "@id": "dtmi:x;1", "@type": "Array", "elementSchema": "dtmi:x;1" });
    let selfish = with(interface("A", 3, property(json!("dtmi:x;1"))), "schemas", schema);
    assert_eq!(fault_in(&[selfish]).1, Fault::SchemaTooDeep);
    let heir = with(interface("A", 2, json!([])), "extends", json!("dtmi:com:example:A;1"));
    assert_eq!(
        fault_in(&[heir]).1,
        Fault::Cycle("dtmi:com:example:A;1".parse().unwrap())
    );
    let inside = json!([{ "@type": "Component", "name": "me", "schema": "dtmi:com:example:A;1" }]);
    assert_eq!(fault_of(2, inside), ("contents[0]".into(), Fault::NestedComponent));
}

#[test]
fn inheritance_is_ten_levels_deep_and_no_deeper() {
    let line = |levels: usize| {
        let name = |level: usize| {
            if level == 0 {
                "A".to_owned()
            } else {
                format!("L{level}")
            }
        };
        let of = |level: usize| {
            let parents = if level == levels {
                json!([])
            } else {
                json!(format!("dtmi:com:example:{};1", name(level + 1)))
            };
            with(
                interface(&name(level), 2, telemetry(&format!("t{level}"))),
                "extends",
                parents,
            )
        };
        (0..=levels).map(of).collect::<Vec<_>>()
    };
    assert_eq!(read("A", &line(10)).unwrap().contents.telemetries.len(), 11);
    assert_eq!(fault_in(&line(11)).1, Fault::ExtendsTooDeep);
}

#[test]
fn what_is_not_there_is_said_with_who_wants_it() {
    let error = read(
        "A",
        &[with(
            interface("A", 2, json!([])),
            "extends",
            json!("dtmi:com:example:B;1"),
        )],
    )
    .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("dtmi:com:example:B;1, which dtmi:com:example:A;1 refers to"),
        "{text}"
    );
    assert!(text.contains("dtmi/com/example/b-1.json"), "{text}");
}

#[test]
fn a_file_with_another_interface_in_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("dtmi/com/example")).unwrap();
    let path = folder.path().join("dtmi/com/example/a-1.json");
    std::fs::write(path, interface("B", 2, json!([])).to_string()).unwrap();
    let id: Dtmi = "dtmi:com:example:A;1".parse().unwrap();
    let error = Model::read(&id, &Repository::new(folder.path())).unwrap_err();
    assert!(
        matches!(
            error,
            ModelError::Invalid {
                fault: Fault::Identity { .. },
                ..
            }
        ),
        "{error}"
    );
}
