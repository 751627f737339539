//! Both servers, each a process of its own, with certificates of one authority and one kind.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use anyhow::Context;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use setpoint_emulator::{Emulator, Identity, Options};

pub(crate) enum Kind {
    Emulator,
    /// Its program.
    Mosquitto(PathBuf),
}

/// A server that runs; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) mqtt: SocketAddr,
    /// The emulator's alone.
    pub(crate) https: Option<SocketAddr>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) tls: Arc<rustls::ClientConfig>,
}

/// The program, where there is one.
pub(crate) fn mosquitto() -> Option<PathBuf> {
    crate::find("mosquitto")
}

impl Server {
    /// Starts it, ready for `devices` devices.
    pub(crate) fn start(kind: &Kind, folder: &Path, devices: usize) -> anyhow::Result<Server> {
        let identity = Arc::new(Identity::open(&folder.join("azure"))?);
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(identity.ca_pem().as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Every connection is a device's first.
        tls.resumption = rustls::client::Resumption::disabled();
        let (child, mqtt, https) = match kind {
            Kind::Emulator => emulator(folder, devices)?,
            Kind::Mosquitto(program) => broker(program, folder, &identity)?,
        };
        Ok(Server {
            child,
            mqtt,
            https,
            identity,
            tls: Arc::new(tls),
        })
    }

    /// Bytes of memory in use.
    pub(crate) fn resident(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: u64 = line.context("no VmRSS")?.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kibibytes * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn emulator(folder: &Path, devices: usize) -> anyhow::Result<(Child, SocketAddr, Option<SocketAddr>)> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("serve")
        .arg(folder.join("azure"))
        .arg(devices.to_string())
        // It ends with this.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the emulator does not start")?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("it has no output")?).read_line(&mut line)?;
    let (mqtt, https) = line.trim().split_once(' ').context("the emulator did not start")?;
    Ok((child, mqtt.parse()?, Some(https.parse()?)))
}

fn broker(
    program: &Path,
    folder: &Path,
    identity: &Identity,
) -> anyhow::Result<(Child, SocketAddr, Option<SocketAddr>)> {
    let certificate = identity.issue_server_certificate()?;
    let (chain, key) = (folder.join("server.pem"), folder.join("server.key"));
    std::fs::write(&chain, certificate.certificate_pem)?;
    std::fs::write(&key, certificate.key_pem)?;
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let configuration = folder.join("mosquitto.conf");
    let lines = [
        format!("listener {} 127.0.0.1", address.port()),
        format!("certfile {}", chain.display()),
        format!("keyfile {}", key.display()),
        "allow_anonymous true".to_owned(),
        "persistence false".to_owned(),
        "set_tcp_nodelay true".to_owned(),
        "log_dest none".to_owned(),
        // It gives up root for a user of its own, who could not read the files.
        "user root".to_owned(),
    ];
    std::fs::write(&configuration, lines.join("\n"))?;
    let child = Command::new(program)
        .arg("-c")
        .arg(&configuration)
        .stdin(Stdio::null())
        .spawn()
        .context("mosquitto does not start")?;
    Ok((child, address, None))
}

/// The child: an emulator that ends with its standard input.
pub(crate) async fn serve(folder: &Path, devices: usize) -> anyhow::Result<()> {
    let identity = Arc::new(Identity::open(folder)?);
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = Options {
        mqtt: any,
        https: any,
        identity: Arc::clone(&identity),
        data: None,
    };
    let emulator = Emulator::start(options).await?;
    for number in 0..devices {
        let keys = identity.device_keys().clone();
        emulator
            .hub()
            .create_device(&crate::client::name(number), Some(keys.into()))?;
    }
    println!("{} {}", emulator.mqtt_address(), emulator.https_address());
    std::io::stdout().flush()?;
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    emulator.stop().await;
    Ok(())
}
