//! Which emulators run on this machine, for the operator's commands to find.
//!
//! Each running emulator keeps a file in `running/` of the data directory, under an exclusive lock that ends with its process
//! however that ends. So a file that can be locked belongs to nobody any more, and whoever reads the directory removes it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::private_file;

/// Names the data directory in place of the one the system has for it.
pub const DATA_VARIABLE: &str = "SETPOINT_DATA";

/// Where one emulator can be reached, and who it is. Holds no secret: those are in the identity's directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    /// Its process.
    pub pid: u32,
    /// Where devices connect.
    pub mqtt: SocketAddr,
    /// Where the service API answers.
    pub https: SocketAddr,
    /// Where services speak AMQP, if they can.
    #[serde(default)]
    pub amqp: Option<SocketAddr>,
    /// The directory of its identity, for [`Identity::open`](crate::identity::Identity::open).
    pub identity: PathBuf,
    /// Whether it lives inside a device's own process, and ends with it.
    pub embedded: bool,
    /// When it began.
    pub started: DateTime<Utc>,
}

/// Keeps one emulator listed; dropping it takes it off.
#[derive(Debug)]
pub struct Listing {
    path: PathBuf,
    /// Its lock says that the emulator lives.
    _lock: File,
}

/// The data directory: what the variable `SETPOINT_DATA` names, else the system's place for a user's data.
///
/// None when there is no variable and the user has no home.
pub fn data_directory() -> Option<PathBuf> {
    match std::env::var_os(DATA_VARIABLE) {
        Some(dir) if !dir.is_empty() => Some(PathBuf::from(dir)),
        _ => directories::ProjectDirs::from("", "", "setpoint").map(|dirs| dirs.data_dir().to_owned()),
    }
}

/// Lists the emulator of this process that serves these addresses, until the value is dropped.
///
/// # Errors
///
/// When the directory cannot be made or written.
pub fn announce(
    data: &Path,
    mqtt: SocketAddr,
    https: SocketAddr,
    amqp: Option<SocketAddr>,
    identity: &Path,
    embedded: bool,
) -> io::Result<Listing> {
    let dir = data.join("running");
    private_file::make_directory(&dir)?;
    let pid = process::id();
    let running = Running {
        pid,
        mqtt,
        https,
        amqp,
        identity: std::path::absolute(identity)?,
        embedded,
        started: Utc::now(),
    };
    // The port sets apart two emulators of one process.
    let path = dir.join(format!("{pid}-{}.json", https.port()));
    // Locked before it gets the name that readers look for, so that none takes it for a dead one's.
    let staged = path.with_extension("new");
    match fs::remove_file(&staged) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private_file::open(&staged)?;
    file.lock()?;
    file.write_all(&serde_json::to_vec(&running)?)?;
    fs::rename(&staged, &path)?;
    Ok(Listing { path, _lock: file })
}

impl Drop for Listing {
    fn drop(&mut self) {
        // A file that stays is removed by the next reader.
        let _ = fs::remove_file(&self.path);
    }
}

/// The emulators that run now, the newest first. Removes what dead ones left.
///
/// # Errors
///
/// When the directory exists and cannot be read.
pub fn list(data: &Path) -> io::Result<Vec<Running>> {
    let entries = match fs::read_dir(data.join("running")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            found.extend(read(&path));
        }
    }
    found.sort_by_key(|running: &Running| std::cmp::Reverse(running.started));
    Ok(found)
}

/// None for what a dead emulator left, what vanishes while being read, and what is not such a file.
fn read(path: &Path) -> Option<Running> {
    let file = File::open(path).ok()?;
    // A shared lock, so that two readers do not take each other for a living emulator.
    match file.try_lock_shared() {
        Ok(()) => {
            let _ = fs::remove_file(path);
            None
        }
        Err(TryLockError::WouldBlock) => serde_json::from_reader(file).ok(),
        Err(TryLockError::Error(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("setpoint-running-{}-{name}", process::id()));
        let _ = fs::remove_dir_all(&dir);
        dir
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn an_emulator_is_listed_while_it_lives() {
        let data = scratch("lives");
        assert_eq!(list(&data).unwrap(), []);
        let first = announce(&data, address(1), address(2), None, &data, false).unwrap();
        let second = announce(&data, address(3), address(4), None, &data, false).unwrap();
        let ports = || {
            list(&data)
                .unwrap()
                .iter()
                .map(|running| running.https.port())
                .collect::<Vec<_>>()
        };
        assert_eq!(ports(), [4, 2], "the newest first");
        drop(second);
        assert_eq!(ports(), [2]);
        drop(first);
        assert_eq!(list(&data).unwrap(), []);
        fs::remove_dir_all(&data).unwrap();
    }

    #[test]
    fn what_a_dead_emulator_left_is_removed() {
        let data = scratch("dead");
        let listing = announce(&data, address(1), address(2), None, &data, false).unwrap();
        let left = data.join("running").join("0-2.json");
        fs::copy(&listing.path, &left).unwrap();
        assert_eq!(list(&data).unwrap().len(), 1);
        assert!(!left.exists());
        fs::remove_dir_all(&data).unwrap();
    }
}
