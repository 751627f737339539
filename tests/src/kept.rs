//! What tests make once and keep: environments, guests from other tool chains, compiled code.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder for it: the one that `SETPOINT_TEST_CACHE` names, so that a build server can keep it, else Cargo's own for
/// tests.
pub fn folder() -> PathBuf {
    let folder =
        std::env::var_os("SETPOINT_TEST_CACHE").map_or_else(|| PathBuf::from(env!("TARGET_TMPDIR")), PathBuf::from);
    fs::create_dir_all(&folder).expect("the folder for what tests keep can be made");
    // The tools that are given it run elsewhere.
    fs::canonicalize(folder).expect("it is there")
}

/// The folder `name` within it. `make` fills it when it is not there yet, was made from something else than `of`, or is
/// not `sound` any more. Several tests, in several processes, may ask at once: one makes it, the others wait.
pub fn made_once(name: &str, of: &[u8], sound: impl Fn(&Path) -> bool, make: impl FnOnce(&Path)) -> PathBuf {
    let _lock = lock(name);
    let made = folder().join(name);
    // Written last, so that what was left half made does not pass for whole.
    let made_of = made.join("made-of");
    if fs::read(&made_of).is_ok_and(|was| was == of) && sound(&made) {
        return made;
    }
    // It may not be there.
    let _ = fs::remove_dir_all(&made);
    fs::create_dir_all(&made).expect("the folder can be made");
    make(&made);
    fs::write(made_of, of).expect("the folder can be written to");
    made
}

/// Keeps other tests from what is made under `name` until the file is dropped.
pub fn lock(name: &str) -> File {
    let file = File::create(folder().join(name).with_extension("lock")).expect("a lock can be made");
    file.lock().expect("a lock can be waited for");
    file
}

/// Runs a program that must succeed; `needs` says what to install when it is missing.
pub fn run(command: &mut Command, needs: &str) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; these tests need {needs}"));
    assert!(
        output.status.success(),
        "{command:?} ended with {}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
