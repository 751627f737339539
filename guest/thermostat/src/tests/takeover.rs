use super::*;
use serde_json::{Value, json};
use setpoint_guest::{Host, Level, Outcome, StartReason};

/// 22, 31 and 10 were read; the next reading is due in 3 seconds.
fn running() -> Trial<Thermostat> {
    let mut thermostat = thermostat(&[22, 31, 10, 25, 26]);
    thermostat.update(2, &json!({"targetTemperature": 42.5}));
    thermostat.advance(Duration::from_secs(21));
    thermostat.effects();
    thermostat
}

fn lowest_and_start(thermostat: &mut Trial<Thermostat>) -> (Value, Value) {
    let Outcome::Done(response) = thermostat.invoke("getMaxMinReport", ()) else {
        panic!("deferred")
    };
    let report: Value = response.payload.unwrap().decode().unwrap();
    (report["minTemp"].clone(), report["startTime"].clone())
}

#[test]
fn the_next_instance_keeps_maximum_readings_and_rhythm() {
    for reason in [StartReason::Replaced, StartReason::Resumed] {
        let mut thermostat = running().restart(reason).unwrap();
        thermostat.advance(Duration::from_millis(2_999));
        let effects = thermostat.effects();
        let [report, Effect::After { delay, .. }] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        assert_eq!(report, &Effect::report("maxTempSinceLastReboot", 31));
        assert_eq!(*delay, Duration::from_secs(3));
        thermostat.advance(Duration::from_millis(1));
        thermostat.advance(EIGHT_SECONDS);
        let effects = thermostat.effects();
        assert!(
            matches!(
                effects.as_slice(),
                [
                    Effect::Every {
                        period: EIGHT_SECONDS,
                        ..
                    },
                    _,
                    _
                ]
            ),
            "{effects:?}"
        );
        assert_eq!(effects[1..], [temperature(25), temperature(26)]);
        assert_eq!(
            lowest_and_start(&mut thermostat),
            (json!(10), json!("2026-01-01T00:00:00Z"))
        );
    }
}

#[test]
fn the_next_instance_keeps_the_target_until_told_otherwise() {
    let mut thermostat = running().restart(StartReason::Replaced).unwrap();
    thermostat.effects();
    thermostat.update(3, &json!({"targetTemperature": "warm"}));
    let effects = thermostat.effects();
    let [Effect::Acknowledgement(refused)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(refused.value, Some(42.5.into()));
}

#[test]
fn an_instance_that_comes_late_measures_at_once() {
    let mut thermostat = running();
    let state = thermostat.save();
    let host = MockHost::new()
        .at(thermostat.host().now() + EIGHT_SECONDS)
        .with_random(draws(&[12]));
    let mut thermostat = Trial::<Thermostat>::start(host, StartReason::Resumed, state).unwrap();
    assert_eq!(
        thermostat.effects(),
        [
            Effect::report("maxTempSinceLastReboot", 31),
            every(1, EIGHT_SECONDS),
            temperature(12)
        ]
    );
}

#[test]
fn after_power_on_or_a_failure_the_maximum_begins_anew() {
    for reason in [StartReason::PowerOn, StartReason::Failure] {
        let mut thermostat = running().restart(reason).unwrap();
        let effects = thermostat.effects();
        assert_eq!(effects[0], Effect::report("maxTempSinceLastReboot", 10.96));
        assert_eq!(
            lowest_and_start(&mut thermostat),
            (json!(25), json!("2026-01-01T00:00:21Z"))
        );
    }
}

#[test]
fn a_smaller_window_keeps_the_latest_readings() {
    let state = running().save();
    let host = MockHost::new().with_config("window", "2").with_random(draws(&[30]));
    let mut thermostat = Trial::<Thermostat>::start(host, StartReason::Replaced, state).unwrap();
    assert_eq!(
        lowest_and_start(&mut thermostat),
        (json!(10), json!("2026-01-01T00:00:16Z"))
    );
}

#[test]
fn state_that_cannot_be_read_is_logged_and_ignored() {
    let wrong = [
        "".to_owned(),
        "{}".to_owned(),
        r#"{"version":2,"maximum":1,"target":1,"times":[],"temperatures":[]}"#.to_owned(),
        r#"{"version":1,"maximum":1,"target":1,"times":[1],"temperatures":[]}"#.to_owned(),
        r#"{"version":1,"maximum":1,"target":1,"times":[1],"temperatures":[300]}"#.to_owned(),
        r#"{"version":1,"maximum":1e999,"target":1,"times":[],"temperatures":[]}"#.to_owned(),
    ];
    for state in wrong {
        let state_bytes = Some(state.clone().into_bytes());
        let mut thermostat = Trial::<Thermostat>::start(MockHost::new(), StartReason::Replaced, state_bytes).unwrap();
        let effects = thermostat.effects();
        assert!(
            matches!(&effects[0], Effect::Log { level: Level::Warn, .. }),
            "{state:?}: {effects:?}"
        );
        assert_eq!(effects[1], Effect::report("maxTempSinceLastReboot", 10.96), "{state:?}");
    }
}

#[test]
fn times_out_of_all_bounds_do_no_harm() {
    for time in [i64::MIN, i64::MAX] {
        let state = format!(r#"{{"version":1,"maximum":31,"target":1,"times":[{time},1],"temperatures":[20,30]}}"#);
        let state = Some(state.into_bytes());
        let mut thermostat = Trial::<Thermostat>::start(MockHost::new(), StartReason::Replaced, state).unwrap();
        assert!(thermostat.effects().contains(&every(1, EIGHT_SECONDS)));
    }
}

#[test]
fn a_thermostat_can_always_be_put_aside() {
    assert!(running().save().is_some());
}
