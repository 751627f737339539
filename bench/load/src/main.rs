//! The emulator under load, beside mosquitto in one run: `just bench`, or this alone with `just load`.
//!
//! | file | holds |
//! | --- | --- |
//! | `server.rs` | both servers, each a process of its own, and their memory |
//! | `client.rs` | the client, which is the same for both: MQTT by hand over TLS |
//! | `held.rs` | many connections that do nothing, and what each costs |
//! | `rates.rs` | messages a second |
//! | `hostile.rs` | clients that mean harm |
//! | `flood.rs` | those of them that connect and connect |
//! | `beside.rs` | the others, and how long they wait meanwhile |
//!
//! Nothing here passes or fails: machines are shared and noisy. Each figure stands beside its goal.

mod beside;
mod client;
mod flood;
mod held;
mod hostile;
mod rates;
mod server;

use std::path::{Path, PathBuf};

use anyhow::Context;
use server::{Kind, Server};

/// Connections held.
const CONNECTIONS: usize = 5000;

fn main() -> anyhow::Result<()> {
    raise_file_limit()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads")?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", folder, devices] => runtime.block_on(server::serve(Path::new(folder), devices.parse()?)),
        [] => runtime.block_on(measure(CONNECTIONS)),
        ["hostile"] => runtime.block_on(harm()),
        [connections] => runtime.block_on(measure(connections.parse()?)),
        _ => anyhow::bail!("usage: setpoint-load [CONNECTIONS | hostile]"),
    }
}

async fn measure(connections: usize) -> anyhow::Result<()> {
    let mosquitto = server::mosquitto();
    if mosquitto.is_none() {
        eprintln!(
            "mosquitto is not installed, so nothing stands beside the emulator: `apt-get install mosquitto` (its service is not \
             needed and may be stopped) and run this again"
        );
    }
    println!("| figure | emulator | mosquitto | goal |");
    println!("| --- | --- | --- | --- |");
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let emulator = Server::start(&Kind::Emulator, folder.path(), connections)?;
    let mosquitto = mosquitto
        .map(|program| Server::start(&Kind::Mosquitto(program), folder.path(), connections))
        .transpose()?;
    let servers: Vec<&Server> = [Some(&emulator), mosquitto.as_ref()].into_iter().flatten().collect();

    let mut crowds = Vec::new();
    for server in &servers {
        crowds.push(held::connect(server, connections).await?);
    }
    held::print(connections, &crowds);
    rates::measure(&servers, &mut crowds).await?;
    drop(crowds);
    hostile::measure(&emulator).await
}

/// The hostile clients alone.
async fn harm() -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let emulator = Server::start(&Kind::Emulator, folder.path(), CONNECTIONS)?;
    hostile::measure(&emulator).await
}

/// Many connections are many files, on either side.
fn raise_file_limit() -> anyhow::Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("no more files")
}

/// A line of the table; what was not measured stays empty.
fn row(figure: &str, values: &[String], goal: &str) {
    let value = |index: usize| values.get(index).map_or("", String::as_str);
    println!("| {figure} | {} | {} | {goal} |", value(0), value(1));
}

/// Where a program is, of those that can be run.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // Debian keeps servers where only root looks.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")]);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}
