//! The device of a new project against the model that came with it.

use std::collections::BTreeMap;

use setpoint::check::{Verdict, check as check_rules};
use setpoint::sandbox::Program;
use setpoint_dtdl::{Model, Repository, Source};
use setpoint_tests::sandbox;

use crate::made::Made;

pub(crate) fn check(made: &Made) {
    let repository = Repository::new(made.models());
    let sources: [&dyn Source; 1] = [&repository];
    let model = Model::read(&"dtmi:com:example:MyDevice;1".parse().unwrap(), sources.as_slice()).unwrap();
    let program = Program::load(&sandbox(), "guest", &made.guest()).unwrap();
    let report = check_rules(&program, &model, &BTreeMap::new()).unwrap();
    assert!(report.passed(), "{report}");
    assert_eq!(report.with(Verdict::Warned), [], "{report}");
}
