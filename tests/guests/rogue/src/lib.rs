//! Does what a device must not: what, the config value `does` says, and where, `in`: `start` or `event` (one second later).
//!
//! What the host answered goes out as telemetry, so that a test sees it. Every command it answers late: after the seconds in
//! its payload.
//!
//! It also does what a device may: `promise` sends a number every 10 ms, from the config value `from` on, and logs each that the
//! host has accepted; `stream` sends as much as the host takes, every 5 ms.

use serde::Serialize;
use setpoint_guest::{
    Command, Device, Host, Json, Level, Outcome, RequestId, Response, SendError, StartReason, Telemetry, Timer, json,
};
use std::time::Duration;

/// The device.
pub struct Rogue {
    does: String,
    /// The next number to send.
    next: u64,
    /// Commands to be answered when their timer fires.
    late: Vec<(Timer, RequestId)>,
}

/// What it sends.
#[derive(Serialize)]
struct Number {
    n: u64,
}

impl Device for Rogue {
    const MODEL_ID: &'static str = "dtmi:com:example:Rogue;1";

    fn start(host: &mut impl Host, reason: StartReason, _: Option<Vec<u8>>) -> Result<Self, String> {
        let does = host.config("does").unwrap_or_default();
        let refuses = match does.as_str() {
            "refuse" => true,
            "refuse-replaced" => reason == StartReason::Replaced,
            "refuse-resumed" => reason == StartReason::Resumed,
            _ => false,
        };
        if refuses {
            return Err("does not want to\nand says so on two lines".to_owned());
        }
        if host.config("in").as_deref() == Some("start") {
            misbehave(host, &does);
        } else {
            match does.as_str() {
                "promise" => host.every(Duration::from_millis(10)),
                "stream" => host.every(Duration::from_millis(5)),
                _ => host.after(Duration::from_secs(1)),
            };
        }
        let next = host
            .config("from")
            .and_then(|from| from.parse().ok())
            .unwrap_or_default();
        Ok(Rogue {
            does,
            next,
            late: Vec::new(),
        })
    }

    fn invoke(&mut self, host: &mut impl Host, command: Command) -> Outcome {
        let seconds = command.decode().unwrap_or_default();
        self.late.push((host.after(Duration::from_secs(seconds)), command.id));
        Outcome::Deferred
    }

    fn save(&self) -> Option<Vec<u8>> {
        (self.does == "refuse-resumed").then(|| b"state".to_vec())
    }

    fn timer_fired(&mut self, host: &mut impl Host, timer: Timer) {
        match self.late.iter().position(|(late, _)| *late == timer) {
            Some(index) => {
                let (_, request) = self.late.remove(index);
                let waited_for = host.respond(&request, Response::ok("late"));
                host.send(json!({ "waitedFor": waited_for })).ok();
            }
            None if self.does == "promise" => {
                if host.send(json!({ "n": self.next })).is_ok() {
                    host.log(Level::Info, format_args!("promised {}", self.next));
                    self.next += 1;
                }
            }
            None if self.does == "stream" => {
                while let Ok(number) = Json::of(&Number { n: self.next })
                    && host.send(Telemetry::new(number)).is_ok()
                {
                    self.next += 1;
                }
            }
            None => misbehave(host, &self.does),
        }
    }
}

fn misbehave(host: &mut impl Host, does: &str) {
    match does {
        "loop" => loop {
            std::hint::black_box(());
        },
        "trap" => std::process::abort(),
        "memory" => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(vec![1_u8; 1 << 20]);
                std::hint::black_box(&hoard);
            }
        }
        "stack" => {
            std::hint::black_box(dig(1));
        }
        "timers" => loop {
            host.after(Duration::from_secs(3600));
        },
        "flood" => {
            let mut taken = 0;
            let refusal = loop {
                match host.send(json!({ "n": taken })) {
                    Ok(()) => taken += 1,
                    Err(error) => break error,
                }
            };
            // There is no room for telemetry that says so; the log has some.
            host.log(Level::Info, format_args!("{taken} taken, then {refusal}"));
        }
        "refuse-replaced" | "refuse-resumed" => {
            host.send(json!({ "woke": true })).ok();
        }
        "large" => answer(host, |host| host.send(json!({ "text": "x".repeat(300_000) }))),
        "properties" => answer(host, |host| {
            // Short enough as it is, too long once it is encoded in a topic.
            host.send(Telemetry::from(json!({ "n": 1 })).with_property("path", "/".repeat(30_000)))
        }),
        "name" => answer(host, |host| host.report("no.such name", 1)),
        "property" => answer(host, |host| host.report("large", Json::from("x".repeat(40_000)))),
        "array" => answer(host, |host| host.send(Telemetry::from(json!([1, 2])))),
        _ => {}
    }
}

/// Deeper than any stack: it ends only in theory.
fn dig(depth: u64) -> u64 {
    if depth == u64::MAX {
        return 0;
    }
    let here = std::hint::black_box([depth; 64]);
    here.iter()
        .sum::<u64>()
        .wrapping_add(dig(std::hint::black_box(depth + 1)))
}

fn answer<H: Host>(host: &mut H, ask: impl FnOnce(&mut H) -> Result<(), SendError>) {
    let told = match ask(host) {
        Ok(()) => "taken".to_owned(),
        Err(error) => error.to_string(),
    };
    host.send(json!({ "told": told })).ok();
}

setpoint_guest::export!(Rogue);
