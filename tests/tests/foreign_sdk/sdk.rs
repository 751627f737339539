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
            Sdk::Python => "scenarios.py",
            Sdk::Node => "scenarios.js",
        }
    }

    /// The one that a script is for.
    pub(crate) fn of(script: &str) -> Sdk {
        if script.ends_with(".py") {
            Sdk::Python
        } else {
            Sdk::Node
        }
    }

    /// Where its scripts lie.
    pub(crate) fn folder(self) -> &'static Path {
        Path::new(match self {
            Sdk::Python => concat!(env!("CARGO_MANIFEST_DIR"), "/python"),
            Sdk::Node => concat!(env!("CARGO_MANIFEST_DIR"), "/node"),
        })
    }
}

/// The Python of an environment with the SDK.
fn python() -> PathBuf {
    let requirements = Sdk::Python.folder().join("requirements.txt");
    let python = |environment: &Path| environment.join("bin/python");
    let environment = kept::made_once(
        "python",
        &fs::read(&requirements).unwrap(),
        |environment| works(&python(environment)),
        |environment| {
            run_python(Command::new("python3").args(["-m", "venv"]).arg(environment));
            let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
            run_python(Command::new(python(environment)).args(install).arg(&requirements));
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
    let sources = Sdk::Node.folder();
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
