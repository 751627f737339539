//! Devices that run on this machine, as the operator's other commands reach them: one Unix socket for each, in a folder that
//! is the user's alone.
//!
//! A request is one line of JSON, and so is its answer; after that of a recording come the lines of the record, until one of the
//! two hangs up. A socket that nobody answers was left by a process that is gone, and
//! whoever finds it removes it.

mod client;
mod recording;
mod server;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use setpoint::device::Status;
use setpoint_emulator::running::data_directory;

pub(crate) use client::{find, list};
pub(crate) use server::{Served, load_and_swap};

/// What is asked of a running device.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Request {
    /// How it is.
    Status,
    /// Swap in the guest of this file, an absolute path.
    Swap(PathBuf),
    /// Send what goes in and out of the guest, until whoever asked says no more.
    Record,
}

/// What it says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    Status(Box<Status>),
    /// It has not been started yet.
    Starting,
    Swapped(String),
    /// The record follows.
    Recording(String),
    /// It has not been done, and why. `usage`: the file was no guest.
    Failed {
        message: String,
        usage: bool,
    },
}

/// Where the sockets are. None when the user has no folder for data.
fn folder() -> Option<PathBuf> {
    Some(data_directory()?.join("devices"))
}
