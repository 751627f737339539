use super::*;
use setpoint_guest::{Host, Level, RequestId, StartReason};

/// Two readings each; the next is due in 3 seconds, and a reboot in 10.
fn running() -> Trial<TemperatureController> {
    let mut controller = controller(&[(22, 31), (15, 16), (17, 18), (40, 41)]);
    controller.update(2, &json!({"thermostat2": {"__t": "c", "targetTemperature": 42.5}}));
    controller.advance(Duration::from_secs(13));
    controller.invoke("reboot", 10);
    controller.effects();
    controller
}

fn after(number: u32, seconds: u64) -> Effect {
    Effect::After {
        timer: Timer(number),
        delay: Duration::from_secs(seconds),
    }
}

#[test]
fn the_next_instance_keeps_maxima_rhythm_and_the_pending_reboot() {
    for reason in [StartReason::Replaced, StartReason::Resumed] {
        let mut controller = running().restart(reason).unwrap();
        let effects = controller.effects();
        says_what_it_is(&effects[..9]);
        let [first, second, rhythm, reboot] = &effects[9..] else {
            panic!("{effects:?}")
        };
        assert_eq!(
            (first, second),
            (&maximum("thermostat1", 22), &maximum("thermostat2", 31))
        );
        let Effect::After {
            timer: Timer(number), ..
        } = rhythm
        else {
            panic!("{effects:?}")
        };
        assert_eq!((rhythm, reboot), (&after(*number, 3), &after(number + 1, 10)));

        controller.advance(Duration::from_secs(3));
        let effects = controller.effects();
        assert_eq!(
            effects[1..],
            [
                temperature("thermostat1", 17),
                temperature("thermostat2", 18),
                working_set(3)
            ]
        );
        controller.advance(Duration::from_secs(7));
        let effects = controller.effects();
        assert_eq!(
            effects[0],
            Effect::Response {
                request: RequestId("1".to_owned()),
                response: Response::ok(())
            }
        );
        assert!(effects.contains(&maximum("thermostat2", 41)), "{effects:?}");
    }
}

#[test]
fn the_next_instance_keeps_each_target() {
    let mut controller = running().restart(StartReason::Replaced).unwrap();
    controller.effects();
    controller.update(
        3,
        &json!({
            "thermostat1": {"__t": "c", "targetTemperature": []},
            "thermostat2": {"__t": "c", "targetTemperature": []},
        }),
    );
    let in_force = controller.effects().into_iter().map(|effect| match effect {
        Effect::Acknowledgement(answer) => answer.value,
        other => panic!("{other:?}"),
    });
    assert_eq!(in_force.collect::<Vec<_>>(), [Some(20.into()), Some(42.5.into())]);
}

#[test]
fn a_reboot_that_fell_due_meanwhile_happens_at_once() {
    let mut before = running();
    let host = host(&[(33, 34)]).at(before.host().now() + Duration::from_secs(60));
    let mut controller = Trial::<TemperatureController>::start(host, StartReason::Resumed, before.save()).unwrap();
    controller.effects();
    controller.advance(Duration::ZERO);
    assert!(controller.effects().contains(&maximum("thermostat1", 10.96)));
}

#[test]
fn after_power_on_or_a_failure_everything_begins_anew() {
    for reason in [StartReason::PowerOn, StartReason::Failure] {
        let mut controller = running().restart(reason).unwrap();
        let effects = controller.effects();
        assert_eq!(
            effects[9..11],
            [maximum("thermostat1", 10.96), maximum("thermostat2", 10.96)]
        );
        assert_eq!(controller.host().timers_set(), 1);
    }
}

#[test]
fn state_that_cannot_be_read_is_logged_and_ignored() {
    let thermostat = |version: u32, times: &str| {
        format!(r#"{{"version":{version},"maximum":1,"target":1,"times":{times},"temperatures":[]}}"#)
    };
    let state = |version: u32, first: &str, second: &str| {
        format!(r#"{{"version":{version},"thermostats":[{first},{second}],"reboot":null}}"#)
    };
    let good = thermostat(1, "[]");
    let starts_with_a_warning = |state: String| {
        let bytes = Some(state.into_bytes());
        let mut controller =
            Trial::<TemperatureController>::start(MockHost::new(), StartReason::Replaced, bytes).unwrap();
        matches!(&controller.effects()[0], Effect::Log { level: Level::Warn, .. })
    };
    assert!(!starts_with_a_warning(state(1, &good, &good)));
    for wrong in [
        String::new(),
        "{}".to_owned(),
        good.clone(),
        state(2, &good, &good),
        state(1, &good, &thermostat(2, "[]")),
        state(1, &thermostat(1, "[1]"), &good),
    ] {
        assert!(starts_with_a_warning(wrong.clone()), "{wrong}");
    }
}
