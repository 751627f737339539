//! The asking side.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use setpoint::device::Status;

use super::super::Usage;
use super::{Answer, Request, folder};

/// How long a device may take to say how it is. It answers between two events, each of which has a budget.
const STATUS_TIME: Duration = Duration::from_secs(10);

/// How long a swap may take: compiling a guest of another language takes seconds, and provisioning up to a quarter of an hour.
const SWAP_TIME: Duration = Duration::from_secs(1_000);

/// How long a device may take to begin a record. It makes another instance of its guest, which is compiled already.
const RECORD_TIME: Duration = Duration::from_secs(60);

/// A device that answers.
pub(crate) struct Reachable {
    socket: PathBuf,
    /// How it is.
    pub(crate) status: Status,
}

/// All devices that run here and have been started. Removes what dead ones left.
pub(crate) fn list() -> anyhow::Result<Vec<Reachable>> {
    let Some(folder) = folder() else {
        return Ok(Vec::new());
    };
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(|| folder.display().to_string())?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let socket = entry?.path();
        if let Some(Answer::Status(status)) = ask(&socket, &Request::Status, STATUS_TIME)? {
            found.push(Reachable {
                socket,
                status: *status,
            });
        }
    }
    found.sort_by(|one, other| one.status.device.cmp(&other.status.device));
    Ok(found)
}

/// The device of this id.
pub(crate) fn find(device: &str) -> anyhow::Result<Reachable> {
    let mut running = list()?;
    match running.iter().position(|reachable| reachable.status.device == device) {
        Some(index) => Ok(running.swap_remove(index)),
        None if running.is_empty() => {
            Err(Usage("no device runs here; start one with `setpoint run`".to_owned()).into())
        }
        None => {
            let ids: Vec<_> = running
                .iter()
                .map(|reachable| reachable.status.device.as_str())
                .collect();
            Err(Usage(format!("no device {device} runs here; these do: {}", ids.join(", "))).into())
        }
    }
}

impl Reachable {
    /// Swaps in the guest of this file, and returns what the device says of it.
    pub(crate) fn swap(&self, guest: &Path) -> anyhow::Result<String> {
        let device = &self.status.device;
        match ask(&self.socket, &Request::Swap(guest.to_owned()), SWAP_TIME)? {
            Some(Answer::Swapped(line)) => Ok(line),
            Some(Answer::Failed { message, usage: true }) => Err(Usage(message).into()),
            Some(Answer::Failed { message, .. }) => bail!(message),
            Some(Answer::Status(_) | Answer::Starting | Answer::Recording(_)) => {
                bail!("{device} gave an answer that does not belong to a swap")
            }
            None => bail!("{device} has stopped"),
        }
    }

    /// Begins a record. Returns what the device says of it, and the stream that brings the record's lines.
    pub(crate) fn record(&self) -> anyhow::Result<(String, UnixStream)> {
        let device = &self.status.device;
        match converse(&self.socket, &Request::Record, RECORD_TIME)? {
            Some((Answer::Recording(line), stream)) => {
                stream.set_read_timeout(None)?;
                Ok((line, stream))
            }
            Some((Answer::Failed { message, usage: true }, _)) => Err(Usage(message).into()),
            Some((Answer::Failed { message, .. }, _)) => bail!(message),
            Some(_) => bail!("{device} gave an answer that does not belong to a record"),
            None => bail!("{device} has stopped"),
        }
    }
}

/// None when nobody is there, or not for long enough to answer.
fn ask(socket: &Path, request: &Request, patience: Duration) -> anyhow::Result<Option<Answer>> {
    Ok(converse(socket, request, patience)?.map(|(answer, _)| answer))
}

/// The same, and the stream for what follows the answer.
fn converse(socket: &Path, request: &Request, patience: Duration) -> anyhow::Result<Option<(Answer, UnixStream)>> {
    let mut stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            // Left by a process that is gone; another reader may have been faster.
            let _ = std::fs::remove_file(socket);
            return Ok(None);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| socket.display().to_string()),
    };
    stream.set_read_timeout(Some(patience))?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    if stream.write_all(line.as_bytes()).is_err() {
        return Ok(None);
    }
    let mut answer = String::new();
    // A byte at a time: what follows the line is for whoever gets the stream.
    match BufReader::with_capacity(1, &stream).read_line(&mut answer) {
        Ok(0) => Ok(None),
        Ok(_) => {
            let answer = serde_json::from_str(&answer)
                .context("what answers is not this version of setpoint; restart the device with this one")?;
            Ok(Some((answer, stream)))
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            bail!("{} did not answer within {} s", socket.display(), patience.as_secs())
        }
        Err(_) => Ok(None),
    }
}
