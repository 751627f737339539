//! Builds the thermostat that the program brings along, and gathers what `setpoint new` makes projects of.

mod manifest;
mod templates;

use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    match make() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={error}");
            ExitCode::FAILURE
        }
    }
}

fn make() -> Result<(), Box<dyn Error>> {
    let module = setpoint_guest_build::core_module("thermostat")?;
    println!("cargo::rustc-env=SETPOINT_THERMOSTAT={}", module.display());
    templates::gather()
}
