//! The scenarios of the temperature controller. Those of the thermostat are played in the tests of the languages.

use setpoint::scenario::Scenario;
use setpoint_tests::TEMPERATURE_CONTROLLER;

use crate::{in_virtual_time, program, repository, words};

#[test]
fn the_temperature_controller_passes_its_scenarios() {
    let program = program("temperature-controller", TEMPERATURE_CONTROLLER);
    let files = std::fs::read_dir(repository("guest/temperature-controller/scenarios")).unwrap();
    let mut played = 0;
    for file in files {
        let scenario = Scenario::open(&file.unwrap().path()).unwrap_or_else(|error| panic!("{error}"));
        let outcome = in_virtual_time(&program, &scenario);
        assert!(outcome.passed(), "{}", words(&outcome));
        played += 1;
    }
    assert_ne!(played, 0);
}
