use super::*;
use crate::{
    Acknowledgement, Command, Device, Host, Json, Level, Member, Message, Outcome, RequestId, Response, SendError,
    StartReason, Telemetry, Timer,
};
use serde_json::json;
use std::time::Duration;

/// Does whatever the test's commands say.
struct Puppet {
    waiting: Option<RequestId>,
    ticks: Vec<(Timer, Duration)>,
}

impl Device for Puppet {
    const MODEL_ID: &'static str = "dtmi:com:example:Puppet;1";

    fn start(_: &mut impl Host, _: StartReason, state: Option<Vec<u8>>) -> Result<Self, String> {
        if state.is_some_and(|state| state.is_empty()) {
            return Err("state is empty".to_owned());
        }
        Ok(Puppet {
            waiting: None,
            ticks: Vec::new(),
        })
    }

    fn invoke(&mut self, host: &mut impl Host, command: Command) -> Outcome {
        match command.target.parts() {
            (None, "defer") => {
                self.waiting = Some(command.id);
                return Outcome::Deferred;
            }
            (None, "after") => {
                host.after(Duration::from_millis(command.decode().unwrap()));
            }
            (None, "every") => {
                host.every(Duration::from_millis(command.decode().unwrap()));
            }
            (None, "cancel") => host.cancel(Timer(command.decode().unwrap())),
            _ => return command.unknown().into(),
        }
        Response::ok(()).into()
    }

    fn receive(&mut self, host: &mut impl Host, message: Message) {
        host.log(
            Level::Info,
            format_args!("{} bytes, {} properties", message.body.len(), message.properties.len()),
        );
        if let Some(request) = &self.waiting {
            let heard = host.respond(request, Response::ok("late"));
            host.log(Level::Info, if heard { "heard" } else { "nobody waits" });
        }
    }

    fn timer_fired(&mut self, host: &mut impl Host, timer: Timer) {
        self.ticks.push((timer, host.monotonic()));
    }

    fn save(&self) -> Option<Vec<u8>> {
        Some(vec![1])
    }
}

fn puppet() -> Trial<Puppet> {
    Trial::power_on(MockHost::new()).unwrap()
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[test]
fn timers_fire_when_due_in_order_and_without_drift() {
    let mut puppet = puppet();
    puppet.invoke("every", 300);
    puppet.invoke("after", 600);
    puppet.advance(ms(650));
    puppet.advance(ms(250));
    let ticks = &puppet.device().ticks;
    assert_eq!(
        ticks,
        &[
            (Timer(1), ms(300)),
            (Timer(1), ms(600)),
            (Timer(2), ms(600)),
            (Timer(1), ms(900))
        ]
    );
    assert_eq!(puppet.host().timers_set(), 1);
}

#[test]
fn a_cancelled_timer_does_not_fire() {
    let mut puppet = puppet();
    puppet.invoke("every", 10);
    puppet.invoke("cancel", 1);
    puppet.invoke("cancel", 99);
    puppet.advance(ms(100));
    assert_eq!(puppet.device().ticks, []);
    let effects = puppet.effects();
    assert_eq!(
        effects,
        [
            Effect::Every {
                timer: Timer(1),
                period: ms(10)
            },
            Effect::Cancel(Timer(1)),
            Effect::Cancel(Timer(99))
        ]
    );
}

#[test]
fn the_clock_moves_with_the_timers() {
    let mut host = MockHost::new();
    assert_eq!(host.now().to_rfc3339(), "2026-01-01T00:00:00+00:00");
    host.set_elapsed(ms(1500));
    assert_eq!(host.now().to_rfc3339(), "2026-01-01T00:00:01.500+00:00");
    assert_eq!(host.monotonic(), ms(1500));
}

#[test]
fn a_new_instance_has_no_timers_of_the_last_one() {
    let mut puppet = puppet();
    puppet.invoke("every", 10);
    puppet.advance(ms(25));
    let before = puppet.host().now();
    let mut puppet = puppet.restart(StartReason::Replaced).unwrap();
    assert_eq!(puppet.host().now(), before);
    assert_eq!(puppet.host().monotonic(), Duration::ZERO);
    puppet.advance(ms(100));
    assert_eq!(puppet.device().ticks, []);
}

#[test]
fn a_start_that_fails_gives_its_reason() {
    let refused = Trial::<Puppet>::start(MockHost::new(), StartReason::Resumed, Some(Vec::new()));
    assert_eq!(refused.err().as_deref(), Some("state is empty"));
}

#[test]
fn a_deferred_command_is_answered_once() {
    let mut puppet = puppet();
    assert_eq!(puppet.invoke("defer", ()), Outcome::Deferred);
    puppet.receive("go", &[("a", "b")]);
    puppet.receive("", &[]);
    let log = |message: &str| Effect::Log {
        level: Level::Info,
        message: message.to_owned(),
    };
    assert_eq!(
        puppet.effects(),
        [
            log("2 bytes, 1 properties"),
            Effect::Response {
                request: RequestId("1".to_owned()),
                response: Response::ok("late")
            },
            log("heard"),
            log("0 bytes, 0 properties"),
            log("nobody waits"),
        ]
    );
}

#[test]
fn an_unknown_command_and_an_unknown_property_get_404_by_default() {
    let mut puppet = puppet();
    let Outcome::Done(response) = puppet.invoke(Member::of("arm", "wave"), ()) else {
        panic!("deferred")
    };
    assert_eq!(response.status, 404);
    assert_eq!(
        response.payload,
        Some(json!({"message": "this device has no command arm.wave"}).into())
    );

    puppet.update(7, &json!({"colour": "red", "arm": {"__t": "c", "angle": null}}));
    let unknown = |property: Member, value: Option<Json>| {
        let description = Some(format!("this device has no writable property {property}"));
        Effect::Acknowledgement(Acknowledgement {
            property,
            value,
            status: 404,
            version: 7,
            description,
        })
    };
    assert_eq!(
        puppet.effects(),
        [
            unknown(Member::of("arm", "angle"), None),
            unknown("colour".into(), Some("red".into()))
        ]
    );
}

#[test]
fn what_is_refused_is_not_recorded() {
    let mut host = MockHost::new();
    host.set_outbox_full(true);
    assert_eq!(host.send(json!({})), Err(SendError::OutboxFull));
    host.set_outbox_full(false);
    host.refuse(SendError::TooLarge(10));
    assert_eq!(host.report("p", 1), Err(SendError::TooLarge(10)));
    assert_eq!(host.report("p", 1), Ok(()));
    assert_eq!(host.effects, [Effect::report("p", 1)]);
}

#[test]
fn the_cloud_limits_hold_here_too() {
    let mut host = MockHost::new();
    assert!(matches!(host.send(Telemetry::new(22)), Err(SendError::Invalid(_))));
    let large = json!({ "text": "x".repeat(256 * 1024) });
    assert_eq!(host.send(large), Err(SendError::TooLarge(256 * 1024)));
    let wide = Telemetry::new(json!({})).with_property("text", "x".repeat(256 * 1024));
    assert_eq!(host.send(wide), Err(SendError::TooLarge(256 * 1024)));
    let mut acknowledgement = Acknowledgement::default_value("p", 1);
    acknowledgement.status = 600;
    assert!(matches!(host.acknowledge(acknowledgement), Err(SendError::Invalid(_))));
    assert_eq!(host.effects, []);
}
