use super::*;
use setpoint_guest::{Acknowledgement, Json};

/// Property, status, version and value of each acknowledgement since last asked.
fn answers(controller: &mut Trial<TemperatureController>) -> Vec<(String, u16, u64, Option<Json>)> {
    let effects = controller.effects();
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

fn answer(property: &str, status: u16, version: u64, value: impl Into<Json>) -> (String, u16, u64, Option<Json>) {
    (property.to_owned(), status, version, Some(value.into()))
}

#[test]
fn each_thermostat_has_a_target_of_its_own() {
    let mut controller = Trial::<TemperatureController>::power_on(host(&[])).unwrap();
    controller.effects();
    controller.update(3, &json!({"thermostat2": {"__t": "c", "targetTemperature": 42.5}}));
    assert_eq!(
        answers(&mut controller),
        [
            answer("thermostat1.targetTemperature", 203, 0, 20),
            answer("thermostat2.targetTemperature", 200, 3, 42.5),
        ]
    );
    controller.update(
        4,
        &json!({
            "thermostat1": {"__t": "c", "targetTemperature": "warm"},
            "thermostat2": {"__t": "c", "targetTemperature": "cold"},
        }),
    );
    assert_eq!(
        answers(&mut controller),
        [
            answer("thermostat1.targetTemperature", 400, 4, 20),
            answer("thermostat2.targetTemperature", 400, 4, 42.5),
        ]
    );
}

#[test]
fn what_no_component_takes_gets_404() {
    let mut controller = controller(&[]);
    controller.update(
        5,
        &json!({
            "serialNumber": "B-1",
            "targetTemperature": 21,
            "thermostat1": {"__t": "c", "colour": "red"},
            "thermostat3": {"__t": "c", "targetTemperature": 21},
            "deviceInformation": {"__t": "c", "model": "other"},
        }),
    );
    let mut answers = answers(&mut controller);
    answers.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(
        answers,
        [
            answer("deviceInformation.model", 404, 5, "other"),
            answer("serialNumber", 404, 5, "B-1"),
            answer("targetTemperature", 404, 5, 21),
            answer("thermostat1.colour", 404, 5, "red"),
            answer("thermostat3.targetTemperature", 404, 5, 21),
        ]
    );
}

#[test]
fn each_thermostat_reports_on_its_own_readings() {
    let mut controller = controller(&[(20, 11), (40, 13)]);
    controller.advance(Duration::from_secs(10));
    let mut report = |component: &str| {
        let response = call(&mut controller, Member::of(component, "getMaxMinReport"), json!(null));
        assert_eq!(response.status, 200);
        let report: Value = response.payload.unwrap().decode().unwrap();
        (
            report["minTemp"].clone(),
            report["avgTemp"].clone(),
            report["maxTemp"].clone(),
        )
    };
    assert_eq!(report("thermostat1"), (json!(20), json!(30.0), json!(40)));
    assert_eq!(report("thermostat2"), (json!(11), json!(12.0), json!(13)));
}

#[test]
fn commands_of_another_component_get_404() {
    let mut controller = controller(&[]);
    for target in [
        Member::from("getMaxMinReport"),
        Member::of("thermostat1", "reboot"),
        Member::of("thermostat3", "getMaxMinReport"),
        Member::of("deviceInformation", "getMaxMinReport"),
        Member::from("selfDestruct"),
    ] {
        assert_eq!(
            call(&mut controller, target.clone(), json!(null)).status,
            404,
            "{target}"
        );
    }
}
