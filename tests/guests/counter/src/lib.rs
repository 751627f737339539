//! Counts up: model `dtmi:com:example:Counter;1`, in tests/models.
//!
//! Telemetry `count` every second; writable property `step`, an integer, 1 by default; command `reset`, which counts
//! from 0 again and answers with the count it ended. Another instance goes on where the last one stopped.

use setpoint_guest::{
    Acknowledgement, Command, Desired, Device, Host, Json, Level, Outcome, Response, SendError, StartReason, Timer,
    json,
};
use std::time::Duration;

const DEFAULT_STEP: i64 = 1;

/// The device.
pub struct Counter {
    count: i64,
    step: i64,
    first_update_done: bool,
}

impl Device for Counter {
    const MODEL_ID: &'static str = "dtmi:com:example:Counter;1";

    fn start(host: &mut impl Host, _: StartReason, state: Option<Vec<u8>>) -> Result<Self, String> {
        let count = state
            .and_then(|state| state.try_into().ok())
            .map_or(0, i64::from_le_bytes);
        host.every(Duration::from_secs(1));
        Ok(Counter {
            count,
            step: DEFAULT_STEP,
            first_update_done: false,
        })
    }

    fn update(&mut self, host: &mut impl Host, desired: Vec<Desired>) {
        let mut default_in_force = !std::mem::replace(&mut self.first_update_done, true);
        for desired in desired {
            let answer = match desired.property.parts() {
                (None, "step") => {
                    default_in_force = false;
                    self.set_step(&desired)
                }
                _ => desired.unknown(),
            };
            log_refusal(host, "acknowledgement", |host| host.acknowledge(answer));
        }
        if default_in_force {
            let default = Acknowledgement::default_value("step", DEFAULT_STEP);
            log_refusal(host, "acknowledgement", |host| host.acknowledge(default));
        }
    }

    fn invoke(&mut self, _: &mut impl Host, command: Command) -> Outcome {
        if command.target.parts() != (None, "reset") {
            return command.unknown().into();
        }
        Response::ok(std::mem::take(&mut self.count)).into()
    }

    fn timer_fired(&mut self, host: &mut impl Host, _: Timer) {
        self.count = self.count.wrapping_add(self.step);
        let count = self.count;
        log_refusal(host, "count", |host| host.send(json!({ "count": count })));
    }

    fn save(&self) -> Option<Vec<u8>> {
        Some(self.count.to_le_bytes().to_vec())
    }
}

impl Counter {
    fn set_step(&mut self, desired: &Desired) -> Acknowledgement {
        let status = match desired.value.as_ref().map(Json::decode::<i64>) {
            Some(Ok(step)) => {
                self.step = step;
                200
            }
            Some(Err(error)) => {
                return Acknowledgement::of(desired, 400, Some(self.step.into()))
                    .described(format!("step is an integer: {error}"));
            }
            None => {
                self.step = DEFAULT_STEP;
                203
            }
        };
        Acknowledgement::of(desired, status, Some(self.step.into()))
    }
}

fn log_refusal<H: Host>(host: &mut H, what: &str, queue: impl FnOnce(&mut H) -> Result<(), SendError>) {
    if let Err(error) = queue(host) {
        host.log(Level::Warn, format_args!("{what} not sent: {error}"));
    }
}

setpoint_guest::export!(Counter);

#[cfg(test)]
mod tests {
    use super::*;
    use setpoint_guest::mock::{Effect, MockHost, Trial};

    fn counter() -> Trial<Counter> {
        let mut counter = Trial::power_on(MockHost::new()).unwrap();
        counter.effects();
        counter
    }

    #[test]
    fn counts_every_second_by_its_step() {
        let mut counter = counter();
        counter.update(0, &json!({}));
        counter.advance(Duration::from_secs(2));
        counter.update(2, &json!({"step": -3}));
        counter.advance(Duration::from_secs(1));
        assert_eq!(
            counter.effects(),
            [
                Effect::Acknowledgement(Acknowledgement::default_value("step", 1)),
                Effect::telemetry(json!({"count": 1})),
                Effect::telemetry(json!({"count": 2})),
                Effect::Acknowledgement(Acknowledgement {
                    property: "step".into(),
                    value: Some((-3).into()),
                    status: 200,
                    version: 2,
                    description: None,
                }),
                Effect::telemetry(json!({"count": -1})),
            ]
        );
    }

    #[test]
    fn a_step_that_is_no_integer_changes_nothing() {
        let mut counter = counter();
        counter.update(5, &json!({"step": "two"}));
        counter.advance(Duration::from_secs(1));
        let effects = counter.effects();
        let [Effect::Acknowledgement(refused), count] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        assert_eq!(
            (refused.status, refused.version, &refused.value),
            (400, 5, &Some(1.into()))
        );
        assert_eq!(count, &Effect::telemetry(json!({"count": 1})));
    }

    #[test]
    fn reset_answers_with_the_count_it_ended() {
        let mut counter = counter();
        counter.advance(Duration::from_secs(3));
        assert_eq!(counter.invoke("reset", ()), Response::ok(3).into());
        assert_eq!(counter.invoke("reset", ()), Response::ok(0).into());
    }

    #[test]
    fn the_next_instance_goes_on_counting() {
        let mut counter = counter();
        counter.advance(Duration::from_secs(3));
        let mut counter = counter.restart(StartReason::Resumed).unwrap();
        counter.effects();
        counter.advance(Duration::from_secs(1));
        assert_eq!(counter.effects(), [Effect::telemetry(json!({"count": 4}))]);
    }
}
