//! A Python environment with the SDKs, made once and kept until what it must hold changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kept;

/// What goes in.
const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/requirements.txt");

/// The environment's Python. Made at the first call, which takes a minute and the internet.
///
/// # Panics
///
/// Without Python 3 and its module `venv`.
pub fn python() -> PathBuf {
    let python = |environment: &Path| environment.join("bin/python");
    let wanted = fs::read(REQUIREMENTS).expect("it is in this package");
    let environment = kept::made_once(
        "python",
        &wanted,
        |environment| works(&python(environment)),
        |environment| {
            run(Command::new("python3").args(["-m", "venv"]).arg(environment));
            run(Command::new(python(environment)).args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
                REQUIREMENTS,
            ]));
        },
    );
    python(&environment)
}

/// Whether the Python that the environment was made from is still there.
fn works(python: &Path) -> bool {
    Command::new(python)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

fn run(command: &mut Command) {
    kept::run(command, "python3 with venv");
}
