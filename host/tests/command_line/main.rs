//! The command line as its users meet it: what it prints, how it ends, and one line for everything that is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

mod bad_input;
mod checking;
mod declaring;
mod new_project;
mod program;
mod reaching;
mod recording;
mod scenarios;
mod swapping;

use program::{Environment, Program, emulator};
use rustix::process::Signal;
use serde_json::Value;

const SAMPLE: [&str; 6] = [
    "Device was assigned",
    "localhost",
    "my-pnp-device",
    "Listening for command requests and property updates",
    "Press Q to quit",
    "Sending telemetry for temperature",
];

#[test]
fn run_prints_the_samples_lines_and_q_ends_it() {
    let environment = Environment::new();
    let mut program = environment.start(&["run", "--config", "interval=0.05"]);
    let lines = program.until("Sent message");
    assert_eq!(lines[..6], SAMPLE);
    program.until("Sent message");
    program.until("Sent message");
    program.press("x\nq\n");
    program.until("Quitting...");
    let (status, stderr) = program.wait();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn signals_end_it_with_success() {
    for signal in [Signal::INT, Signal::TERM] {
        let environment = Environment::new();
        let program = environment.start(&["run"]);
        program.until("Sent message");
        program.signal(signal);
        let (status, stderr) = program.wait();
        assert_eq!((status.code(), stderr.as_str()), (Some(0), ""), "{signal:?}");
    }
}

#[test]
fn the_end_of_standard_input_does_not_end_it() {
    let environment = Environment::new();
    let mut program = environment.start(&["run", "--config", "interval=0.05"]);
    program.keyboard = None;
    for _ in 0..5 {
        program.until("Sent message");
    }
    program.signal(Signal::TERM);
    assert_eq!(program.wait().0.code(), Some(0));
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let environment = Environment::new();
    let mut program = environment.start(&["run", "--config", "interval=0.05"]);
    program.until("Sent message");
    program.close_output();
    assert_eq!(program.wait().0.code(), Some(0));
}

#[test]
fn an_operator_in_another_process_finds_the_embedded_hub() {
    let environment = Environment::new();
    let mut program = environment.start(&["run"]);
    program.until("Sent message");
    let twin = environment.run(&["twin", "my-pnp-device", r#"{"targetTemperature": 42.5}"#]);
    assert_eq!(twin.code, Some(0), "{}", twin.stderr);
    let twin: Value = serde_json::from_str(&twin.stdout).unwrap();
    assert_eq!(twin["reported"]["targetTemperature"]["value"], 42.5);
    assert_eq!(twin["reported"]["targetTemperature"]["ac"], 200);
    let report = environment.run(&["call", "my-pnp-device", "getMaxMinReport"]);
    assert_eq!(report.code, Some(0), "{}", report.stderr);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let shown = program.until("Payload was empty.");
    let patch = r#"the data in the desired properties patch was: {"$version": 2, "targetTemperature": 42.5}"#;
    assert!(shown.iter().any(|line| line == patch), "{shown:?}");
    assert!(
        shown.iter().any(|line| line == "Command request received with payload"),
        "{shown:?}"
    );
    assert_eq!(serde_json::from_str::<Value>(&program.line()).unwrap(), report);
    program.press("q\n");
    assert_eq!(program.wait().0.code(), Some(0));
}

/// The variables that point the program at an emulator elsewhere.
fn by_provisioning(port: u16, identity: &setpoint_emulator::Identity) -> [(&'static str, String); 5] {
    [
        ("SECURITY_TYPE", "DPS".to_owned()),
        ("DPS_ENDPOINT", format!("localhost:{port}")),
        ("DPS_ID_SCOPE", identity.id_scope().to_owned()),
        ("DPS_DEVICE_ID", identity.device_id().to_owned()),
        ("DPS_DEVICE_KEY", identity.device_keys()[0].to_base64()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_variables_name_the_cloud_and_no_key_is_shown() {
    let mut environment = Environment::new();
    let (emulator, identity) = emulator(environment.folder.path()).await;
    let port = emulator.mqtt_address().port();
    let key = identity.device_keys()[0].to_base64();
    for (name, value) in by_provisioning(port, &identity) {
        environment = environment.set(&format!("IOTHUB_DEVICE_{name}"), &value);
    }
    let ca = identity.ca_path().unwrap().to_string_lossy().into_owned();

    // Once by --ca, with every log there is.
    let mut program = environment.start(&["run", "--ca", &ca, "--log", "trace"]);
    assert_eq!(program.until("Sent message")[..6], SAMPLE);
    program.press("q\n");
    let (status, log) = program.wait();
    assert_eq!(status.code(), Some(0));
    assert!(log.contains("TRACE"), "there is a log to look through");
    assert!(
        !log.contains(&key) && !log.contains("SharedAccessSignature"),
        "a secret was logged"
    );

    // Once by SSL_CERT_FILE, with a connection string.
    let string = format!("HostName=localhost:{port};DeviceId=my-pnp-device;SharedAccessKey={key}");
    let environment = Environment::new()
        .set("SSL_CERT_FILE", &ca)
        .device(&[("SECURITY_TYPE", "connectionString"), ("CONNECTION_STRING", &string)]);
    let mut program = environment.start(&["run"]);
    let lines = program.until("Sent message");
    let shown = format!(
        "Connecting using Connection String HostName=localhost:{port};DeviceId=my-pnp-device;SharedAccessKey=***"
    );
    assert_eq!(lines[0], shown);
    assert_eq!(lines[1..4], SAMPLE[3..]);
    program.press("Q\n");
    assert_eq!(program.wait().0.code(), Some(0));
    emulator.stop().await;
}

/// What an emulator prints when it is there.
fn printed_block(program: &Program) -> Vec<String> {
    let mut block = Vec::new();
    while !block
        .last()
        .is_some_and(|line: &String| line.starts_with("export EVENTHUB_CONNECTION_STRING"))
    {
        block.push(program.line());
    }
    block
}

#[test]
fn the_emulators_block_is_the_same_beside_it() {
    let environment = Environment::new();
    let data = environment.path("azure");
    let any = "127.0.0.1:0";
    let program = environment.start(&[
        "emulator", "--listen", any, "--https", any, "--amqp", any, "--page", any, "--data", &data,
    ]);
    let block = printed_block(&program);
    let beside = environment.run(&["emulator", "--data", &data, "--env"]);
    assert_eq!(beside.code, Some(0), "{}", beside.stderr);
    assert_eq!(beside.stdout.lines().collect::<Vec<_>>(), block[2..]);
    program.signal(Signal::TERM);
    assert_eq!(program.wait().0.code(), Some(0));
}

#[test]
fn an_emulator_without_the_page_says_so_and_has_all_else() {
    let environment = Environment::new();
    let (data, files) = (environment.path("azure"), environment.path("."));
    let any = "127.0.0.1:0";
    let program = environment.start(&[
        "emulator",
        "--listen",
        any,
        "--https",
        any,
        "--amqp",
        any,
        "--data",
        &data,
        "--page",
        any,
        "--page-files",
        &files,
    ]);
    let block = printed_block(&program);
    let said: Vec<_> = block.iter().filter(|line| line.contains("page")).collect();
    assert_eq!(
        said,
        ["# Built without the page: `./justw page`, with Node 18 or newer, and another build put it in"]
    );
    program.signal(Signal::TERM);
    assert_eq!(program.wait().0.code(), Some(0));
}

#[test]
fn inspect_shows_what_a_guest_may_do() {
    let shown = Environment::new().run(&["inspect"]);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    for part in [
        "dtmi:com:example:Thermostat;1",
        "setpoint:device/telemetry@0.1.0",
        "send messages to the hub",
    ] {
        assert!(shown.stdout.contains(part), "{}", shown.stdout);
    }
}

#[test]
fn a_module_becomes_a_component_that_runs() {
    let environment = Environment::new();
    let module = environment.write("device.core.wasm", setpoint::sandbox::THERMOSTAT);
    let component = environment.path("device.wasm");
    assert_eq!(
        environment.run(&["componentize", &module, "-o", &component]).code,
        Some(0)
    );
    let program = environment.start(&["run", &component]);
    program.until("Sent message");
    program.signal(Signal::TERM);
    assert_eq!(program.wait().0.code(), Some(0));
}

#[test]
fn logs_go_to_standard_error_as_lines_of_json_when_asked() {
    let environment = Environment::new();
    let mut program = environment.start(&["run", "--log", "debug", "--json-logs"]);
    let mut shown = program.until("Sent message");
    program.press("q\n");
    shown.extend(program.until("Quitting..."));
    let (status, log) = program.wait();
    assert_eq!(status.code(), Some(0));
    assert!(log.lines().count() > 0, "there is a log to look through");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string() && line["fields"].is_object(), "{line}");
    }
    assert_eq!(
        shown.len(),
        SAMPLE.len() + 2,
        "nothing but the sample's lines: {shown:?}"
    );
}

#[test]
fn help_shows_examples_for_every_command() {
    let environment = Environment::new();
    let commands = [
        "run",
        "record",
        "replay",
        "emulator",
        "inspect",
        "check",
        "test",
        "componentize",
        "new",
        "call",
        "twin",
        "monitor",
        "completions",
    ];
    for command in commands {
        let help = environment.run(&[command, "--help"]);
        assert_eq!(help.code, Some(0));
        assert!(help.stdout.contains("Example"), "{command}: {}", help.stdout);
    }
    let version = environment.run(&["--version"]);
    assert_eq!(version.stdout, format!("setpoint {}\n", env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            environment.run(&["completions", shell]).stdout.contains("componentize"),
            "{shell}"
        );
    }
}
