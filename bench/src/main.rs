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
//! | `fleet.rs` | fleets; `azure.rs` is what they connect to, and `task.rs` what a process of clients is told |
//! | `bare.rs`, `sdk.rs` | what stands beside them: bare MQTT clients, and Microsoft's SDK for Python |
//! | `flat_out.rs` | a fleet that sends as fast as it can |
//! | `growth.rs` | what fleets of growing numbers came to, drawn |
//! | `figures.rs`, `results.rs` | medians, and how they are printed and kept |
//!
//! Nothing here passes or fails: machines are shared and noisy. Each figure stands beside its goal.

mod azure;
mod bare;
mod figures;
mod flat_out;
mod fleet;
mod growth;
mod guest;
mod guests;
mod native;
mod process;
mod results;
mod sdk;
mod task;
mod throughput;

use std::path::{Path, PathBuf};

use anyhow::Context;
use bare::Sending;
use figures::Table;
use task::Task;

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
        Some((first, [folder])) if first == "azure" => return azure::serve(Path::new(folder)),
        Some((first, rest)) if ["bare", "bare-together", "bare-flat-out", "flat-out"].contains(&first.as_str()) => {
            let task = Task::read(rest)?;
            let report = match first.as_str() {
                "bare" => bare::measure(&task, Sending::Thermostat)?,
                "bare-together" => bare::measure(&task, Sending::Together)?,
                "bare-flat-out" => bare::measure(&task, Sending::FlatOut)?,
                _ => flat_out::measure(&task)?,
            };
            return Ok(std::fs::write(&task.report, report.json())?);
        }
        Some((first, rest)) if first == "fleet" => {
            let sizes = rest.iter().map(|size| size.parse()).collect::<Result<Vec<u64>, _>>()?;
            let sizes = if sizes.is_empty() { FLEETS.to_vec() } else { sizes };
            fleet::measure(&program, folder.path(), &sizes, &mut table)?;
            return results::keep("fleet", &table);
        }
        Some((only, [])) if only == "throughput" => {
            throughput::measure(folder.path(), &mut table)?;
            return results::keep("throughput", &table);
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
    results::keep("all", &table)
}
