use super::*;
use setpoint_guest::{Level, SendError};

#[test]
fn it_says_what_it_is_and_measures_at_once() {
    let mut controller = Trial::<TemperatureController>::power_on(host(&[(22, 10)])).unwrap();
    let effects = controller.effects();
    let (about_itself, rest) = effects.split_at(9);
    says_what_it_is(about_itself);
    assert_eq!(
        rest,
        [
            maximum("thermostat1", 10.96),
            maximum("thermostat2", 10.96),
            every(1, EIGHT_SECONDS),
            temperature("thermostat1", 22),
            maximum("thermostat1", 22),
            temperature("thermostat2", 10),
            working_set(1),
        ]
    );
}

#[test]
fn the_serial_number_is_the_operators_or_the_devices_id() {
    let serial_number = |host: MockHost| {
        Trial::<TemperatureController>::power_on(host)
            .unwrap()
            .effects()
            .remove(0)
    };
    assert_eq!(serial_number(host(&[])), Effect::report("serialNumber", "device"));
    let configured = host(&[]).with_config("serialNumber", "A-17");
    assert_eq!(serial_number(configured), Effect::report("serialNumber", "A-17"));
}

#[test]
fn both_measure_every_eight_seconds_with_a_maximum_each() {
    let mut controller = controller(&[(22, 30), (21, 31), (49, 12)]);
    controller.advance(Duration::from_millis(7_999));
    assert_eq!(controller.effects(), []);
    controller.advance(Duration::from_millis(8_001));
    assert_eq!(
        controller.effects(),
        [
            temperature("thermostat1", 21),
            temperature("thermostat2", 31),
            maximum("thermostat2", 31),
            working_set(2),
            temperature("thermostat1", 49),
            maximum("thermostat1", 49),
            temperature("thermostat2", 12),
            working_set(3),
        ]
    );
}

#[test]
fn the_working_set_grows_no_further_than_the_window() {
    let host = host(&[(10, 10)])
        .with_config("window", "2")
        .with_config("interval", "1");
    let mut controller = Trial::<TemperatureController>::power_on(host).unwrap();
    controller.advance(Duration::from_secs(9));
    assert_eq!(controller.effects().last(), Some(&working_set(2)));
}

#[test]
fn configuration_out_of_range_refuses_to_start() {
    for (key, value) in [("interval", "0"), ("window", "none")] {
        let refusal = Trial::<TemperatureController>::power_on(host(&[]).with_config(key, value))
            .err()
            .unwrap();
        assert!(refusal.contains(key), "{refusal}");
    }
}

#[test]
fn what_a_full_outbox_refuses_is_logged_with_its_component() {
    let mut controller = controller(&[(22, 30), (40, 20), (30, 20)]);
    controller.host().set_outbox_full(true);
    controller.advance(EIGHT_SECONDS);
    let warning = |what: &str| Effect::Log {
        level: Level::Warn,
        message: format!("{what} was not sent: the outbox is full"),
    };
    assert_eq!(
        controller.effects(),
        [
            warning("thermostat1: a temperature"),
            warning("thermostat1: the maximum"),
            warning("thermostat2: a temperature"),
            warning("the working set"),
        ]
    );
    controller.host().set_outbox_full(false);
    controller.advance(EIGHT_SECONDS);
    assert_eq!(controller.effects()[1], maximum("thermostat1", 40));
}

#[test]
fn a_refused_report_of_what_it_is_takes_no_other_with_it() {
    let mut host = host(&[(10, 10)]);
    host.refuse(SendError::OutboxFull);
    let mut controller = Trial::<TemperatureController>::power_on(host).unwrap();
    let effects = controller.effects();
    assert!(
        matches!(&effects[0], Effect::Log { level: Level::Warn, message } if message.contains("serial number")),
        "{effects:?}"
    );
    assert!(matches!(&effects[1], Effect::Report { .. }), "{effects:?}");
}
