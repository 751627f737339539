//! Builds the thermostat that the program brings along.

use std::process::ExitCode;

fn main() -> ExitCode {
    match setpoint_guest_build::core_module("thermostat") {
        Ok(module) => {
            println!("cargo::rustc-env=SETPOINT_THERMOSTAT={}", module.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("cargo::error={error}");
            ExitCode::FAILURE
        }
    }
}
