//! Scenarios with real guests: those in the documentation, those of the guests themselves, and what a stage does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

mod documentation;
mod shipped;
mod stage;

use std::collections::BTreeMap;
use std::path::PathBuf;

use setpoint::sandbox::Program;
use setpoint::scenario::{Outcome, Scenario, VirtualStage, play, report};
use setpoint_tests::sandbox;

/// A guest, to be played with.
fn program(name: &str, guest: &[u8]) -> Program {
    Program::load(&sandbox(), name, guest).unwrap()
}

fn in_virtual_time(program: &Program, scenario: &Scenario) -> Outcome {
    play(scenario, |scenario| {
        Ok(Box::new(VirtualStage::set(program, scenario, &BTreeMap::new())?))
    })
}

/// As people read it, without colours.
fn words(outcome: &Outcome) -> String {
    let mut text = Vec::new();
    report::one(outcome, &mut text).unwrap();
    anstream::adapter::strip_str(std::str::from_utf8(&text).unwrap()).to_string()
}

/// A file or folder of this repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
