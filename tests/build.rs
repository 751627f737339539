//! Builds the guests that tests run and the `setpoint` command does not bring along.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    for guest in ["counter", "rogue", "wrong", "temperature-controller"] {
        match setpoint_guest_build::core_module(guest) {
            Ok(module) => println!("cargo::rustc-env={}={}", variable(guest), module.display()),
            Err(error) => {
                println!("cargo::error={error}");
                return ExitCode::FAILURE;
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
