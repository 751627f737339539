//! The models in models/ say what this device does.

use super::*;
use setpoint_guest::Device;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Where a model repository keeps a model: `dtmi:com:example:Thermostat;1` in `dtmi/com/example/thermostat-1.json`.
fn model(id: &str) -> Value {
    let path = format!("{}.json", id.to_lowercase().replace(':', "/").replace(';', "-"));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../models")
        .join(path);
    let text = std::fs::read_to_string(&path).expect("the model lies where its id says");
    let model: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&model["@id"], &model["@type"]), (&json!(id), &json!("Interface")));
    model
}

/// Component and element of everything of a kind, those of components and of what is extended included.
fn elements(kind: &str) -> Vec<(Option<String>, Value)> {
    fn collect(id: &str, component: Option<&str>, kind: &str, found: &mut Vec<(Option<String>, Value)>) {
        let model = model(id);
        if let Some(base) = model["extends"].as_str() {
            collect(base, component, kind, found);
        }
        for element in model["contents"].as_array().into_iter().flatten() {
            let is = |kind: &str| match &element["@type"] {
                Value::Array(types) => types.iter().any(|name| name == kind),
                name => name == kind,
            };
            let name = element["name"].as_str().expect("a name");
            if is("Component") {
                collect(element["schema"].as_str().expect("an id"), Some(name), kind, found);
            } else if is(kind) {
                found.push((component.map(str::to_owned), element.clone()));
            }
        }
    }
    let mut found = Vec::new();
    collect(TemperatureController::MODEL_ID, None, kind, &mut found);
    found
}

/// `component.name` of each.
fn names(elements: Vec<(Option<String>, Value)>) -> BTreeSet<String> {
    let names = elements.into_iter().map(|(component, element)| {
        let name = element["name"].as_str().expect("a name").to_owned();
        Member { component, name }.to_string()
    });
    names.collect()
}

#[test]
fn the_device_sends_and_reports_exactly_what_they_name() {
    let mut controller = Trial::<TemperatureController>::power_on(host(&[(40, 41)])).unwrap();
    let (mut sent, mut reported) = (BTreeSet::new(), BTreeSet::new());
    for effect in controller.effects() {
        match effect {
            Effect::Telemetry(telemetry) => {
                let body: serde_json::Map<String, Value> = telemetry.body.decode().unwrap();
                sent.extend(body.into_iter().map(|(name, _)| {
                    let component = telemetry.component.clone();
                    Member { component, name }.to_string()
                }));
            }
            Effect::Report { property, .. } => {
                reported.insert(property.to_string());
            }
            _ => {}
        }
    }
    assert_eq!(sent, names(elements("Telemetry")));
    let read_only = elements("Property")
        .into_iter()
        .filter(|(_, it)| it["writable"] != true);
    assert_eq!(reported, names(read_only.collect()));
}

#[test]
fn the_device_takes_exactly_the_writable_properties() {
    let writable = elements("Property")
        .into_iter()
        .filter(|(_, it)| it["writable"] == true);
    let mut controller = Trial::<TemperatureController>::power_on(host(&[])).unwrap();
    controller.effects();
    controller.update(1, &json!({}));
    let defaults = controller.effects().into_iter().map(|effect| match effect {
        Effect::Acknowledgement(default) => default.property.to_string(),
        other => panic!("{other:?}"),
    });
    assert_eq!(defaults.collect::<BTreeSet<_>>(), names(writable.collect()));
}

#[test]
fn the_device_knows_every_command() {
    let commands = names(elements("Command"));
    assert_eq!(commands.len(), 3);
    let mut controller = controller(&[]);
    for (component, element) in elements("Command") {
        let name = element["name"].as_str().expect("a name").to_owned();
        let outcome = controller.invoke(Member { component, name }, ());
        assert!(
            !matches!(outcome, Outcome::Done(Response { status: 404, .. })),
            "{element}"
        );
    }
}

#[test]
fn what_is_reported_is_of_the_schema_they_give() {
    let mut controller = Trial::<TemperatureController>::power_on(host(&[])).unwrap();
    let schemas: std::collections::HashMap<String, Value> = elements("Property")
        .into_iter()
        .map(|(component, element)| {
            let name = element["name"].as_str().expect("a name").to_owned();
            (Member { component, name }.to_string(), element["schema"].clone())
        })
        .collect();
    for effect in controller.effects() {
        let Effect::Report { property, value } = effect else {
            continue;
        };
        let value: Value = value.expect("a value").decode().unwrap();
        let fits = match schemas[&property.to_string()].as_str().expect("a simple schema") {
            "string" => value.is_string(),
            "double" => value.is_number(),
            other => panic!("{property} is a {other}"),
        };
        assert!(fits, "{property}: {value}");
    }
}
