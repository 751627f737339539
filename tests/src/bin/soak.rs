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
    let soaked = runtime.block_on(async { tokio::spawn(soak(plan)).await });
    let outcome = soaked.expect("it does not panic");
    print!("{outcome}");
    let killed = runtime.block_on(async { tokio::spawn(kill(seed, arguments.kills)).await });
    let Killed { balance, lives } = killed.expect("it does not panic");
    println!(
        "killed {} times, {lives} of them with promises made: accepted {}, lost {}, out of order {}, duplicates {}",
        arguments.kills,
        balance.accepted,
        balance.lost.len(),
        balance.out_of_order.len(),
        balance.duplicates
    );
    let killed_well = arguments.kills == 0 || balance.is_good();
    if outcome.is_good() && killed_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
