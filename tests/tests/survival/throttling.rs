//! The hub has too much to do: slower, and nothing dropped.

use super::*;

#[test]
fn a_report_waits_as_long_as_the_hub_asks_while_telemetry_goes_on() {
    let mut device = running();
    device.hub().refuse_for(429, 20 * SECOND);
    device.hub().desire(set_step(2));
    device.advance(19 * SECOND).unwrap();
    let received = device.received();
    assert_eq!(reports(&received), [] as [Value; 0]);
    assert_eq!(counts(&received).len(), 19);
    device.advance(5 * SECOND).unwrap();
    assert_eq!(reports(&device.received())[0]["step"]["value"], json!(2));
    assert_eq!(device.hub().connections(), 1, "it is no reason to connect again");
}

#[test]
fn a_hub_that_does_not_say_how_long_is_asked_less_often_each_time() {
    let mut device = running();
    for _ in 0..5 {
        device.hub().refuse(503);
    }
    device.hub().desire(set_step(2));
    let mut taken_after = 0;
    while reports(&device.received()).is_empty() {
        device.advance(SECOND).unwrap();
        taken_after += 1;
    }
    // 2, 4, 8, 16 and 32 s, and up to half as much again.
    assert!((62..=94).contains(&taken_after), "{taken_after} s");
    assert_eq!(device.hub().connections(), 1);
}

#[test]
fn what_changes_while_the_hub_is_busy_is_merged() {
    let mut device = running();
    device.hub().refuse_for(429, 60 * SECOND);
    for step in 2..=10 {
        device.hub().desire(set_step(step));
        device.advance(SECOND).unwrap();
    }
    device.received();
    device.advance(2 * MINUTE).unwrap();
    let reports = reports(&device.received());
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(
        (&reports[0]["step"]["value"], &reports[0]["step"]["av"]),
        (&json!(10), &json!(10))
    );
}

#[test]
fn the_twin_is_asked_for_again_when_the_hub_has_time() {
    let mut device = running();
    device.hub().set_unreachable(true);
    device.hub().cut();
    device.settle().unwrap();
    device.hub().desire(set_step(7));
    device.hub().refuse_for(429, 10 * SECOND);
    device.hub().set_unreachable(false);
    device.advance(5 * SECOND).unwrap();
    assert_eq!(device.hub().reported()["step"]["value"], json!(1));
    device.advance(20 * SECOND).unwrap();
    assert_eq!(device.hub().reported()["step"]["value"], json!(7));
    assert_eq!(device.hub().connections(), 2);
}
