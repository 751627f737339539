//! What one guest costs, for each language: an instance, a tick, a swap, memory.

use std::path::Path;
use std::time::{Duration, Instant};

use setpoint::effect::StartReason;
use setpoint::sandbox::{Cache, Guest, Limits, Program, Quota, Sandbox, THERMOSTAT};

use crate::figures::Table;
use crate::guest::{instance, start};
use crate::native;

/// Calls measured together, since one alone is shorter than the clock is fine.
pub(crate) const BATCH: u32 = 1_000;

/// How often such a batch is measured.
pub(crate) const BATCHES: usize = 50;

/// Instances alive together when memory is read.
const INSTANCES: u32 = 50;

/// A thermostat, by the language it is written in.
struct Written {
    language: &'static str,
    guest: &'static [u8],
}

const GUESTS: &[Written] = &[Written {
    language: "Rust",
    guest: THERMOSTAT,
}];

pub(crate) fn measure(cache: &Path, table: &mut Table) -> anyhow::Result<()> {
    let ticks = native::ticks()?;
    table.times(
        "native tick",
        "",
        "the same Rust, without a sandbox or its checks",
        ticks,
    );
    for Written { language, guest } in GUESTS {
        let limits = Limits {
            instances: INSTANCES + 2,
            memory: 64 << 20,
            ..Limits::default()
        };
        let sandbox = Sandbox::new(limits, Some(Cache::open(cache)?))?;
        let program = Program::load(&sandbox, language, guest)?;
        let mut row = |what: &str, goal, how, times| table.times(format!("{language}: {what}"), goal, how, times);
        row(
            "instantiate and drop",
            "",
            "mean of 1,000, 50 times",
            instantiations(&program)?,
        );
        row(
            "tick",
            "native + 1500 ns",
            "a reading: clock, random, telemetry; mean of 1,000, 50 times",
            ticks_of(&program)?,
        );
        row(
            "swap gap",
            "10 ms",
            "save, start with it, first update",
            gaps(&program)?,
        );
        let (resident, peak) = memory(&program)?;
        let each = "of 50 instances that have ticked 100 times";
        table.bytes(
            format!("{language}: resident memory of an instance"),
            "",
            each,
            resident,
        );
        table.bytes(
            format!("{language}: linear memory of an instance"),
            "",
            "its high-water mark",
            peak,
        );
    }
    Ok(())
}

fn instantiations(program: &Program) -> anyhow::Result<Vec<Duration>> {
    let batch = || {
        let began = Instant::now();
        for _ in 0..BATCH {
            instance(program)?;
        }
        Ok(began.elapsed() / BATCH)
    };
    (0..BATCHES).map(|_| batch()).collect()
}

fn ticks_of(program: &Program) -> anyhow::Result<Vec<Duration>> {
    let mut guest = started(program)?;
    let mut batch = || {
        let began = Instant::now();
        tick(&mut guest, BATCH)?;
        Ok(began.elapsed() / BATCH)
    };
    (0..BATCHES).map(|_| batch()).collect()
}

fn gaps(program: &Program) -> anyhow::Result<Vec<Duration>> {
    let mut guest = started(program)?;
    // A full window of readings makes the state as large as it gets by default.
    tick(&mut guest, 500)?;
    let mut gaps = Vec::new();
    for _ in 0..100 {
        let mut next = instance(program)?;
        next.grant(Quota::UNLIMITED);
        let began = Instant::now();
        let state = guest.save()?;
        next.start(StartReason::Replaced, state.as_deref())?;
        next.update(Vec::new())?;
        gaps.push(began.elapsed());
        next.take_effects();
        guest = next;
    }
    Ok(gaps)
}

/// Bytes that an instance adds to this process, and its linear memory.
fn memory(program: &Program) -> anyhow::Result<(u64, u64)> {
    let before = resident()?;
    let mut guests = Vec::new();
    for _ in 0..INSTANCES {
        let mut guest = started(program)?;
        tick(&mut guest, 100)?;
        guests.push(guest);
    }
    let each = resident()?.saturating_sub(before) / u64::from(INSTANCES);
    let peak = guests.iter().map(Guest::memory_peak).max().unwrap_or_default();
    Ok((each, peak as u64))
}

fn started(program: &Program) -> anyhow::Result<Guest> {
    let mut guest = instance(program)?;
    start(&mut guest)?;
    guest.update(Vec::new())?;
    guest.take_effects();
    Ok(guest)
}

fn tick(guest: &mut Guest, times: u32) -> anyhow::Result<()> {
    for _ in 0..times {
        guest.grant(Quota::UNLIMITED);
        guest.timer_fired(1)?;
        guest.take_effects();
    }
    Ok(())
}

/// Bytes of this process that are in memory.
fn resident() -> anyhow::Result<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = pages.split_whitespace().nth(1).unwrap_or_default().parse()?;
    Ok(pages * 4096)
}
