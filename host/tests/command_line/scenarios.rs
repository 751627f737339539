//! `setpoint test`: what it prints and writes, and how it ends.

use serde_json::{Value, json};
use setpoint::sandbox::THERMOSTAT;

use super::program::{Ended, Environment};

/// Passes with the thermostat, also in real time.
const GOOD: &str = "
name: It takes a target
config: { interval: 0.5 }
random: [0, 5]
desired: { targetTemperature: 18 }
steps:
  - expect:
      - telemetry: { temperature: 10 }
      - ack: { property: targetTemperature, value: 18, status: 200, version: 2 }
  - at: 1s
    desired: { targetTemperature: 42.5 }
    expect:
      - ack: { property: targetTemperature, value: 42.5, status: 200, version: 3 }
  - command: getMaxMinReport
    payload: 2024-01-01T00:00:00Z
    expect:
      - response: { status: 200, payload: { $.maxTemp: 15, $.endTime: 2024-01-01T00:00:01Z } }
  - clock: 2030-01-01T00:00:00Z
  - message: { body: hello }
  - restart: replaced
    expect:
      - ack: { property: targetTemperature, value: 42.5 }
  - cloud: cut
  - command: reboot
  - after: 2s
    command: reboot
    expect:
      - response: { status: 404 }
      - telemetry: { temperature: { oneOf: [10, 15] } }
        count: { atLeast: 1 }
";

const BAD: &str = "
name: It warms up
random: [0]
steps:
  - at: 8s
    expect:
      - telemetry: { temperature: 11 }
";

/// The thermostat in its file, beside these scenarios.
fn environment(scenarios: &[(&str, &str)]) -> Environment {
    let environment = Environment::new();
    environment.write("thermostat.wasm", THERMOSTAT);
    std::fs::create_dir(environment.folder.path().join("scenarios")).unwrap();
    for (name, text) in scenarios {
        environment.write(&format!("scenarios/{name}"), text.as_bytes());
    }
    environment
}

fn test(environment: &Environment, arguments: &[&str]) -> Ended {
    environment.run(&[&["test", "thermostat.wasm"], arguments].concat())
}

/// With `#` for every figure of seconds that were measured.
fn untimed(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.parse::<f64>() {
        Ok(_) if word.contains('.') => "#",
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_folder_is_played_in_the_order_of_its_names() {
    let environment = environment(&[
        ("b.yaml", "steps: [ { at: 1h } ]"),
        ("a.yml", GOOD),
        ("notes.txt", "no scenario"),
    ]);
    let ended = test(&environment, &["scenarios"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    assert_eq!(
        untimed(&ended.stdout),
        "ok     scenarios/a.yml: It takes a target (3s in # s)\n\
         ok     scenarios/b.yaml: b (1h in # s)\n\
         2 passed, 0 failed in # s\n"
    );
}

#[test]
fn what_was_expected_is_shown_beside_what_came() {
    let environment = environment(&[("bad.yaml", BAD), ("good.yaml", GOOD)]);
    let ended = test(&environment, &["scenarios/good.yaml", "scenarios/bad.yaml"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.error(), "1 of 2 scenarios failed");
    let (_, shown) = ended.stdout.split_once('\n').unwrap();
    assert_eq!(
        untimed(shown),
        r#"FAILED scenarios/bad.yaml: It warms up (8s in # s)
  scenarios/bad.yaml:7:9: at 8s: expected telemetry {"temperature":11}
    closest: 8s telemetry {"temperature":10}
      $.temperature
        - 11
        + 10
    came:
      0s telemetry {"temperature":10}
      8s telemetry {"temperature":10}
1 passed, 1 failed in # s
"#
    );
}

#[test]
fn a_wrong_scenario_ends_it_before_any_is_played() {
    let environment = environment(&[("a.yaml", GOOD), ("z.yaml", "steps:\n  - at: soon\n")]);
    let ended = test(&environment, &["scenarios"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert_eq!(
        ended.error(),
        "scenarios/z.yaml:2:9: \"soon\" is no time span; write 8s, 1m40s, 500ms or 24h"
    );
}

#[test]
fn a_file_that_is_not_there_ends_it() {
    let environment = environment(&[]);
    for (arguments, reason) in [
        (vec!["test", "thermostat.wasm", "none.yaml"], "none.yaml: No such file"),
        (
            vec!["test", "thermostat.wasm", "scenarios"],
            "scenarios: there is no scenario in it",
        ),
        (vec!["test", "thermostat.wasm"], "required"),
    ] {
        let ended = environment.run(&arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert!(ended.stderr.contains(reason), "{}", ended.stderr);
    }
    let good = environment.write("good.yaml", GOOD.as_bytes());
    let ended = environment.run(&["test", "none.wasm", &good]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.error().starts_with("none.wasm: No such file"), "{}", ended.stderr);
}

#[test]
fn a_guest_that_cannot_be_started_is_told_apart() {
    let environment = environment(&[("bad.yaml", BAD), ("good.yaml", GOOD)]);
    for live in [&["--live"][..], &[]] {
        let arguments = [&["scenarios", "--config", "interval=0"], live].concat();
        let ended = test(&environment, &arguments);
        assert_eq!(ended.code, Some(4), "{} {}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("FAILED scenarios/bad.yaml"), "{}", ended.stdout);
        assert_eq!(
            ended.error(),
            "the guest cannot be started: thermostat: does not start: config interval is a number of seconds above 0 and \
             at most 86400, not \"0\""
        );
    }
}

#[test]
fn build_servers_get_junit_without_colours() {
    let environment = environment(&[("bad.yaml", BAD), ("good.yaml", GOOD)]).set("CLICOLOR_FORCE", "1");
    let ended = test(&environment, &["scenarios", "--junit", "result.xml"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains('\u{1b}'), "{}", ended.stdout);
    let xml = std::fs::read_to_string(environment.path("result.xml")).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let suite = document.root_element().first_element_child().unwrap();
    assert_eq!(
        ["name", "tests", "failures", "errors"].map(|name| suite.attribute(name)),
        [Some("thermostat.wasm"), Some("2"), Some("1"), Some("0")]
    );
    let failure = suite.descendants().find(|node| node.has_tag_name("failure")).unwrap();
    let text = failure.text().unwrap();
    assert!(text.contains("        - 11\n        + 10\n"), "{text}");
    assert!(!xml.contains('\u{1b}') && !xml.contains("[31m"), "{xml}");
}

#[test]
fn programs_get_json_alone_on_standard_output() {
    let environment = environment(&[("bad.yaml", BAD), ("good.yaml", GOOD)]);
    let ended = test(&environment, &["scenarios", "--json", "-"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("1 passed, 1 failed"), "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!([&report["passed"], &report["failed"]], [&json!(1), &json!(1)]);
    let failure = &report["scenarios"][0]["failures"][0];
    assert_eq!([&failure["line"], &failure["column"]], [&json!(7), &json!(9)]);
    assert_eq!(failure["closest"]["differences"][0]["got"], json!("10"));

    let ended = test(&environment, &["scenarios", "--json", "result.json"]);
    assert!(ended.stdout.contains("1 passed, 1 failed"), "{}", ended.stdout);
    let mut written: Value = serde_json::from_slice(&std::fs::read(environment.path("result.json")).unwrap()).unwrap();
    let mut printed = report;
    for report in [&mut written, &mut printed] {
        for scenario in report["scenarios"].as_array_mut().unwrap() {
            scenario["seconds"] = json!(0);
        }
    }
    assert_eq!(written, printed);
}

#[test]
fn a_result_that_cannot_be_written_is_said() {
    let environment = environment(&[("good.yaml", GOOD)]);
    let ended = test(&environment, &["scenarios", "--junit", "missing/result.xml"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.error().starts_with("missing/result.xml: No such file"),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_same_scenario_is_played_on_an_emulator() {
    let environment = environment(&[("good.yaml", GOOD)]);
    for live in [&["--live"][..], &[]] {
        let ended = test(&environment, &[&["scenarios"], live].concat());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    }
}

/// Of the thermostat's own, those that need no long time.
#[test]
fn the_thermostats_scenarios_are_played_on_an_emulator() {
    let environment = environment(&[]);
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../guest/thermostat/scenarios/");
    let files = ["commands", "desired-before-start", "target-temperature"].map(|name| format!("{shipped}{name}.yaml"));
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    for live in [&[][..], &["--live"]] {
        let ended = test(&environment, &[&files, live].concat());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
        assert!(ended.stdout.contains("3 passed, 0 failed"), "{}", ended.stdout);
    }
}

/// The same scenario fails both ways, and for the same reason.
#[test]
fn what_is_missing_is_missing_on_an_emulator_too() {
    let environment = environment(&[(
        "bad.yaml",
        "random: [0]\nsteps:\n  - desired: { targetTemperature: 5 }\n    expect: [ ack: { property: targetTemperature, status: 500 } ]\n",
    )]);
    for live in [&[][..], &["--live"]] {
        let ended = test(&environment, &[&["scenarios"], live].concat());
        assert_eq!(ended.code, Some(1), "{} {}", ended.stdout, ended.stderr);
        for line in [
            "  scenarios/bad.yaml:4:15: at 0s: expected ack of targetTemperature with status 500\n",
            "      status\n        - 500\n        + 200\n",
        ] {
            assert!(ended.stdout.contains(line), "{}", ended.stdout);
        }
    }
}

#[test]
fn a_guest_with_wasi_has_to_be_allowed() {
    let environment = environment(&[("good.yaml", GOOD)]);
    let files = wat::parse_str(
        r#"(component
            (import "wasi:filesystem/types@0.2.0" (instance))
            (instance $device)
            (export "setpoint:device/device@0.1.0" (instance $device)))"#,
    );
    environment.write("guest.wasm", &files.unwrap());
    let ended = environment.run(&["test", "guest.wasm", "scenarios"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.error().contains("--allow wasi"), "{}", ended.stderr);
    // With that it is still no device.
    let ended = environment.run(&["test", "--allow", "wasi", "guest.wasm", "scenarios"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.error().contains("model-id"), "{}", ended.stderr);
}

#[test]
fn what_an_emulator_cannot_do_is_refused() {
    let environment = environment(&[("silent.yaml", "steps: [ { at: 24h }, { cloud: silent } ]")]);
    assert_eq!(test(&environment, &["scenarios"]).code, Some(0));
    let ended = test(&environment, &["scenarios", "--live"]);
    assert_eq!(ended.code, Some(1));
    let reason = "at 0s: `cloud: silent` cannot be done with --live; play this scenario in virtual time";
    assert!(ended.stdout.contains(reason), "{}", ended.stdout);
}
