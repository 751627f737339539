//! The three lines of the README for each SDK, as they stand there.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use setpoint_emulator::paste;
use setpoint_emulator::state::EventKind;

use super::{Place, Sdk};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

/// The first block in this language under the heading of the SDKs.
fn lines(language: &str) -> String {
    let readme = fs::read_to_string(README).unwrap();
    let (_, section) = readme
        .split_once("\n## Microsoft's SDKs against the emulator\n")
        .unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let (_, block) = section.split_once(&format!("```{language}\n")).unwrap();
    let (lines, _) = block.split_once("```").unwrap();
    assert_eq!(lines.lines().count(), 3, "{lines}");
    lines.to_owned()
}

/// Runs them in a shell that has evaluated the block that `setpoint emulator --env` prints.
async fn run(sdk: Sdk, language: &str) {
    let mut place = Place::new().await;
    let script = place.file("lines", &lines(language));
    let https = place.emulator.https_address().port();
    let mqtt = place.emulator.mqtt_address().port();
    let block = paste::environment(&place.identity, mqtt, https, &place.authority());
    let interpreter = sdk.interpreter();
    let mut shell = Command::new("sh");
    shell
        .args(["-euc", "eval \"$1\"; exec \"$2\" \"$3\"", "sh", &block])
        .arg(interpreter.get_program())
        .arg(script)
        .envs(interpreter.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = tokio::task::spawn_blocking(move || shell.output())
        .await
        .unwrap()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let heard = place.heard().await;
    let kinds: Vec<_> = heard.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [EventKind::Connected, EventKind::Telemetry, EventKind::Disconnected]
    );
    let body: Value = serde_json::from_slice(&heard[1].body).unwrap();
    assert_eq!(body, json!({"temperature": 22}));
}

#[tokio::test(flavor = "multi_thread")]
async fn three_lines_of_python() {
    run(Sdk::Python, "python").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_lines_of_javascript() {
    run(Sdk::Node, "js").await;
}
