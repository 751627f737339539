//! Builds the guests that only tests run.

use std::process::ExitCode;

fn main() -> ExitCode {
    for guest in ["counter", "rogue"] {
        match setpoint_guest_build::core_module(guest) {
            Ok(module) => println!("cargo::rustc-env={}={}", guest.to_uppercase(), module.display()),
            Err(error) => {
                println!("cargo::error={error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
