//! Builds the guests that tests run and the `setpoint` command does not bring along.

use std::path::PathBuf;
use std::process::ExitCode;

use setpoint_guest_build::{BuildError, component, core_module};

type Build = fn(&str) -> Result<PathBuf, BuildError>;

/// Each with how it is built. The last two are made to call WASI.
const GUESTS: [(&[&str], Build); 2] = [
    (&["counter", "rogue", "wrong", "temperature-controller"], core_module),
    (&["nosy", "caller"], component),
];

fn main() -> ExitCode {
    for (guests, build) in GUESTS {
        for guest in guests {
            match build(guest) {
                Ok(built) => println!("cargo::rustc-env={}={}", variable(guest), built.display()),
                Err(error) => {
                    println!("cargo::error={error}");
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    // Cargo names its folder for tests to the tests alone, not to the library they share. It lies beside the profiles:
    // four folders above target/debug/build/setpoint-tests-0123456789abcdef/out.
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    if let Some(target) = out.ancestors().nth(4) {
        println!("cargo::rustc-env=TARGET_TMPDIR={}", target.join("tmp").display());
    }
    ExitCode::SUCCESS
}

/// From `temperature-controller` to `TEMPERATURE_CONTROLLER`.
fn variable(guest: &str) -> String {
    guest.to_uppercase().replace('-', "_")
}
