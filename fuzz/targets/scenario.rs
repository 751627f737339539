//! Scenario files: whatever is wrong with one is an error that names the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use setpoint::scenario::Scenario;

fuzz_target!(|text: &str| {
    if let Err(error) = Scenario::parse("s.yaml", text) {
        assert!(error.to_string().starts_with("s.yaml"), "{error}");
    }
});
