//! The model in models/ says what this device does.

use super::*;
use serde_json::Value;
use setpoint_guest::Device;
use std::path::PathBuf;

/// Where a model repository keeps a model: `dtmi:com:example:Thermostat;1` in `dtmi/com/example/thermostat-1.json`.
fn path_of(model_id: &str) -> String {
    format!("{}.json", model_id.to_lowercase().replace(':', "/").replace(';', "-"))
}

fn model() -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../models")
        .join(path_of(Thermostat::MODEL_ID));
    serde_json::from_str(&std::fs::read_to_string(&path).expect("the model lies where its id says")).unwrap()
}

fn of_type<'a>(model: &'a Value, kind: &str) -> Vec<&'a Value> {
    let contents = model["contents"].as_array().expect("contents");
    let is_kind = |element: &Value| match &element["@type"] {
        Value::Array(types) => types.iter().any(|name| name == kind),
        name => name == kind,
    };
    contents.iter().filter(|element| is_kind(element)).collect()
}

#[test]
fn it_is_this_interface_in_dtdl_2() {
    let model = model();
    assert_eq!(model["@id"], Thermostat::MODEL_ID);
    assert_eq!(model["@context"], "dtmi:dtdl:context;2");
    assert_eq!(model["@type"], "Interface");
}

#[test]
fn it_names_what_the_device_sends() {
    let model = model();
    let mut thermostat = Trial::<Thermostat>::power_on(MockHost::new().with_random(draws(&[40]))).unwrap();
    let read_only: Vec<_> = of_type(&model, "Property")
        .into_iter()
        .filter(|it| it["writable"] != true)
        .collect();
    for effect in thermostat.effects() {
        match effect {
            Effect::Telemetry(sent) => {
                let body: serde_json::Map<String, Value> = sent.body.decode().unwrap();
                let names: Vec<&Value> = of_type(&model, "Telemetry").into_iter().map(|it| &it["name"]).collect();
                assert_eq!(names, body.keys().map(String::as_str).collect::<Vec<_>>());
            }
            Effect::Report { property, .. } => assert_eq!(read_only[0]["name"], property.name),
            _ => {}
        }
    }
    assert_eq!(read_only.len(), 1);
}

#[test]
fn its_command_answers_with_the_fields_it_promises() {
    let model = model();
    let commands = of_type(&model, "Command");
    let [command] = commands.as_slice() else {
        panic!("{commands:?}")
    };
    let name = command["name"].as_str().expect("a name");
    let setpoint_guest::Outcome::Done(response) = thermostat(&[22]).invoke(name, ()) else {
        panic!("deferred")
    };
    let report: serde_json::Map<String, Value> = response.payload.unwrap().decode().unwrap();
    let fields = command["response"]["schema"]["fields"].as_array().expect("fields");
    let mut promised: Vec<_> = fields
        .iter()
        .map(|field| field["name"].as_str().expect("a name"))
        .collect();
    promised.sort_unstable();
    assert_eq!(promised, report.keys().map(String::as_str).collect::<Vec<_>>());
}
