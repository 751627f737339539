use super::*;
use serde_json::json;
use setpoint_guest::{Level, Member, Outcome, SendError};

#[test]
fn it_reports_its_maximum_and_measures_at_once() {
    let mut thermostat = Trial::<Thermostat>::power_on(MockHost::new().with_random(draws(&[22]))).unwrap();
    assert_eq!(
        thermostat.effects(),
        [
            Effect::report("maxTempSinceLastReboot", 10.96),
            every(1, EIGHT_SECONDS),
            temperature(22),
            Effect::report("maxTempSinceLastReboot", 22),
        ]
    );
}

#[test]
fn a_first_reading_below_the_maximum_leaves_it_alone() {
    let mut thermostat = Trial::<Thermostat>::power_on(MockHost::new().with_random(draws(&[10]))).unwrap();
    assert_eq!(thermostat.effects().len(), 3);
}

#[test]
fn it_measures_every_eight_seconds_and_reports_a_maximum_only_when_it_rises() {
    let mut thermostat = thermostat(&[22, 22, 31, 10, 49, 48]);
    thermostat.advance(Duration::from_millis(7_999));
    assert_eq!(thermostat.effects(), []);
    thermostat.advance(Duration::from_millis(1));
    assert_eq!(thermostat.effects(), [temperature(22)]);
    thermostat.advance(EIGHT_SECONDS * 4);
    assert_eq!(
        thermostat.effects(),
        [
            temperature(31),
            Effect::report("maxTempSinceLastReboot", 31),
            temperature(10),
            temperature(49),
            Effect::report("maxTempSinceLastReboot", 49),
            temperature(48),
        ]
    );
}

#[test]
fn temperatures_lie_between_10_and_49_and_reach_both() {
    let mut thermostat = thermostat(&[]);
    thermostat.advance(EIGHT_SECONDS * 4_000);
    let mut seen = [0_u32; 64];
    for effect in thermostat.effects() {
        if let Effect::Telemetry(telemetry) = effect {
            let body: serde_json::Map<String, serde_json::Value> = telemetry.body.decode().unwrap();
            let degrees = body["temperature"].as_u64().expect("an integer");
            seen[usize::try_from(degrees).unwrap()] += 1;
        }
    }
    // 4,000 draws of 40: 100 each, give or take five standard deviations.
    for (degrees, times) in seen.iter().enumerate() {
        let expected = if (10..=49).contains(&degrees) { 50..150 } else { 0..1 };
        assert!(expected.contains(times), "{degrees} was read {times} times");
    }
}

#[test]
fn the_interval_comes_from_configuration() {
    let host = MockHost::new()
        .with_config("interval", "0.5")
        .with_random(draws(&[10, 11]));
    let mut thermostat = Trial::<Thermostat>::power_on(host).unwrap();
    assert_eq!(thermostat.effects()[1], every(1, Duration::from_millis(500)));
    thermostat.advance(Duration::from_millis(500));
    assert_eq!(thermostat.effects()[0], temperature(11));
}

#[test]
fn configuration_out_of_range_refuses_to_start() {
    for (key, value) in [("interval", "0"), ("window", "none")] {
        let refusal = Trial::<Thermostat>::power_on(MockHost::new().with_config(key, value))
            .err()
            .unwrap();
        assert!(refusal.contains(key), "{refusal}");
    }
}

#[test]
fn a_full_outbox_is_logged_and_the_maximum_reported_once_there_is_room() {
    let mut thermostat = thermostat(&[22, 40, 30]);
    thermostat.host().set_outbox_full(true);
    thermostat.advance(EIGHT_SECONDS);
    let warning = |what: &str| Effect::Log {
        level: Level::Warn,
        message: format!("{what} was not sent: the outbox is full"),
    };
    assert_eq!(thermostat.effects(), [warning("a temperature"), warning("the maximum")]);
    thermostat.host().set_outbox_full(false);
    thermostat.advance(EIGHT_SECONDS);
    assert_eq!(
        thermostat.effects(),
        [temperature(30), Effect::report("maxTempSinceLastReboot", 40)]
    );
}

#[test]
fn a_refused_acknowledgement_is_logged() {
    let mut thermostat = thermostat(&[22]);
    thermostat.host().refuse(SendError::OutboxFull);
    thermostat.update(2, &json!({"targetTemperature": 21}));
    let effects = thermostat.effects();
    assert!(
        matches!(effects.as_slice(), [Effect::Log { level: Level::Warn, .. }]),
        "{effects:?}"
    );
}

#[test]
fn unknown_commands_and_those_of_components_get_404() {
    let mut thermostat = thermostat(&[22]);
    for target in [
        Member::from("reboot"),
        Member::of("thermostat1", "getMaxMinReport"),
        Member::from(""),
    ] {
        let Outcome::Done(response) = thermostat.invoke(target, ()) else {
            panic!("deferred")
        };
        assert_eq!(response.status, 404);
    }
}
