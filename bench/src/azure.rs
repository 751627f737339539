//! An emulator in a process of its own, so that nothing of it is counted.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::Context;
use setpoint_emulator::Identity;

/// It; killed when dropped.
pub(crate) struct Azure {
    child: Child,
    port: u16,
    identity: Identity,
    folder: PathBuf,
    /// Kept open.
    _stdout: BufReader<ChildStdout>,
}

impl Azure {
    pub(crate) fn start(folder: &Path, program: &Path) -> anyhow::Result<Self> {
        let folder = folder.join("azure");
        let identity = Identity::open(&folder)?;
        let mut child = Command::new(program)
            .args([
                "emulator",
                "--listen",
                "127.0.0.1:0",
                "--https",
                "127.0.0.1:0",
                "--data",
            ])
            .arg(&folder)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the emulator")?;
        let mut stdout = BufReader::new(child.stdout.take().context("it has no output")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let port = line
            .split_once("MQTT on 127.0.0.1:")
            .and_then(|(_, rest)| rest.split(',').next());
        let port = port
            .with_context(|| format!("it does not say its port: {line}"))?
            .parse()?;
        Ok(Self {
            child,
            port,
            identity,
            folder,
            _stdout: stdout,
        })
    }

    /// What leads a fleet there.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let [key, _] = self.identity.group_keys();
        vec![
            ("IOTHUB_DEVICE_SECURITY_TYPE", "DPS".to_owned()),
            ("IOTHUB_DEVICE_DPS_ENDPOINT", format!("localhost:{}", self.port)),
            ("IOTHUB_DEVICE_DPS_ID_SCOPE", self.identity.id_scope().to_owned()),
            ("SETPOINT_GROUP_KEY", key.to_base64()),
            ("SSL_CERT_FILE", self.folder.join("ca.pem").display().to_string()),
        ]
    }
}

impl Drop for Azure {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
