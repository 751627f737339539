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

/// What the README has the shell do before it starts a program in C, for a device's connection string with `localhost` in it.
fn with_a_dot(host: &str) -> String {
    let readme = fs::read_to_string(README).unwrap();
    let (_, section) = readme.split_once("built on OpenSSL, after `").unwrap();
    let (line, _) = section.split_once('`').unwrap();
    line.replace("127.0.0.1", host)
}

/// Runs them in a shell that has evaluated the block that `setpoint emulator --env` prints.
async fn run(sdk: Sdk, language: &str) {
    let mut place = Place::new().await;
    let lines = place.file("lines", &lines(language));
    // In C they need a program around them.
    let script = match sdk {
        Sdk::C => sdk.folder().join("three_lines.c"),
        Sdk::Python | Sdk::Node => lines,
    };
    let https = place.emulator.https_address().port();
    let mqtt = place.emulator.mqtt_address().port();
    let mut block = paste::environment(&place.identity, mqtt, https, &place.authority());
    let host = place.identity.host();
    if sdk == Sdk::C {
        block = format!("{}\n{}", block.replace(host, "localhost"), with_a_dot(host));
    }
    let command = sdk.command(&script, place.folder());
    let mut shell = Command::new("bash");
    shell
        .args(["-euc", "eval \"$1\"; shift; exec \"$@\"", "bash", &block])
        .arg(command.get_program())
        .args(command.get_args())
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
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

#[tokio::test(flavor = "multi_thread")]
async fn three_lines_of_c() {
    run(Sdk::C, "c").await;
}
