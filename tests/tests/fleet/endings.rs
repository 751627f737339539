//! How a fleet ends, as whoever started it sees it: exit codes, and what is said of devices that do not get through.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use setpoint_emulator::Hub;
use setpoint_protocol::Key;
use setpoint_tests::{Place, ROGUE};

use crate::process::{PATIENCE, fleet, report, said, terminate};

/// Waits until the hub has heard of each of these devices.
async fn all_have_sent(hub: &Hub, devices: u64) {
    let began = Instant::now();
    while !(1..=devices).all(|number| !hub.telemetry_of(&format!("sim-{number:05}")).is_empty()) {
        assert!(began.elapsed() < PATIENCE, "not all have sent");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Runs three devices, sends them this signal once the hub has heard of each, and says how they ended.
async fn told_to_end(arguments: &[&str], signal: &str) -> (Output, u64) {
    let place = Place::new().await;
    let hub = place.emulator.hub();
    hub.keep_telemetry(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.json");
    let child = fleet(&place, folder.path(), &["-n", "3", "--config", "interval=0.1"])
        .args(arguments)
        .arg("--report")
        .arg(&file)
        .spawn()
        .unwrap();
    all_have_sent(hub, 3).await;
    if signal == "-TERM" {
        terminate(&child);
    } else {
        let pid = child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
    let output = tokio::task::block_in_place(|| child.wait_with_output().unwrap());
    let report = report(&file);
    assert_eq!(
        report["messages"]["accepted"], report["messages"]["delivered"],
        "it drains"
    );
    (output, report["devices"]["ran"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_before_the_duration_is_over_is_no_success_but_drains_and_reports() {
    let (output, ran) = told_to_end(&["--duration", "1h"], "-TERM").await;
    assert_eq!((output.status.code(), ran), (Some(143), 3), "{}", said(&output));
    assert!(
        said(&output).contains(" s of 3600 s cut the fleet short; 3 of 3 devices ran"),
        "{}",
        said(&output)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_is_a_person_s_will_and_sigterm_without_a_duration_the_normal_end() {
    for (arguments, signal) in [(&["--duration", "1h"][..], "-INT"), (&[], "-TERM")] {
        let (output, ran) = told_to_end(arguments, signal).await;
        assert_eq!((output.status.code(), ran), (Some(0), 3), "{}", said(&output));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_that_provisioning_refuses_ends_with_its_code_and_says_why_once() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    let wrong = Key::from_bytes(vec![7; 32]).to_base64();
    let refused = |name: &str, value: &str| {
        let mut fleet = fleet(&place, folder.path(), &["-n", "40"]);
        let output = tokio::task::block_in_place(|| fleet.env(name, value).output().unwrap());
        let said = said(&output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(
            said.contains("0 of 40 devices ran; 40 ended by themselves")
                && said.contains("; 40 did not run because provisioning refused them, such as sim-000"),
            "{said}"
        );
        assert_eq!(said.matches(" does not get through: ").count(), 1, "{said}");
        assert!(!said.contains(&wrong), "{said}");
    };
    refused("SETPOINT_GROUP_KEY", &wrong);
    refused("IOTHUB_DEVICE_DPS_ID_SCOPE", "0ne0000wrong");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_of_which_no_guest_starts_ends_as_one_device_would() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    let rogue = folder.path().join("rogue.wasm");
    std::fs::write(&rogue, ROGUE).unwrap();
    let arguments = [rogue.to_str().unwrap(), "-n", "3", "--config", "does=refuse"];
    let output = tokio::task::block_in_place(|| fleet(&place, folder.path(), &arguments).output().unwrap());
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    assert!(
        said(&output).contains("3 did not run because their guest did not start, such as sim-0000"),
        "{}",
        said(&output)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloud_that_is_not_there_is_said_at_once() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago, and that nobody else is given while this one is not dropped.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoint = format!("localhost:{}", closed.local_addr().unwrap().port());
    let output = tokio::task::block_in_place(|| {
        fleet(&place, folder.path(), &["-n", "3", "--duration", "3s"])
            .env("IOTHUB_DEVICE_DPS_ENDPOINT", &endpoint)
            .stdout(Stdio::null())
            .output()
            .unwrap()
    });
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let first = said
        .find(&format!(" does not get through: {endpoint} cannot be reached"))
        .unwrap_or_else(|| panic!("{said}"));
    assert!(first < said.find("0 of 3 devices ran").unwrap(), "{said}");
    assert!(
        said.contains("3 did not run because they did not get through, such as sim-0000"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloud_that_goes_away_is_said_once_for_all() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    let hub = std::sync::Arc::clone(place.emulator.hub());
    hub.keep_telemetry(1_000_000);
    let mut child = fleet(&place, folder.path(), &["-n", "5", "--config", "interval=0.1"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    all_have_sent(&hub, 5).await;
    place.emulator.stop().await;
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let lines = tokio::task::spawn_blocking(move || {
        let mut lines = Vec::new();
        for line in stderr.lines().map(Result::unwrap) {
            let is_all = line.contains("5 of 5 devices do not");
            lines.push(line);
            if is_all {
                break;
            }
        }
        lines
    });
    let lines = tokio::time::timeout(PATIENCE, lines).await.unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let of_devices = lines.iter().filter(|line| line.contains("sim-0")).count();
    // All of them at one time, or one of them a moment before the others.
    assert!((1..=2).contains(&of_devices), "{lines:#?}");
}
