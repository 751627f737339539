//! The SDKs: each in an environment that is made once and kept until what it must hold changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use setpoint_tests::{kept, venv};

use super::c_sdk;

/// An SDK, and the language it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sdk {
    /// azure-iot-device and azure-iot-hub, from PyPI.
    Python,
    /// azure-iot-device, azure-iothub and theirs, from npm.
    Node,
    /// azure-iot-sdk-c, from source.
    C,
}

impl Sdk {
    /// A command that runs the script with the SDK at hand. `scratch` is a folder that a program may be compiled into.
    pub(crate) fn command(self, script: &Path, scratch: &Path) -> Command {
        let mut command = match self {
            Sdk::Python => Command::new(venv::python()),
            Sdk::Node => {
                let mut node = Command::new("node");
                // Where scripts that do not lie beside it find it.
                node.env("NODE_PATH", packages().join("node_modules"));
                node
            }
            Sdk::C => return Command::new(c_sdk::compile(script, scratch)),
        };
        command.arg(script);
        command
    }

    /// Its scenarios.
    pub(crate) fn scenarios(self) -> &'static str {
        match self {
            Sdk::Python => "scenarios.py",
            Sdk::Node => "scenarios.js",
            Sdk::C => "scenarios.c",
        }
    }

    /// The one that a script is for.
    pub(crate) fn of(script: &str) -> Sdk {
        if script.ends_with(".py") {
            Sdk::Python
        } else if script.ends_with(".js") {
            Sdk::Node
        } else {
            Sdk::C
        }
    }

    /// Where its scripts lie.
    pub(crate) fn folder(self) -> &'static Path {
        Path::new(match self {
            Sdk::Python => concat!(env!("CARGO_MANIFEST_DIR"), "/python"),
            Sdk::Node => concat!(env!("CARGO_MANIFEST_DIR"), "/node"),
            Sdk::C => c_sdk::FOLDER,
        })
    }
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
