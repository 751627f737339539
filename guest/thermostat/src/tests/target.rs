use super::*;
use serde_json::json;
use setpoint_guest::{Acknowledgement, Desired, Json, Member};

/// A thermostat after its start, before the first update.
fn before_first_update() -> Trial<Thermostat> {
    let mut thermostat = Trial::<Thermostat>::power_on(MockHost::new()).unwrap();
    thermostat.effects();
    thermostat
}

/// Status, version and value of each acknowledgement since last asked; every one has to have a description.
fn answers(thermostat: &mut Trial<Thermostat>) -> Vec<(String, u16, u64, Option<Json>)> {
    let effects = thermostat.effects();
    let answers = effects.into_iter().map(|effect| match effect {
        Effect::Acknowledgement(Acknowledgement {
            property,
            value,
            status,
            version,
            description: Some(_),
        }) => (property.to_string(), status, version, value),
        other => panic!("{other:?}"),
    });
    answers.collect()
}

fn target(status: u16, version: u64, value: impl Into<Json>) -> (String, u16, u64, Option<Json>) {
    ("targetTemperature".to_owned(), status, version, Some(value.into()))
}

#[test]
fn a_number_is_taken_as_the_sample_takes_it() {
    let mut thermostat = thermostat(&[22]);
    thermostat.update(2, &json!({"targetTemperature": 42.5}));
    assert_eq!(
        thermostat.effects(),
        [Effect::Acknowledgement(Acknowledgement {
            property: "targetTemperature".into(),
            value: Some(42.5.into()),
            status: 200,
            version: 2,
            description: Some("Successfully executed patch".to_owned()),
        })]
    );
}

#[test]
fn a_target_already_in_the_twin_at_start_is_taken() {
    let mut thermostat = before_first_update();
    thermostat.update(7, &json!({"targetTemperature": 19}));
    assert_eq!(answers(&mut thermostat), [target(200, 7, 19)]);
}

#[test]
fn without_one_at_start_the_default_is_acknowledged_once() {
    let mut thermostat = before_first_update();
    thermostat.update(1, &json!({}));
    thermostat.update(2, &json!({}));
    assert_eq!(answers(&mut thermostat), [target(203, 0, 20)]);
}

#[test]
fn the_default_is_acknowledged_beside_what_is_unknown() {
    let mut thermostat = before_first_update();
    thermostat.update(3, &json!({"colour": "red"}));
    let unknown = ("colour".to_owned(), 404, 3, Some("red".into()));
    assert_eq!(answers(&mut thermostat), [target(203, 0, 20), unknown]);
}

#[test]
fn a_wrong_type_is_refused_with_the_value_in_force() {
    let mut thermostat = thermostat(&[22]);
    thermostat.update(2, &json!({"targetTemperature": 42.5}));
    thermostat.effects();
    for wrong in [
        json!("warm"),
        json!("42"),
        json!(true),
        json!([1]),
        json!({"value": 1}),
        json!({}),
    ] {
        thermostat.update(3, &json!({ "targetTemperature": wrong }));
        assert_eq!(answers(&mut thermostat), [target(400, 3, 42.5)], "for {wrong}");
    }
}

#[test]
fn a_number_beyond_f64_is_refused() {
    let mut thermostat = thermostat(&[22]);
    let value = Some(Json::parse("1e999").unwrap());
    thermostat.update_with(vec![Desired {
        property: "targetTemperature".into(),
        value,
        version: 4,
    }]);
    assert_eq!(answers(&mut thermostat), [target(400, 4, 20)]);
}

#[test]
fn a_removed_target_brings_the_default_back() {
    let mut thermostat = thermostat(&[22]);
    thermostat.update(2, &json!({"targetTemperature": 30}));
    thermostat.update(3, &json!({"targetTemperature": null}));
    thermostat.update(4, &json!({"targetTemperature": "warm"}));
    assert_eq!(
        answers(&mut thermostat),
        [target(200, 2, 30), target(203, 3, 20), target(400, 4, 20)]
    );
}

#[test]
fn unknown_names_and_those_of_components_get_404_with_what_was_sent() {
    let mut thermostat = thermostat(&[22]);
    thermostat.update(5, &json!({"colour": null, "size": {"w": [1, null]}}));
    let property = Member::of("thermostat1", "targetTemperature");
    thermostat.update_with(vec![Desired {
        property,
        value: Some(21.into()),
        version: 6,
    }]);
    assert_eq!(
        answers(&mut thermostat),
        [
            ("colour".to_owned(), 404, 5, None),
            ("size".to_owned(), 404, 5, Some(json!({"w": [1, null]}).into())),
            ("thermostat1.targetTemperature".to_owned(), 404, 6, Some(21.into())),
        ]
    );
}
