//! The `setpoint` command.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("setpoint: {}", cli::one_line(&error));
            ExitCode::from(cli::exit_code(&error))
        }
    }
}
