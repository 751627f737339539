use super::*;
use setpoint_guest::{Host, Level, RequestId, StartReason};

fn answered(request: &str) -> Effect {
    Effect::Response {
        request: RequestId(request.to_owned()),
        response: Response::ok(()),
    }
}

#[test]
fn it_is_answered_when_the_delay_is_over_and_everything_begins_anew() {
    let mut controller = controller(&[(22, 49), (40, 12), (11, 30), (12, 31)]);
    controller.advance(EIGHT_SECONDS);
    controller.effects();
    assert_eq!(controller.invoke("reboot", 5), Outcome::Deferred);
    controller.advance(Duration::from_millis(4_999));
    let after = Effect::After {
        timer: Timer(2),
        delay: Duration::from_secs(5),
    };
    assert_eq!(controller.effects(), [after]);

    controller.advance(Duration::from_millis(1));
    let effects = controller.effects();
    assert_eq!(effects[0], answered("1"));
    says_what_it_is(&effects[1..10]);
    assert_eq!(
        effects[10..],
        [
            maximum("thermostat1", 10.96),
            maximum("thermostat2", 10.96),
            Effect::Cancel(Timer(1)),
            every(3, EIGHT_SECONDS),
            temperature("thermostat1", 11),
            maximum("thermostat1", 11),
            temperature("thermostat2", 30),
            maximum("thermostat2", 30),
            working_set(1),
        ]
    );
    let report = call(
        &mut controller,
        Member::of("thermostat1", "getMaxMinReport"),
        json!(null),
    );
    let report: Value = report.payload.unwrap().decode().unwrap();
    assert_eq!(
        (&report["maxTemp"], &report["startTime"]),
        (&json!(11), &json!("2026-01-01T00:00:13Z"))
    );
    controller.advance(EIGHT_SECONDS);
    assert_eq!(controller.effects()[0], temperature("thermostat1", 12));
}

#[test]
fn without_a_delay_it_reboots_at_once_and_is_still_answered_late() {
    for payload in [json!(null), json!(0)] {
        let mut controller = controller(&[]);
        assert_eq!(controller.invoke("reboot", payload.clone()), Outcome::Deferred);
        controller.advance(Duration::ZERO);
        assert!(controller.effects().contains(&answered("1")), "{payload}");
    }
}

#[test]
fn the_target_stays_and_is_not_acknowledged_again() {
    let mut controller = controller(&[]);
    controller.update(2, &json!({"thermostat1": {"__t": "c", "targetTemperature": 30}}));
    controller.invoke("reboot", 1);
    controller.effects();
    controller.advance(Duration::from_secs(1));
    let effects = controller.effects();
    let acknowledges = |effect: &Effect| matches!(effect, Effect::Acknowledgement(_));
    assert!(!effects.iter().any(acknowledges), "{effects:?}");
    controller.update(3, &json!({"thermostat1": {"__t": "c", "targetTemperature": "warm"}}));
    let effects = controller.effects();
    let [Effect::Acknowledgement(refused)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(refused.value, Some(30.into()));
}

#[test]
fn anything_but_a_delay_gets_400_and_reboots_nothing() {
    let mut controller = controller(&[]);
    for payload in [
        json!(-1),
        json!(301),
        json!(70_000),
        json!(1.5),
        json!("5"),
        json!({"delay": 5}),
        json!([5]),
    ] {
        let response = call(&mut controller, "reboot".into(), payload.clone());
        assert_eq!(response.status, 400, "for {payload}");
    }
    assert_eq!(controller.host().timers_set(), 1);
}

#[test]
fn one_reboot_can_be_pending() {
    let mut controller = controller(&[]);
    assert_eq!(controller.invoke("reboot", 300), Outcome::Deferred);
    assert_eq!(call(&mut controller, "reboot".into(), json!(1)).status, 409);
    controller.advance(Duration::from_secs(300));
    assert!(controller.effects().contains(&answered("1")));
    assert_eq!(controller.invoke("reboot", 1), Outcome::Deferred);
}

#[test]
fn a_caller_that_has_gone_does_not_keep_it_from_rebooting() {
    let mut before = controller(&[]);
    before.invoke("reboot", 2);
    // On another host nobody waits.
    let host = host(&[(33, 33)]).at(before.host().now());
    let mut controller = Trial::<TemperatureController>::start(host, StartReason::Replaced, before.save()).unwrap();
    controller.effects();
    controller.advance(Duration::from_secs(2));
    let effects = controller.effects();
    assert!(
        matches!(&effects[0], Effect::Log { level: Level::Info, message } if message.contains("nobody waits")),
        "{effects:?}"
    );
    assert!(effects.contains(&temperature("thermostat1", 33)), "{effects:?}");
}
