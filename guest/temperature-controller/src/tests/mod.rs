//! The whole device in the mock host.

mod components;
mod model;
mod reboot;
mod running;
mod takeover;

use crate::TemperatureController;
use serde_json::{Value, json};
use setpoint_guest::mock::{Effect, MockHost, Trial};
use setpoint_guest::{Member, Outcome, Response, Telemetry, Timer};
use std::time::Duration;

const EIGHT_SECONDS: Duration = Duration::from_secs(8);

/// A host in which the first thermostat reads the left numbers and the second the right ones.
fn host(temperatures: &[(u64, u64)]) -> MockHost {
    MockHost::new().with_random(
        temperatures
            .iter()
            .flat_map(|(first, second)| [first - 10, second - 10]),
    )
}

/// A controller that will read `temperatures`, after its start and with an empty twin, whose effects are not looked at.
fn controller(temperatures: &[(u64, u64)]) -> Trial<TemperatureController> {
    let mut controller = Trial::power_on(host(temperatures)).unwrap();
    controller.update(1, &json!({}));
    controller.effects();
    controller
}

fn call(controller: &mut Trial<TemperatureController>, target: Member, payload: Value) -> Response {
    match controller.invoke(target, payload) {
        Outcome::Done(response) => response,
        Outcome::Deferred => panic!("deferred"),
    }
}

fn temperature(component: &str, degrees: u64) -> Effect {
    Effect::Telemetry(Telemetry::new(json!({ "temperature": degrees })).from_component(component))
}

fn maximum(component: &str, degrees: impl Into<setpoint_guest::Json>) -> Effect {
    Effect::report(Member::of(component, "maxTempSinceLastReboot"), degrees)
}

/// What so many readings of both thermostats take, at nine bytes each.
fn working_set(readings: u32) -> Effect {
    Effect::telemetry(json!({ "workingSet": f64::from(readings * 2 * 9) / 1024.0 }))
}

fn every(number: u32, period: Duration) -> Effect {
    Effect::Every {
        timer: Timer(number),
        period,
    }
}

/// The nine reports of what the device is, in their order.
fn says_what_it_is(effects: &[Effect]) {
    let expected = [
        "serialNumber",
        "deviceInformation.manufacturer",
        "deviceInformation.model",
        "deviceInformation.swVersion",
        "deviceInformation.osName",
        "deviceInformation.processorArchitecture",
        "deviceInformation.processorManufacturer",
        "deviceInformation.totalStorage",
        "deviceInformation.totalMemory",
    ];
    let reported = effects.iter().map(|effect| match effect {
        Effect::Report {
            property,
            value: Some(_),
        } => property.to_string(),
        other => panic!("{other:?}"),
    });
    assert_eq!(reported.collect::<Vec<_>>(), expected);
}
