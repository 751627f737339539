//! What Setpoint costs, measured: `just bench`. Takes the thermostats in other languages, as components, for arguments.
//! `fleet [DEVICES..]` measures fleets alone, at these sizes; `throughput` one device's telemetry alone.
//!
//! | file | measures |
//! | --- | --- |
//! | `process.rs` | the program from its start to its first PUBACK, and its memory |
//! | `guest.rs` | loading and starting the thermostat |
//! | `guests.rs` | a start, an instance, a tick, a swap and memory, for each language |
//! | `native.rs` | a tick of the same thermostat without a sandbox |
//! | `throughput.rs` | telemetry of one device, beside a bare MQTT publisher |
//! | `fleet.rs`, `bare.rs` | fleets, beside as many bare MQTT clients; `azure.rs` is what both connect to |
//! | `growth.rs` | what fleets of growing numbers came to, drawn |
//! | `figures.rs` | medians, and how they are printed |
//!
//! Nothing here passes or fails: machines are shared and noisy. Each figure stands beside its goal.

mod azure;
mod bare;
mod figures;
mod fleet;
mod growth;
mod guest;
mod guests;
mod native;
mod process;
mod throughput;

use std::path::PathBuf;

use anyhow::Context;
use figures::Table;

/// Devices of the fleets that are measured.
const FLEETS: [u64; 3] = [100, 1_000, 10_000];

fn main() -> anyhow::Result<()> {
    let program = std::env::current_exe()?.with_file_name("setpoint");
    anyhow::ensure!(
        program.is_file(),
        "{}: build it first, as `just bench` does",
        program.display()
    );
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let mut table = Table::default();
    match arguments.split_first() {
        Some((first, rest)) if first == "bare" => return bare::run(rest),
        Some((first, rest)) if first == "fleet" => {
            let sizes = rest.iter().map(|size| size.parse()).collect::<Result<Vec<u64>, _>>()?;
            let sizes = if sizes.is_empty() { FLEETS.to_vec() } else { sizes };
            fleet::measure(&program, folder.path(), &sizes, &mut table)?;
            println!("{}", machine());
            print!("{table}");
            return Ok(());
        }
        Some((only, [])) if only == "throughput" => {
            throughput::measure(folder.path(), &mut table)?;
            println!("{}", machine());
            print!("{table}");
            return Ok(());
        }
        _ => {}
    }
    process::measure(&program, folder.path(), &mut table)?;
    throughput::measure(folder.path(), &mut table)?;
    let cache = folder.path().join("cache");
    guest::measure(&cache, &mut table)?;
    fleet::measure(&program, folder.path(), &FLEETS, &mut table)?;
    let others = arguments.iter().map(PathBuf::from);
    guests::measure(&cache, &others.collect::<Vec<_>>(), &mut table)?;
    println!("{}", machine());
    print!("{table}");
    Ok(())
}

/// What the figures were taken on.
fn machine() -> String {
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = std::fs::read_to_string(PathBuf::from("/proc/sys/kernel/osrelease")).unwrap_or_default();
    let model = model.map_or("unknown processor", |(_, model)| model);
    format!(
        "setpoint {} on {cores} x {model}, Linux {}",
        env!("CARGO_PKG_VERSION"),
        kernel.trim()
    )
}
