//! `./justw soak`: many devices under random faults for minutes, and a device that is killed a hundred times.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a test: it prints what came of it, and fails by panicking"
)]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use setpoint_tests::kill::{Killed, kill};
use setpoint_tests::soak::{Plan, soak};

/// Soaks devices in faults, and compares what they were promised with what the hub has
#[derive(Parser)]
struct Arguments {
    /// Repeats the faults of an earlier run; chosen by chance when left out
    #[arg(long)]
    seed: Option<u64>,
    /// How many devices
    #[arg(long, default_value_t = 200)]
    devices: usize,
    /// For how many seconds there are faults
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// Milliseconds between two faults, on average
    #[arg(long, default_value_t = 100)]
    every: u64,
    /// How often another device, which keeps its outbox on disk, is killed afterwards
    #[arg(long, default_value_t = 100)]
    kills: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    println!("seed {seed}; --seed {seed} repeats it");
    let plan = Plan {
        seed,
        devices: arguments.devices,
        length: Duration::from_secs(arguments.seconds),
        every: Duration::from_millis(arguments.every),
        settling: Duration::from_secs(600),
    };
    let runtime = tokio::runtime::Runtime::new().expect("there are threads");
    let outcome = runtime.block_on(soak(plan));
    print!("{outcome}");
    if outcome.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
