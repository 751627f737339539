//! What one guest costs, for each language: a start, an instance, a tick, a swap, memory.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use setpoint::effect::StartReason;
use setpoint::sandbox::{Cache, Guest, Limits, Program, Quota, Sandbox, THERMOSTAT, name_of, read};

use crate::figures::Table;
use crate::guest::{instance, start, warm_starts};
use crate::native::Native;

/// Calls measured together, since one alone is shorter than the clock is fine.
const BATCH: u32 = 1_000;

/// How often such a batch is measured.
const BATCHES: usize = 50;

/// Instances alive together when memory is read.
const INSTANCES: u32 = 50;

/// How long a batch of a slow guest's takes at most. A thousand instances of a Python guest are seconds.
const BATCH_TIME: Duration = Duration::from_millis(20);

/// The thermostat in Rust, and those in other languages that these components are.
pub(crate) fn measure(cache: &Path, others: &[PathBuf], table: &mut Table) -> anyhow::Result<()> {
    let mut guests = vec![("thermostat".to_owned(), THERMOSTAT.to_vec())];
    for other in others {
        guests.push((name_of(other), read(other)?));
    }
    for (name, guest) in &guests {
        let limits = Limits {
            instances: INSTANCES + 2,
            ..Limits::default()
        };
        let sandbox = Sandbox::new(limits, Some(Cache::open(cache)?))?;
        let program = Program::load(&sandbox, name, guest)?;
        let mut row = |what: &str, goal, how, times| table.times(format!("{name}: {what}"), goal, how, times);
        row(
            "load and start, warm cache",
            "100 ms",
            "engine, cached code, instance, model-id, start",
            warm_starts(cache, name, guest)?,
        );
        row(
            "instantiate and drop",
            "",
            "mean of at most 1,000, 50 times",
            instantiations(&program)?,
        );
        let (native, sandboxed) = ticks_of(&program)?;
        let beyond = sandboxed.iter().zip(&native);
        let beyond = beyond.map(|(sandboxed, native)| sandboxed.saturating_sub(*native));
        let beyond = beyond.collect();
        row(
            "tick",
            "",
            "a reading: clock, random, telemetry; mean of at most 1,000, 50 times",
            sandboxed,
        );
        row(
            "the same natively",
            "",
            "the thermostat in Rust without a sandbox or its checks; in turns with the ticks above",
            native,
        );
        row(
            "tick, beyond native",
            "1500 ns",
            "each less the native one beside it",
            beyond,
        );
        row(
            "swap gap",
            "10 ms",
            "save, start with it, first update",
            gaps(&program)?,
        );
        let (resident, peak) = memory(&program)?;
        let each = "of 50 instances that have ticked 100 times";
        table.bytes(format!("{name}: resident memory of an instance"), "", each, resident);
        table.bytes(
            format!("{name}: linear memory of an instance"),
            "",
            "its high-water mark",
            peak,
        );
    }
    Ok(())
}

fn instantiations(program: &Program) -> anyhow::Result<Vec<Duration>> {
    batches(|times| {
        let began = Instant::now();
        for _ in 0..times {
            instance(program)?;
        }
        Ok(began.elapsed())
    })
}

/// Native ticks and the guest's, in turns: the machine is not always as fast.
fn ticks_of(program: &Program) -> anyhow::Result<(Vec<Duration>, Vec<Duration>)> {
    let (mut native, mut guest) = (Native::start()?, started(program)?);
    let mut natively = Vec::new();
    let sandboxed = batches(|times| {
        let began = Instant::now();
        native.tick(BATCH);
        natively.push(began.elapsed() / BATCH);
        let began = Instant::now();
        tick(&mut guest, times)?;
        Ok(began.elapsed())
    })?;
    // The first of them was that of the batch that only told how large the others are to be.
    natively.drain(..natively.len().saturating_sub(sandboxed.len()));
    Ok((natively, sandboxed))
}

/// The mean of each of [`BATCHES`], whose size depends on how long a first one takes.
fn batches(mut batch: impl FnMut(u32) -> anyhow::Result<Duration>) -> anyhow::Result<Vec<Duration>> {
    let one = batch(10)? / 10;
    let times = BATCH_TIME.div_duration_f64(one) as u32;
    let times = times.clamp(1, BATCH);
    (0..BATCHES).map(|_| Ok(batch(times)? / times)).collect()
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
