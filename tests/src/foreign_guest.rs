//! Guests in other languages than Rust, each built by its own script, guest/NAME/build.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use setpoint::sandbox::{Cache, Limits, Sandbox};

use crate::kept;

/// The thermostat in other languages than Rust; each lies in guest/.
pub const THERMOSTATS: [&str; 3] = ["thermostat-c", "thermostat-js", "thermostat-py"];

/// The root of the workspace.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// For one call of a guest.
const PATIENCE: Duration = Duration::from_secs(60);

/// What lies beside a guest's sources and does not go into it.
const NO_SOURCES: [&str; 5] = ["test", "tests", "README.md", "node_modules", "__pycache__"];

/// The component that guest/NAME/build makes. It is built when its sources or the contract have changed, and kept.
pub fn foreign_guest(name: &str) -> Vec<u8> {
    let sources = folder_of(name);
    let mut of = Vec::new();
    for folder in [&sources, &PathBuf::from(ROOT).join("wit")] {
        list(folder, &mut of);
    }
    let built = |folder: &Path| folder.join("guest.wasm");
    let folder = kept::made_once(
        name,
        &of,
        |folder| built(folder).is_file(),
        |folder| {
            run(Command::new(sources.join("build")).arg(built(folder)));
        },
    );
    fs::read(built(&folder)).expect("it has been built")
}

/// Runs guest/NAME/test: the guest's own tests, in its own language and without a sandbox.
pub fn test_natively(name: &str) {
    // What it needs lies with what building it needs.
    let _lock = kept::lock(name);
    run(&mut Command::new(folder_of(name).join("test")));
}

fn run(script: &mut Command) {
    script.env("SETPOINT_TOOLS", kept::folder().join("tools"));
    kept::run(script, "what the README.md beside it names");
}

/// Where the sources of a guest lie.
fn folder_of(name: &str) -> PathBuf {
    PathBuf::from(ROOT).join("guest").join(name)
}

/// A sandbox that keeps compiled code: a Python guest takes the better part of a minute to compile. Memory is limited as
/// ever. Time is not to speak of: how long a guest takes on a busy machine is not what these tests ask.
pub fn sandbox() -> Sandbox {
    sandbox_within(Limits::default())
}

/// The same with other limits than those of time.
pub fn sandbox_within(limits: Limits) -> Sandbox {
    let cache = Cache::open(&kept::folder().join("compiled")).expect("the folder is this user's alone");
    let limits = Limits {
        start: PATIENCE,
        event: PATIENCE,
        ..limits
    };
    Sandbox::new(limits, Some(cache)).expect("there is a sandbox")
}

/// Adds the path and content of every source below `folder`, always in the same order.
fn list(folder: &Path, to: &mut Vec<u8>) {
    let entries = fs::read_dir(folder).expect("sources can be listed");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("sources can be listed").path())
        .collect();
    paths.sort();
    for path in paths {
        if NO_SOURCES.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        if path.is_dir() {
            list(&path, to);
        } else {
            // Wherever the checkout lies.
            let path_within = path.strip_prefix(ROOT).unwrap_or(&path);
            to.extend(path_within.to_string_lossy().as_bytes());
            to.extend(fs::read(&path).expect("sources can be read"));
        }
    }
}
