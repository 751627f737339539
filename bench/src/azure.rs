//! An emulator in a process of its own, so that nothing of it is counted. It keeps nothing on the disk: clients are measured.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use anyhow::Context;
use setpoint_emulator::{Emulator, Identity, Options, StartError};
use setpoint_protocol::Key;
use setpoint_tests::loopback_address;

/// The only port that Microsoft's SDKs connect to.
const PORT: u16 = 8883;

/// It; killed when dropped.
pub(crate) struct Azure {
    child: Child,
    address: IpAddr,
    identity: Identity,
    folder: PathBuf,
    /// Kept open.
    _stdout: BufReader<ChildStdout>,
}

impl Azure {
    pub(crate) fn start(folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.join("azure");
        let identity = Identity::open(&folder)?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg("azure")
            .arg(&folder)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the emulator")?;
        let mut stdout = BufReader::new(child.stdout.take().context("it has no output")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let address = line.trim().parse().context("the emulator did not start")?;
        Ok(Self {
            child,
            address,
            identity,
            folder,
            _stdout: stdout,
        })
    }

    /// The hub's name.
    pub(crate) fn hub(&self) -> String {
        self.address.to_string()
    }

    /// What devices' keys are made from.
    pub(crate) fn group_key(&self) -> &Key {
        let [key, _] = self.identity.group_keys();
        key
    }

    /// What leads a fleet there, and any client's TLS to its authority.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("IOTHUB_DEVICE_SECURITY_TYPE", "DPS".to_owned()),
            ("IOTHUB_DEVICE_DPS_ENDPOINT", format!("{}:{PORT}", self.address)),
            ("IOTHUB_DEVICE_DPS_ID_SCOPE", self.identity.id_scope().to_owned()),
            ("SETPOINT_GROUP_KEY", self.group_key().to_base64()),
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

/// `setpoint-bench azure FOLDER`: the emulator with the identity in this folder, until it is killed. Its first line is its address.
pub(crate) fn serve(folder: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let _emulator = loop {
            let address = loopback_address();
            let options = Options {
                mqtt: SocketAddr::new(address, PORT),
                https: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                identity: Arc::new(Identity::open(folder)?.with_host(&address.to_string())),
                data: None,
            };
            match Emulator::start(options).await {
                // Another program's address: take another.
                Err(StartError::PortInUse { .. }) => {}
                started => {
                    let emulator = started?;
                    println!("{address}");
                    break emulator;
                }
            }
        };
        std::future::pending().await
    })
}
