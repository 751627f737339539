//! `setpoint call`, `twin` and `monitor` as an operator uses them: the program itself, against an emulator in this process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod local;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use local::{DEVICE, Local};
use serde_json::{Value, json};
use setpoint_protocol::{Key, ServiceConnectionString};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_called_and_its_answer_printed() {
    let local = Local::start().await;
    let answer = local.run(&["call", DEVICE, "thermostat1*echo", "{\"a\": 1}"]).await;
    assert_eq!(
        (answer.code, answer.json()),
        (0, json!({"name": "thermostat1*echo", "payload": {"a": 1}}))
    );
    let answer = local.run(&["call", DEVICE, "echo"]).await;
    assert_eq!(
        (answer.code, answer.json()),
        (0, json!({"name": "echo", "payload": null}))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_device_refuses_is_a_failure() {
    let local = Local::start().await;
    let answer = local.run(&["call", DEVICE, "unknown"]).await;
    assert_eq!(
        (answer.code, answer.json()),
        (1, json!({"name": "unknown", "payload": null}))
    );
    assert_eq!(
        answer.line(),
        "setpoint: my-pnp-device answered unknown with status 404"
    );
    let answer = local.run(&["twin", DEVICE, "{\"refused\": 1}"]).await;
    assert_eq!(answer.code, 1);
    assert_eq!(
        answer.line(),
        "setpoint: my-pnp-device refused refused with status 400: said"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_is_wrong_use() {
    let local = Local::start().await;
    let answer = local.run(&["call", DEVICE, "echo", "word"]).await;
    assert_eq!(answer.code, 2);
    assert!(
        answer.line().contains("needs quotes of its own: '\"word\"'"),
        "{}",
        answer.stderr
    );
    let answer = local.run(&["twin", DEVICE, "[1]"]).await;
    assert_eq!(answer.code, 2);
    assert!(answer.line().contains("is not a JSON object"), "{}", answer.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desired_property_is_shown_with_its_acknowledgement() {
    let local = Local::start().await;
    let answer = local.run(&["twin", DEVICE, "{\"targetTemperature\": 42.5}"]).await;
    let acknowledgement = json!({"value": 42.5, "ac": 200, "av": 2, "ad": "said"});
    let shown = json!({
        "desired": {"targetTemperature": 42.5}, "version": 2, "reported": {"targetTemperature": acknowledgement},
    });
    assert_eq!((answer.code, answer.json()), (0, shown));
    let twin = local.run(&["twin", DEVICE]).await.json();
    assert_eq!(twin["properties"]["desired"]["targetTemperature"], 42.5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_property_that_nobody_acknowledges_is_set_all_the_same() {
    let local = Local::start().await;
    let answer = local.run(&["twin", DEVICE, "{\"ignored\": 1}", "--wait", "0"]).await;
    assert_eq!((answer.code, &answer.json()["reported"]), (0, &json!({})));
    assert!(
        answer.line().contains("did not acknowledge ignored within 0 s"),
        "{}",
        answer.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_not_there_is_named() {
    let local = Local::start().await;
    let answer = local.run(&["twin", "nobody"]).await;
    assert_eq!(answer.code, 1);
    assert!(
        answer.line().contains("device nobody is not registered"),
        "{}",
        answer.stderr
    );
    let connection = local.connection_string(None);
    local.stop().await;
    let answer = local.run(&["twin", DEVICE]).await;
    assert_eq!(answer.code, 2);
    assert!(
        answer.line().contains("no local Azure IoT runs here"),
        "{}",
        answer.stderr
    );
    let answer = local.run(&["twin", DEVICE, "--connection-string", &connection]).await;
    assert_eq!(answer.code, 1);
    assert!(answer.line().contains("cannot be reached"), "{}", answer.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_connection_string_is_refused_and_no_key_shown() {
    let local = Local::start().await;
    let wrong = Key::from_bytes(vec![7; 32]);
    let answer = local
        .run(&[
            "twin",
            DEVICE,
            "--connection-string",
            &local.connection_string(Some(&wrong)),
        ])
        .await;
    assert_eq!(answer.code, 1);
    assert!(
        answer.line().contains("does not accept the key (401)"),
        "{}",
        answer.stderr
    );
    assert!(!answer.stderr.contains(&wrong.to_base64()));
    let cut = format!("HostName=localhost;SharedAccessKey={}", wrong.to_base64());
    let answer = local.run(&["twin", DEVICE, "--connection-string", &cut]).await;
    assert_eq!(answer.code, 2);
    assert!(
        answer.line().contains("has no SharedAccessKeyName"),
        "{}",
        answer.stderr
    );
    assert!(!answer.stderr.contains(&wrong.to_base64()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_not_believed() {
    let local = Local::start().await;
    let connection = local.connection_string(None);
    let mut command = local.command(&["twin", DEVICE, "--connection-string", &connection]);
    // Nothing there tells of the emulator's own authority.
    let elsewhere = tempfile::tempdir().unwrap();
    command.env("SETPOINT_DATA", elsewhere.path());
    let answer = local::answer(command).await;
    assert_eq!(answer.code, 1);
    assert!(
        answer.line().contains("certificate") && answer.line().contains("--ca FILE"),
        "{}",
        answer.stderr
    );
    let authority = elsewhere.path().join("authority.pem");
    std::fs::write(&authority, local.identity.ca_pem()).unwrap();
    let mut command = local.command(&["twin", DEVICE, "--connection-string", &connection, "--ca"]);
    command.arg(&authority).env("SETPOINT_DATA", elsewhere.path());
    assert_eq!(local::answer(command).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_printed_as_they_happen_until_the_emulator_ends() {
    let local = Local::start().await;
    let mut monitor = local
        .command(&["monitor", DEVICE, "--wait", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(monitor.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    // The device of `Local` sends again and again, so the first line comes whenever the monitor is ready.
    let read = move || (lines.next().unwrap(), lines);
    let (first, lines) = tokio::task::spawn_blocking(read).await.unwrap();
    let event: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(
        (&event["deviceId"], &event["kind"]),
        (&json!(DEVICE), &json!("telemetry"))
    );
    assert_eq!(event["body"], json!({"temperature": 22}));
    local.stop().await;
    let ended = tokio::task::spawn_blocking(move || {
        lines.for_each(drop);
        monitor.wait_with_output()
    });
    let ended = ended.await.unwrap().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("ended the stream"));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_on_when_the_hub_comes_back_and_none_is_missed() {
    let local = Local::start().await;
    let mut monitor = local
        .command(&["monitor", "--wait", "60"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(monitor.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let (lines, _) = tokio::task::spawn_blocking(move || {
        let first = lines.next().unwrap();
        (lines, first)
    })
    .await
    .unwrap();
    local.stop().await;
    let hub = local.start_again().await;
    let link = hub.connect(DEVICE, true, None).unwrap();
    for number in 0..100 {
        link.telemetry(Default::default(), number.to_string().into_bytes())
            .unwrap();
    }
    let numbers = tokio::task::spawn_blocking(move || {
        let numbers: Vec<_> = lines.filter_map(|event| event["body"].as_u64()).take(100).collect();
        monitor.kill().unwrap();
        monitor.wait().unwrap();
        numbers
    });
    assert_eq!(numbers.await.unwrap(), (0..100).collect::<Vec<_>>());
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_hubs_telemetry_is_not_promised() {
    let local = Local::start().await;
    let hub = ServiceConnectionString {
        host: "somewhere.azure-devices.net".parse().unwrap(),
        policy: "service".to_owned(),
        key: Key::from_bytes(vec![7; 32]),
    };
    let answer = local.run(&["monitor", "--connection-string", &hub.to_text()]).await;
    assert_eq!(answer.code, 2);
    assert!(
        answer
            .line()
            .ends_with("az iot hub monitor-events --hub-name somewhere"),
        "{}",
        answer.stderr
    );
}
