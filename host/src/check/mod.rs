//! Whether a guest is the device that its model says: everything the model promises is tried, in virtual time.
//!
//! ```
//! use setpoint::check::check;
//! use setpoint::sandbox::{Limits, Program, Sandbox, THERMOSTAT};
//! use setpoint_dtdl::{Model, Repository};
//! use std::collections::BTreeMap;
//!
//! let program = Program::load(&Sandbox::new(Limits::default(), None)?, "thermostat", THERMOSTAT)?;
//! let models = Repository::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models"));
//! let model = Model::read(&"dtmi:com:example:Thermostat;1".parse()?, &models)?;
//! let report = check(&program, &model, &BTreeMap::new())?;
//! assert!(report.passed(), "{report}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Rule`] says one thing that is asked of a device, and [`Report`] what became of each. Every trial begins with a new
//! device, so that what one thing does to it is not held against another.
//!
//! | file | holds |
//! | --- | --- |
//! | `rule.rs` | the rules |
//! | `report.rs`, `text.rs` | what became of them; for people |
//! | `lab.rs`, `trial.rs` | a device with its hub and its time, and how it is spoken to |
//! | `instance.rs` | a guest without a session, for what a session cannot be told to do |
//! | `reported.rs` | what stands in a patch of reported properties |
//! | `life.rs` | start, failure, save and resume, a full outbox |
//! | `watch.rs` | what a device sends by itself |
//! | `properties.rs` | desired values |
//! | `commands.rs` | calls |

mod commands;
mod instance;
mod lab;
mod life;
mod properties;
mod report;
mod reported;
mod rule;
mod text;
mod trial;
mod watch;

use std::collections::BTreeMap;

use setpoint_dtdl::Model;

pub use report::{Finding, Report, RuleReport, Severity, Verdict};
pub use rule::{Group, Rule};

use crate::sandbox::Program;
use crate::testing::TestError;
use lab::Lab;

/// Tries everything that `model` says of the guest in `program`, which is given `config` by its operator.
///
/// Takes as long as the guest needs for some thousand events, and virtual hours.
///
/// # Errors
/// The test kit fails; whatever the guest does is in the report.
pub fn check(program: &Program, model: &Model, config: &BTreeMap<String, String>) -> Result<Report, TestError> {
    let mut lab = Lab::new(program, model, config);
    if life::starts(&mut lab) {
        life::check(&mut lab)?;
        watch::an_hour(&mut lab)?;
        properties::check(&mut lab)?;
        commands::check(&mut lab)?;
    }
    Ok(lab.report)
}
