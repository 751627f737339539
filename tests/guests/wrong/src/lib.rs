//! A tank with a pump, model `dtmi:com:example:Wrong;1` in tests/models: right in all things but the one that the config
//! value `wrong` names. Without it, it is right in all.

mod properties;

use properties::Properties;
use setpoint_guest::{
    Command, Desired, Device, Host, Message, Outcome, Response, SendError, StartReason, Telemetry, Timer, json,
};
use std::time::Duration;

/// The device.
pub struct Wrong {
    wrong: String,
    properties: Properties,
    first_update_done: bool,
}

impl Device for Wrong {
    const MODEL_ID: &'static str = "dtmi:com:example:Wrong;1";

    fn start(host: &mut impl Host, reason: StartReason, state: Option<Vec<u8>>) -> Result<Self, String> {
        let wrong = host.config("wrong").unwrap_or_default();
        match (wrong.as_str(), reason) {
            ("start", _) => return Err("does not start".to_owned()),
            ("restart", StartReason::Failure) => return Err("starts but once".to_owned()),
            ("resume", StartReason::Replaced) => return Err("replaces nobody".to_owned()),
            _ => {}
        }
        let serial = if wrong == "report-type" { json!(5) } else { json!("A-5") };
        if wrong != "report-never" {
            queue(&wrong, host.report("serial", serial));
        }
        if wrong == "report-name" {
            queue(&wrong, host.report("cereal", "A-5"));
        }
        host.every(Duration::from_secs(60));
        let properties = match state {
            Some(_) if wrong == "state" => Properties::default(),
            Some(state) => match (wrong.as_str(), Properties::from_bytes(&state)) {
                ("garbage", None) => std::process::abort(),
                ("garbage-refused", None) => return Err("takes no other state than its own".to_owned()),
                (_, properties) => properties.unwrap_or_default(),
            },
            None => Properties::default(),
        };
        Ok(Wrong {
            wrong,
            properties,
            first_update_done: false,
        })
    }

    fn update(&mut self, host: &mut impl Host, desired: Vec<Desired>) {
        let is_first = !std::mem::replace(&mut self.first_update_done, true);
        if is_first && self.wrong == "start-values" {
            return;
        }
        for desired in desired {
            if let Some(answer) = self.properties.answer(&self.wrong, desired) {
                queue(&self.wrong, host.acknowledge(answer));
            }
        }
    }

    fn invoke(&mut self, _: &mut impl Host, command: Command) -> Outcome {
        match command.target.parts() {
            (None, "measure") => self.measure(&command),
            (Some("pump"), "stop") => Response::ok(()).into(),
            _ if self.wrong == "command-unknown" => Response::ok(()).into(),
            _ => command.unknown().into(),
        }
    }

    fn receive(&mut self, _: &mut impl Host, message: Message) {
        if self.wrong == "trap" && message.body.is_empty() {
            std::process::abort();
        }
    }

    fn timer_fired(&mut self, host: &mut impl Host, _: Timer) {
        let level = match self.wrong.as_str() {
            "telemetry-type" => json!({ "level": "1.5" }),
            "telemetry-name" => json!({ "level": 1.5, "levle": 1.5 }),
            _ => json!({ "level": 1.5 }),
        };
        queue(&self.wrong, host.send(level));
        if self.wrong == "telemetry-never" {
            return;
        }
        let speed = Telemetry::from(json!({ "speed": 3 }));
        let astray = self.wrong == "telemetry-component";
        let speed = if astray { speed } else { speed.from_component("pump") };
        queue(&self.wrong, host.send(speed));
    }

    fn save(&self) -> Option<Vec<u8>> {
        if self.wrong == "stateless" {
            return None;
        }
        self.properties.to_bytes()
    }
}

impl Wrong {
    fn measure(&self, command: &Command) -> Outcome {
        let done = Response::ok(match self.wrong.as_str() {
            "response" => json!({ "level": "high", "unit": "m" }),
            "response-part" => json!({ "level": 1.5 }),
            _ => json!({ "level": 1.5, "unit": "m" }),
        });
        match (self.wrong.as_str(), command.decode::<Option<i32>>()) {
            ("command-silent", _) => return Outcome::Deferred,
            ("command-busy", Ok(_)) => Response::error(409, "measures already"),
            ("command-refuses", Ok(_)) => Response::error(400, "takes no number"),
            ("command-fails", Ok(None)) => Response::error(500, "is beside itself"),
            ("command-takes", Err(_)) | (_, Ok(_)) => done,
            (_, Err(_)) => Response::error(400, "takes a number of measurements, or nothing"),
        }
        .into()
    }
}

/// What cannot be sent is left out, but for a device that does not expect it.
fn queue(wrong: &str, queued: Result<(), SendError>) {
    if queued.is_err() && wrong == "outbox" {
        std::process::abort();
    }
}

setpoint_guest::export!(Wrong);
