//! `setpoint check`. What it says of models that are not there is in `bad_input.rs`.

use serde_json::{Value, json};

use super::program::Environment;

/// A thermostat whose temperature is a text, which the thermostat's is not.
const ANOTHER_THERMOSTAT: &str = r#"{
    "@context": "dtmi:dtdl:context;2",
    "@id": "dtmi:com:example:Thermostat;1",
    "@type": "Interface",
    "contents": [
        { "@type": "Telemetry", "name": "temperature", "schema": "string" },
        { "@type": "Property", "name": "maxTempSinceLastReboot", "schema": "double" },
        { "@type": "Property", "name": "targetTemperature", "schema": "double", "writable": true }
    ]
}"#;

#[test]
fn every_rule_is_reported_and_the_projects_guests_need_no_folder_of_models() {
    let environment = Environment::new();
    let shown = environment.run(&["check"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""), "{}", shown.stdout);
    for part in [
        "thermostat  dtmi:com:example:Thermostat;1\n",
        "  ok       desired-valid ",
        "30 rules: 30 kept",
    ] {
        assert!(shown.stdout.contains(part), "{}", shown.stdout);
    }

    let json = environment.run(&["check", "--json", "--config", "interval=1"]);
    assert_eq!(json.code, Some(0));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["passed"], true);
    assert_eq!(json["model"], "dtmi:com:example:Thermostat;1");
    assert_eq!(json["rules"].as_array().map(Vec::len), Some(30));
}

#[test]
fn a_guest_that_is_not_what_its_model_says_fails_and_is_told_why() {
    let environment = Environment::new();
    let models = environment.path("models");
    let folder = environment.folder.path().join("models/dtmi/com/example");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("thermostat-1.json"), ANOTHER_THERMOSTAT).unwrap();

    let broken = environment.run(&["check", "--models", &models]);
    assert_eq!(broken.code, Some(1));
    assert_eq!(
        broken.error(),
        "thermostat breaks telemetry-schema; docs/check.md says what is asked of a device"
    );
    assert!(
        broken.stdout.contains("  breach   telemetry-schema"),
        "{}",
        broken.stdout
    );

    let json = environment.run(&["check", "--models", &models, "--json"]);
    assert_eq!(json.code, Some(1));
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    let breaches = report["rules"].as_array().unwrap().iter();
    let breaches: Vec<_> = breaches.filter(|rule| rule["verdict"] == "breach").collect();
    let [breach] = breaches.as_slice() else {
        panic!("{report}")
    };
    assert_eq!(
        (&report["passed"], &breach["id"]),
        (&json!(false), &json!("telemetry-schema"))
    );
    assert_eq!(breach["findings"][0]["subject"], "temperature");
}

#[test]
fn a_guest_that_does_not_start_is_told_so_and_no_more() {
    let environment = Environment::new();
    let broken = environment.run(&["check", "--config", "interval=never"]);
    assert_eq!(broken.code, Some(1));
    assert!(
        broken.error().starts_with("thermostat breaks starts; "),
        "{}",
        broken.stderr
    );
    for part in [
        "it refuses: config interval is a number of seconds",
        "30 rules: 0 kept, 1 broken, 0 with warnings, 29 without occasion",
    ] {
        assert!(broken.stdout.contains(part), "{}", broken.stdout);
    }
}
