//! A Python environment with the SDKs, made once and kept until what it must hold changes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What goes in.
const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/requirements.txt");

/// The environment's Python. Several tests, in several processes, may ask at once: one makes it, the others wait.
///
/// It lies in the folder that `SETPOINT_TEST_CACHE` names, so that a build server can keep it, else in Cargo's own for tests.
pub(crate) fn python() -> PathBuf {
    let cache = std::env::var_os("SETPOINT_TEST_CACHE")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    fs::create_dir_all(&cache).unwrap();
    let lock = File::create(cache.join("python.lock")).unwrap();
    lock.lock().unwrap();
    let environment = cache.join("python");
    let python = environment.join("bin/python");
    let wanted = fs::read_to_string(REQUIREMENTS).unwrap();
    // Written last, so that an environment left half made does not pass for one.
    let holds = environment.join("holds.txt");
    if fs::read_to_string(&holds).is_ok_and(|held| held == wanted) && works(&python) {
        return python;
    }
    let _ = fs::remove_dir_all(&environment);
    run(Command::new("python3").args(["-m", "venv"]).arg(&environment));
    run(Command::new(&python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        REQUIREMENTS,
    ]));
    fs::write(holds, wanted).unwrap();
    python
}

/// Whether the Python that the environment was made from is still there.
fn works(python: &Path) -> bool {
    Command::new(python)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; these tests need python3 with venv"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?} ended with {}: {said}",
        output.status
    );
}
