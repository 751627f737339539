//! Loading and starting the thermostat.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use setpoint::clock::SystemClock;
use setpoint::effect::StartReason;
use setpoint::sandbox::{Cache, Guest, Limits, Program, Quota, Sandbox, SharedRandom, Surroundings, THERMOSTAT, Tap};

use crate::figures::Table;

pub(crate) fn measure(cache: &Path, table: &mut Table) -> anyhow::Result<()> {
    let cold = Instant::now();
    Program::load(&sandbox(cache)?, "thermostat", THERMOSTAT)?;
    table.times(
        "load, nothing cached",
        "",
        "engine, check, wrap, compile, keep",
        vec![cold.elapsed()],
    );

    let warm = warm_starts(cache, "thermostat", THERMOSTAT)?;
    table.times(
        "load and start, warm cache",
        "30 ms",
        "engine, cached code, instance, model-id, start",
        warm,
    );

    Ok(())
}

/// From nothing to a device that has started, each time anew, with its code compiled before.
pub(crate) fn warm_starts(cache: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<Vec<Duration>> {
    Program::load(&sandbox(cache)?, name, bytes)?;
    let warm = || {
        let began = Instant::now();
        let program = Program::load(&sandbox(cache)?, name, bytes)?;
        let mut guest = instance(&program)?;
        guest.model_id()?;
        start(&mut guest)?;
        Ok(began.elapsed())
    };
    (0..20).map(|_| warm()).collect()
}

fn sandbox(cache: &Path) -> anyhow::Result<Sandbox> {
    Ok(Sandbox::new(Limits::default(), Some(Cache::open(cache)?))?)
}

/// An instance on the system's clock, with a sequence for randomness.
pub(crate) fn instance(program: &Program) -> anyhow::Result<Guest> {
    let mut state = 0_u64;
    let surroundings = Surroundings {
        clock: Arc::new(SystemClock::new()),
        random: SharedRandom::new(move || {
            state = state.wrapping_add(7);
            state
        }),
        config: Arc::new(BTreeMap::new()),
        assignment: None,
        tap: Tap::default(),
    };
    Ok(Guest::new(program, surroundings)?)
}

/// Starts it, as the first of its kind.
pub(crate) fn start(guest: &mut Guest) -> anyhow::Result<()> {
    guest.grant(Quota::UNLIMITED);
    guest.start(StartReason::PowerOn, None)?;
    guest.take_effects();
    Ok(())
}
