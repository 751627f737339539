//! The SDKs: each in an environment that is made once and kept until what it must hold changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use setpoint_tests::kept;

/// An SDK, and the language it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sdk {
    /// azure-iot-device and azure-iot-hub, from PyPI.
    Python,
    /// azure-iot-device, azure-iothub and theirs, from npm.
    Node,
}

impl Sdk {
    /// The interpreter, to be given what it is to run, with the SDK at hand.
    pub(crate) fn interpreter(self) -> Command {
        match self {
            Sdk::Python => Command::new(python()),
            Sdk::Node => {
                let mut node = Command::new("node");
                // Where scripts that do not lie beside it find it.
                node.env("NODE_PATH", packages().join("node_modules"));
                node
            }
        }
    }

    /// Its scenarios.
    pub(crate) fn scenarios(self) -> &'static str {
        match self {
            Sdk::Python => concat!(env!("CARGO_MANIFEST_DIR"), "/python/scenarios.py"),
            Sdk::Node => concat!(env!("CARGO_MANIFEST_DIR"), "/node/scenarios.js"),
        }
    }
}

/// The Python of an environment with the SDK.
fn python() -> PathBuf {
    const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/requirements.txt");
    let python = |environment: &Path| environment.join("bin/python");
    let environment = kept::made_once(
        "python",
        &fs::read(REQUIREMENTS).unwrap(),
        |environment| works(&python(environment)),
        |environment| {
            run_python(Command::new("python3").args(["-m", "venv"]).arg(environment));
            run_python(Command::new(python(environment)).args([
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

fn run_python(command: &mut Command) {
    kept::run(command, "python3 with venv");
}

/// A folder with the SDK as npm installs it.
fn packages() -> PathBuf {
    let sources = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/node"));
    kept::made_once(
        "node",
        &fs::read(sources.join("package-lock.json")).unwrap(),
        |folder| folder.join("node_modules").is_dir(),
        |folder| {
            for file in ["package.json", "package-lock.json"] {
                fs::copy(sources.join(file), folder.join(file)).unwrap();
            }
            let options = ["ci", "--loglevel=error", "--no-audit", "--no-fund", "--ignore-scripts"];
            kept::run(Command::new("npm").args(options).current_dir(folder), "Node and npm");
        },
    )
}
