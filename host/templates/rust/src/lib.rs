//! A device that counts: model `{{model}}`, in models/.
//!
//! | | |
//! | --- | --- |
//! | telemetry | `count`, every five seconds |
//! | `step` | writable: what is added each time, 1 by default |
//! | `reset` | counts from 0 again and answers with the count it ended |
//!
//! Another instance goes on where the last one stopped.

use serde::{Deserialize, Serialize};
use setpoint_guest::{
    Acknowledgement, Command, Desired, Device, Host, Level, Outcome, Response, SendError, StartReason, Timer, json,
};
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(5);
const DEFAULT_STEP: i32 = 1;
/// Where counting stops, either way: the cloud may read numbers as doubles, which tell integers apart up to here.
const FURTHEST: i64 = (1 << 53) - 1;

/// The device.
pub struct Counter {
    state: State,
    first_update_done: bool,
}

/// What one instance hands to the next.
#[derive(Serialize, Deserialize)]
struct State {
    count: i64,
    step: i32,
}

impl Device for Counter {
    const MODEL_ID: &'static str = "{{model}}";

    fn start(host: &mut impl Host, _: StartReason, saved: Option<Vec<u8>>) -> Result<Self, String> {
        let state = saved.and_then(|saved| restore(host, &saved)).unwrap_or(State {
            count: 0,
            step: DEFAULT_STEP,
        });
        host.every(INTERVAL);
        Ok(Counter {
            state,
            first_update_done: false,
        })
    }

    fn update(&mut self, host: &mut impl Host, desired: Vec<Desired>) {
        // The first update holds all there are: without a step among them the default is in force.
        let is_first = !std::mem::replace(&mut self.first_update_done, true);
        if is_first && !desired.iter().any(is_step) {
            self.state.step = DEFAULT_STEP;
            let default = Acknowledgement::default_value("step", DEFAULT_STEP);
            logged(host, "an acknowledgement", |host| host.acknowledge(default));
        }
        for desired in desired {
            let answer = match is_step(&desired) {
                true => self.step_desired(&desired),
                false => desired.unknown(),
            };
            logged(host, "an acknowledgement", |host| host.acknowledge(answer));
        }
    }

    fn invoke(&mut self, _: &mut impl Host, command: Command) -> Outcome {
        match command.target.parts() {
            (None, "reset") => Response::ok(std::mem::take(&mut self.state.count)).into(),
            _ => command.unknown().into(),
        }
    }

    fn timer_fired(&mut self, host: &mut impl Host, _: Timer) {
        let count = self.state.count + i64::from(self.state.step);
        self.state.count = count.clamp(-FURTHEST, FURTHEST);
        let body = json!({ "count": self.state.count });
        logged(host, "a count", |host| host.send(body));
    }

    fn save(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(&self.state).ok()
    }
}

impl Counter {
    fn step_desired(&mut self, desired: &Desired) -> Acknowledgement {
        let Some(value) = &desired.value else {
            // The cloud has removed it.
            self.state.step = DEFAULT_STEP;
            return Acknowledgement::of(desired, 203, Some(DEFAULT_STEP.into()));
        };
        let Ok(step) = value.decode() else {
            return Acknowledgement::of(desired, 400, Some(self.state.step.into()))
                .described(format!("step is an integer from {} to {}", i32::MIN, i32::MAX));
        };
        self.state.step = step;
        Acknowledgement::of(desired, 200, Some(step.into()))
    }
}

fn is_step(desired: &Desired) -> bool {
    desired.property.parts() == (None, "step")
}

/// None for what cannot be used, which another version may have saved.
fn restore(host: &mut impl Host, saved: &[u8]) -> Option<State> {
    let state = serde_json::from_slice(saved).ok();
    let state = state.filter(|state: &State| (-FURTHEST..=FURTHEST).contains(&state.count));
    if state.is_none() {
        host.log(Level::Warn, "the saved state cannot be read and is ignored");
    }
    state
}

/// What the host refuses to queue goes to the log.
fn logged<H: Host>(host: &mut H, what: &str, queue: impl FnOnce(&mut H) -> Result<(), SendError>) {
    if let Err(error) = queue(host) {
        host.log(Level::Warn, format_args!("{what} was not sent: {error}"));
    }
}

setpoint_guest::export!(Counter);
