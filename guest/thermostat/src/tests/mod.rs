//! The whole device in the mock host.

mod model;
mod report;
mod running;
mod takeover;
mod target;

use crate::Thermostat;
use setpoint_guest::Timer;
use setpoint_guest::mock::{Effect, MockHost, Trial};
use std::time::Duration;

const EIGHT_SECONDS: Duration = Duration::from_secs(8);

/// What to draw so that the sensor reads `temperatures`.
fn draws(temperatures: &[u64]) -> Vec<u64> {
    temperatures.iter().map(|temperature| temperature - 10).collect()
}

/// A thermostat that will read `temperatures`, after its start and with an empty twin, whose effects are not looked at.
fn thermostat(temperatures: &[u64]) -> Trial<Thermostat> {
    let mut thermostat = Trial::power_on(MockHost::new().with_random(draws(temperatures))).unwrap();
    thermostat.update(1, &serde_json::json!({}));
    thermostat.effects();
    thermostat
}

fn temperature(degrees: u64) -> Effect {
    Effect::telemetry(serde_json::json!({ "temperature": degrees }))
}

fn every(number: u32, period: Duration) -> Effect {
    Effect::Every {
        timer: Timer(number),
        period,
    }
}
