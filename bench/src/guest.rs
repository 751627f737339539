//! Loading and starting the thermostat.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use setpoint::clock::SystemClock;
use setpoint::effect::StartReason;
use setpoint::sandbox::{Cache, Guest, Limits, Program, Quota, Sandbox, SharedRandom, Surroundings, THERMOSTAT, Tap};

use crate::figures::Table;

pub(crate) fn measure(cache: &Path, table: &mut Table) -> anyhow::Result<()> {
    let sandbox = || anyhow::Ok(Sandbox::new(Limits::default(), Some(Cache::open(cache)?))?);
    let cold = Instant::now();
    Program::load(&sandbox()?, "thermostat", THERMOSTAT)?;
    table.times(
        "load, nothing cached",
        "",
        "engine, check, wrap, compile, keep",
        vec![cold.elapsed()],
    );

    let mut warm = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        let program = Program::load(&sandbox()?, "thermostat", THERMOSTAT)?;
        let mut guest = instance(&program)?;
        guest.model_id()?;
        start(&mut guest)?;
        warm.push(began.elapsed());
    }
    table.times(
        "load and start, warm cache",
        "30 ms",
        "engine, cached code, instance, model-id, start",
        warm,
    );

    Ok(())
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
