//! A fleet as its users run it: the command, several of them, their reports and their metrics.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use setpoint_tests::kill::command;
use setpoint_tests::{Place, ROGUE};

/// How long a process may take to what is waited for. Only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// `setpoint fleet` with these arguments, for the fleet of this place, in this folder.
pub(crate) fn fleet(place: &Place, folder: &Path, arguments: &[&str]) -> Command {
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, place.identity.ca_pem()).unwrap();
    let [key, _] = place.identity.group_keys();
    let mut fleet = Command::new(command());
    fleet
        .arg("fleet")
        .args(arguments)
        .arg("--ca")
        .arg(&ca)
        .env_clear()
        .env("HOME", folder)
        .env("IOTHUB_DEVICE_SECURITY_TYPE", "DPS")
        .env("IOTHUB_DEVICE_DPS_ENDPOINT", place.endpoint().to_string())
        .env("IOTHUB_DEVICE_DPS_ID_SCOPE", place.identity.id_scope())
        .env("SETPOINT_GROUP_KEY", key.to_base64())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    fleet
}

pub(crate) fn terminate(child: &Child) {
    let killed = Command::new("kill")
        .arg("-TERM")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(killed.success());
}

pub(crate) fn report(file: &PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_a_fleet_without_knowing_of_each_other_and_drain_when_they_are_terminated() {
    const DEVICES: usize = 21;
    let place = Place::new().await;
    let hub = place.emulator.hub();
    hub.keep_telemetry(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let files = ["0.json", "1.json"].map(|name| folder.path().join(name));
    let shards: Vec<Child> = ["0/2", "1/2"]
        .iter()
        .zip(&files)
        .map(|(shard, file)| {
            let count = DEVICES.to_string();
            let arguments = [
                "-n",
                &count,
                "--shard",
                shard,
                "--config",
                "interval=0.1",
                "--id",
                "part-{:03}",
            ];
            fleet(&place, folder.path(), &arguments)
                .arg("--report")
                .arg(file)
                .spawn()
                .unwrap()
        })
        .collect();
    let names: Vec<String> = (1..=DEVICES).map(|number| format!("part-{number:03}")).collect();
    let began = Instant::now();
    while !names.iter().all(|name| hub.telemetry_of(name).len() >= 3) {
        assert!(began.elapsed() < PATIENCE, "not all have sent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shards.iter().for_each(terminate);
    let outputs: Vec<Output> = tokio::task::block_in_place(|| {
        shards
            .into_iter()
            .map(|shard| shard.wait_with_output().unwrap())
            .collect()
    });
    for output in &outputs {
        assert!(output.status.success(), "{}", said(output));
    }
    let reports = files.map(|file| report(&file));
    let of = |member: &str| {
        reports
            .iter()
            .map(|report| report.pointer(member).unwrap().as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("/devices/planned"), [10, 11]);
    assert_eq!(of("/devices/ran"), [10, 11]);
    assert_eq!(
        of("/messages/accepted"),
        of("/messages/delivered"),
        "nothing that was accepted is lost"
    );
    let stored: usize = names.iter().map(|name| hub.telemetry_of(name).len()).sum();
    assert_eq!(of("/messages/delivered").iter().sum::<u64>(), stored as u64);
    // Two of one name would have thrown each other out.
    assert_eq!(of("/connections/made"), [10, 11]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_fleet_is_scraped_and_leaves_a_page() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("fleet.html");
    let arguments = [
        "-n",
        "3",
        "--metrics",
        "127.0.0.1:0",
        "--config",
        "interval=0.1",
        "--put-aside",
    ];
    let mut child = fleet(&place, folder.path(), &arguments)
        .arg("--report")
        .arg(&page)
        .spawn()
        .unwrap();
    let stderr = child.stderr.take().unwrap();
    let scraped = tokio::task::block_in_place(|| {
        let mut lines = BufReader::new(stderr).lines();
        let line = lines
            .find(|line| line.as_ref().unwrap().starts_with("metrics on "))
            .unwrap()
            .unwrap();
        let address = line
            .trim_start_matches("metrics on http://")
            .trim_end_matches("/metrics")
            .to_owned();
        let began = Instant::now();
        loop {
            let mut stream = TcpStream::connect(&address).unwrap();
            write!(
                stream,
                "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
            )
            .unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            if answer.contains("setpoint_fleet_connected 3\n") && !answer.contains("messages_delivered_total 0\n") {
                return answer;
            }
            assert!(began.elapsed() < PATIENCE, "{answer}");
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    assert!(
        scraped.starts_with("HTTP/1.1 200") && scraped.contains("text/plain; version=0.0.4"),
        "{scraped}"
    );
    terminate(&child);
    let output = tokio::task::block_in_place(|| child.wait_with_output().unwrap());
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("3 of 3 ran"), "{}", said(&output));
    let page = std::fs::read_to_string(page).unwrap();
    assert_eq!(page.matches("<svg").count(), 8);
    assert!(page.contains("3 of 3 ran"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_that_do_not_start_are_counted_and_end_nobody_else() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    let rogue = folder.path().join("rogue.wasm");
    std::fs::write(&rogue, ROGUE).unwrap();
    let counter = folder.path().join("counter.wasm");
    std::fs::write(&counter, setpoint_tests::COUNTER).unwrap();
    let mix = format!("{}=1,{}=1", counter.display(), rogue.display());
    let arguments = ["-n", "6", "--mix", &mix, "--config", "does=refuse", "--duration", "3s"];
    let output = tokio::task::block_in_place(|| fleet(&place, folder.path(), &arguments).output().unwrap());
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("3 of 6 devices ran; 3 ended by themselves"), "{said}");
    assert!(said.contains("does not want to"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_machine_does_not_give_is_said_before_anything_is_started() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str]| {
        let output = tokio::task::block_in_place(|| fleet(&place, folder.path(), arguments).output().unwrap());
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        said(&output)
    };
    let many = refused(&["-n", "900000000"]);
    assert!(
        many.contains("ulimit -n 900000200") && many.contains("--shard"),
        "{many}"
    );
    assert!(refused(&["-n", "3", "--report", "fleet.txt"]).contains(".html or .json"));
    assert!(refused(&["-n", "3", "--id", "same"]).contains("{:05}"));
    assert_eq!(place.emulator.hub().devices().len(), 1, "nobody has registered");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_ten_thousand_devices_a_cloud_on_this_machine_is_reached_from_another_loopback_address() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    // In place of the provisioning service: who comes is all that is asked.
    let service = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("localhost:{}", service.local_addr().unwrap().port());
    // Only the last device of each fleet.
    for (shard, expected) in [("9999/10000", [127, 0, 0, 1]), ("10000/10001", [127, 0, 0, 2])] {
        let (_, devices) = shard.split_once('/').unwrap();
        let mut child = fleet(&place, folder.path(), &["-n", devices, "--shard", shard])
            .env("IOTHUB_DEVICE_DPS_ENDPOINT", &endpoint)
            .spawn()
            .unwrap();
        let accepted = tokio::time::timeout(PATIENCE, service.accept()).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let (_, peer) = accepted.unwrap().unwrap();
        assert_eq!(peer.ip(), std::net::Ipv4Addr::from(expected), "{shard}");
    }
}

/// So that guests which run over their time hold up nobody else, however few processors there are.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_has_several_threads_for_each_processor() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    let mut child = fleet(&place, folder.path(), &["-n", "1"]).spawn().unwrap();
    let hub = place.emulator.hub();
    let began = Instant::now();
    while hub.devices().iter().all(|device| device.device_id != "sim-00001") {
        assert!(began.elapsed() < PATIENCE, "it has not registered");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let threads = std::fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
    let workers = threads
        .filter(|thread| {
            let name = std::fs::read_to_string(thread.as_ref().unwrap().path().join("comm"));
            name.is_ok_and(|name| name.trim() == "tokio-rt-worker")
        })
        .count();
    child.kill().unwrap();
    child.wait().unwrap();
    let processors = std::thread::available_parallelism().unwrap().get();
    assert!(workers >= 4 * processors, "{workers} for {processors}");
}
