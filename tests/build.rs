//! Builds the guests that tests run and the `setpoint` command does not bring along.

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
    ExitCode::SUCCESS
}

/// From `temperature-controller` to `TEMPERATURE_CONTROLLER`.
fn variable(guest: &str) -> String {
    guest.to_uppercase().replace('-', "_")
}
