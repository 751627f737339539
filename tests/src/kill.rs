//! A device that is killed at random moments, again and again, and an oracle: what its log said was accepted against what the
//! hub has stored.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use setpoint_emulator::state::{HubFault, When};

use crate::oracle::Balance;
use crate::{Place, ROGUE};

/// Numbers of one life begin at this many times its own number.
const LIFE: usize = 1_000_000;

/// How long a device may take to its first promise, and in the end to deliver everything. Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of it.
#[derive(Debug)]
pub struct Killed {
    /// What was promised against what was kept.
    pub balance: Balance,
    /// Lives in which something was promised before they ended.
    pub lives: usize,
}

/// The `setpoint` command, which is built beside the program that runs.
///
/// # Panics
/// When it is not there.
pub fn command() -> PathBuf {
    let own = std::env::current_exe().expect("this program has a path");
    let folders = own.ancestors().skip(1).take(2).map(|folder| folder.join("setpoint"));
    let found = folders.into_iter().find(|path| path.is_file());
    found.expect("the setpoint command is built; `cargo build --workspace` does that")
}

/// Kills a device `times` times and lets it live once more at the end.
pub async fn kill(seed: u64, times: usize) -> Killed {
    let place = Place::new().await;
    let hub = place.emulator.hub();
    hub.keep_telemetry(10_000_000);
    let device_id = place.identity.device_id().to_owned();
    let folder = tempfile::tempdir().expect("there is a folder");
    let mut random = StdRng::seed_from_u64(seed);
    let (mut accepted, mut lives) = (Vec::new(), 0);
    for life in 1..=times {
        hub.faults().clear();
        // In some lives the hub takes messages and does not say so, in others it says so late.
        match random.random_range(0..4) {
            0 => drop(
                hub.faults()
                    .inject(&*device_id, HubFault::WithholdPuback, When::always()),
            ),
            1 => drop(hub.faults().inject(
                &*device_id,
                HubFault::DelayPuback(Duration::from_millis(random.random_range(1..50))),
                When::always(),
            )),
            _ => {}
        }
        let moment = Duration::from_millis(random.random_range(0..400));
        let at_work = random.random_range(0..4) > 0;
        let promised = tokio::task::block_in_place(|| one_life(&place, folder.path(), life, moment, at_work));
        lives += usize::from(!promised.is_empty());
        accepted.extend(promised);
    }
    hub.faults().clear();
    // Numbers of its own, and no more of them than are awaited here.
    let mut last = start(&place, folder.path(), times + 1);
    let began = Instant::now();
    let delivered = loop {
        let stored = bodies(hub, &device_id);
        let mut balance = Balance::default();
        balance.telemetry(&device_id, &accepted, &promised(&stored, &accepted));
        if balance.lost.is_empty() || began.elapsed() > PATIENCE {
            break balance;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    // It is over, however it ends.
    let _ = last.kill();
    let _ = last.wait();
    Killed {
        balance: delivered,
        lives,
    }
}

fn bodies(hub: &setpoint_emulator::Hub, device_id: &str) -> Vec<Value> {
    let stored = hub.telemetry_of(device_id);
    stored
        .iter()
        .map(|message| serde_json::from_slice(&message.body).unwrap_or_default())
        .collect()
}

/// What of it was promised: a number that was on the disk before the log could say so is no promise, and no mistake either.
fn promised(stored: &[Value], accepted: &[Value]) -> Vec<Value> {
    let accepted: HashSet<String> = accepted.iter().map(Value::to_string).collect();
    let promised = stored.iter().filter(|value| accepted.contains(&value.to_string()));
    promised.cloned().collect()
}

/// Runs it until `moment` after its start, or, when it is to be `at_work`, after its first promise, and kills it; what its log
/// promised.
fn one_life(place: &Place, folder: &Path, life: usize, moment: Duration, at_work: bool) -> Vec<Value> {
    let mut child = start(place, folder, life);
    let stderr = child.stderr.take().expect("it is piped");
    let (sender, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("promised ") {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                // A line that the end cut short is no promise. Nobody listens once it has been killed, and all of it counts.
                if let (true, Ok(number)) = (rest.len() > digits.len(), digits.parse::<u64>()) {
                    let _ = sender.send(number);
                }
            }
        }
    });
    let mut promised = Vec::new();
    if at_work {
        promised.push(lines.recv_timeout(PATIENCE).expect("it makes a promise"));
    }
    let end = Instant::now() + moment;
    while let Ok(number) = lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
        promised.push(number);
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it has ended");
    reader.join().expect("its log was read");
    promised.extend(lines.try_iter());
    promised.into_iter().map(|n| json!({ "n": n })).collect()
}

fn start(place: &Place, folder: &Path, life: usize) -> Child {
    let guest = folder.join("promise.wasm");
    if !guest.is_file() {
        std::fs::write(&guest, ROGUE).expect("the folder can be written");
    }
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, place.identity.ca_pem()).expect("the folder can be written");
    let [key, _] = place.identity.device_keys();
    Command::new(command())
        .arg("run")
        .arg(&guest)
        .args(["--config", "does=promise", "--log", "guest=info,warn"])
        .args(["--config", &format!("from={}", life * LIFE)])
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--ca")
        .arg(&ca)
        .env_clear()
        .env("HOME", folder)
        .env("IOTHUB_DEVICE_SECURITY_TYPE", "DPS")
        .env("IOTHUB_DEVICE_DPS_ENDPOINT", place.endpoint().to_string())
        .env("IOTHUB_DEVICE_DPS_ID_SCOPE", place.identity.id_scope())
        .env("IOTHUB_DEVICE_DPS_DEVICE_ID", place.identity.device_id())
        .env("IOTHUB_DEVICE_DPS_DEVICE_KEY", key.to_base64())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the setpoint command runs")
}
