//! Microsoft's SDK for Python in the pattern of a fleet: as many clients in one process as fit, and a process for each client.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use setpoint_tests::venv;

use crate::azure::Azure;
use crate::figures::{Device, Table};

/// It, with what it is asked.
const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/clients.py");

/// Most bytes of memory of one process.
const MEMORY: u64 = 2_000_000_000;

/// Seconds in which clients are started, at most.
const START: u64 = 150;

/// Clients with a process of their own.
const PROCESSES: u64 = 20;

/// What `clients.py` is told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    hub: String,
    group_key: String,
    /// The number of the first client.
    first: u64,
    devices: u64,
    /// Bytes.
    memory: u64,
    /// For starting at most.
    start_seconds: u64,
    /// For sending, after that.
    seconds: u64,
}

/// What it answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    sdk: String,
    python: String,
    devices: u64,
    ended: String,
    memory_before: u64,
    memory: u64,
    threads: u64,
    messages: u64,
    cpu: f64,
    p99: Option<f64>,
}

/// Clients of the identities that a fleet of `devices` had; `fleet` is a message's processor time there, in seconds. They send for so many seconds.
pub(crate) fn measure(azure: &Azure, devices: u64, seconds: u64, fleet: f64, table: &mut Table) -> anyhow::Result<()> {
    let task = |first, devices| Task {
        hub: azure.hub(),
        group_key: azure.group_key().to_base64(),
        first,
        devices,
        memory: MEMORY,
        start_seconds: START,
        seconds,
    };
    let one = answer(begin(azure, &task(1, devices))?)?;
    anyhow::ensure!(
        one.devices > 0 && one.messages > 0,
        "{} does not get through: {}",
        one.sdk,
        one.ended
    );
    let cpu_per_message = one.cpu / one.messages as f64;
    table.device(
        &format!("{} {}, Python {}, one process", one.devices, one.sdk, one.python),
        &Device {
            memory: one.memory.saturating_sub(one.memory_before) as f64 / one.devices as f64,
            cpu_per_message,
            p99: one.p99.unwrap_or(f64::NAN),
        },
        format!("{} threads; ended {}", one.threads, one.ended),
    );
    table.quotient(
        "a fleet's processor time / azure-iot-device's",
        "0.05",
        fleet,
        cpu_per_message,
    );

    let running = (1..=PROCESSES.min(devices))
        .map(|number| begin(azure, &task(number, 1)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let each = running.into_iter().map(answer).collect::<anyhow::Result<Vec<_>>>()?;
    let sum = |of: fn(&Answer) -> f64| each.iter().map(of).sum::<f64>();
    let connected = sum(|answer| answer.devices as f64);
    table.device(
        &format!("{connected} azure-iot-device, a process each"),
        &Device {
            memory: sum(|answer| answer.memory as f64) / connected,
            cpu_per_message: sum(|answer| answer.cpu) / sum(|answer| answer.messages as f64),
            p99: each.iter().filter_map(|answer| answer.p99).fold(0.0, f64::max),
        },
        format!("{} threads in all", sum(|answer| answer.threads as f64)),
    );
    Ok(())
}

fn begin(azure: &Azure, task: &Task) -> anyhow::Result<Child> {
    let mut child = Command::new(venv::python())
        .arg(CLIENTS)
        .envs(azure.environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("Python cannot be started")?;
    let mut stdin = child.stdin.take().context("it has no input")?;
    stdin.write_all(serde_json::to_string(task)?.as_bytes())?;
    Ok(child)
}

fn answer(child: Child) -> anyhow::Result<Answer> {
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last();
    let last = last.with_context(|| format!("{CLIENTS} ended with {} and said nothing", output.status))?;
    serde_json::from_str(last).with_context(|| last.to_owned())
}
