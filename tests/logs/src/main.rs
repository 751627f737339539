//! Searches the logs of a whole run of the tests for the keys used in it.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::var_os(setpoint_test_logs::FOLDER) else {
        eprintln!(
            "{} does not say where the tests have left their logs",
            setpoint_test_logs::FOLDER
        );
        return ExitCode::FAILURE;
    };
    match setpoint_test_logs::search(Path::new(&folder)) {
        Ok(found) => {
            println!(
                "{} keys are in none of {} logs ({} bytes)",
                found.keys, found.logs, found.bytes
            );
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
