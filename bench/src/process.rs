//! The program from its start to its first PUBACK, and its memory.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use setpoint_emulator::{Emulator, Identity, Options};

use crate::figures::Table;

/// Starts measured.
const STARTS: usize = 20;

/// Messages sent before memory is read: by then every buffer has been used.
const MESSAGES: usize = 50;

pub(crate) fn measure(program: &Path, folder: &Path, table: &mut Table) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("no threads")?;
    let identity = Arc::new(Identity::open(&folder.join("azure"))?);
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = Options {
        mqtt: any,
        https: any,
        identity: Arc::clone(&identity),
        data: None,
    };
    let emulator = runtime.block_on(Emulator::start(options))?;

    let run = || {
        let mut command = Command::new(program);
        command
            .args(["run", "--config", "interval=0.05"])
            .env_clear()
            .env("HOME", folder);
        command
    };
    let against = || {
        let mut command = run();
        command
            .env("IOTHUB_DEVICE_SECURITY_TYPE", "DPS")
            .env(
                "IOTHUB_DEVICE_DPS_ENDPOINT",
                format!("localhost:{}", emulator.mqtt_address().port()),
            )
            .env("IOTHUB_DEVICE_DPS_ID_SCOPE", identity.id_scope())
            .env("IOTHUB_DEVICE_DPS_DEVICE_ID", identity.device_id())
            .envs(
                identity
                    .device_keys()
                    .first()
                    .map(|key| ("IOTHUB_DEVICE_DPS_DEVICE_KEY", key.to_base64())),
            )
            .envs(identity.ca_path().map(|path| ("SSL_CERT_FILE", path)));
        command
    };
    // The first one fills the compile cache.
    Running::until_sent(against(), 1)?;
    let starts =
        || -> anyhow::Result<Vec<Duration>> { (0..STARTS).map(|_| Ok(Running::until_sent(against(), 1)?.1)).collect() };
    table.times(
        "start to first PUBACK",
        "300 ms",
        "process, DPS, hub, twin, telemetry; emulator elsewhere",
        starts()?,
    );
    let embedded = (0..STARTS)
        .map(|_| Ok(Running::until_sent(run(), 1)?.1))
        .collect::<anyhow::Result<Vec<_>>>()?;
    table.times(
        "start to first PUBACK, emulator embedded",
        "",
        "the same with `setpoint run` alone",
        embedded,
    );

    let device = Running::until_sent(against(), MESSAGES)?.0.resident()?;
    table.bytes(
        "resident memory of one running device",
        "40 MB",
        "after 50 messages; emulator elsewhere",
        device,
    );
    let both = Running::until_sent(run(), MESSAGES)?.0.resident()?;
    table.bytes("the same with the emulator embedded", "", "after 50 messages", both);
    runtime.block_on(emulator.stop());
    Ok(())
}

/// The program at work; killed when dropped.
struct Running {
    child: Child,
    /// Kept open: a program whose output nobody reads ends.
    _stdout: BufReader<ChildStdout>,
}

impl Running {
    /// Starts it and waits for so many messages to be acknowledged; returns how long that took.
    fn until_sent(mut command: Command, messages: usize) -> anyhow::Result<(Self, Duration)> {
        let began = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start it")?;
        let mut stdout = BufReader::new(child.stdout.take().context("it has no output")?);
        let mut sent = 0;
        let mut line = String::new();
        while sent < messages {
            line.clear();
            anyhow::ensure!(
                stdout.read_line(&mut line)? > 0,
                "it ended before it sent {messages} messages"
            );
            sent += usize::from(line.trim_end() == "Sent message");
        }
        Ok((Self { child, _stdout: stdout }, began.elapsed()))
    }

    /// Bytes of memory in use, shared pages included.
    fn resident(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("no VmRSS")?;
        let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kibibytes * 1024)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
