//! The twin, seen through a network that loses parts of it.

use super::*;

#[test]
fn changes_made_while_the_device_was_away_are_applied_and_nothing_else_is() {
    let mut device = running();
    device.hub().desire(document(json!({ "step": 2, "other": 1 })));
    device.settle().unwrap();
    device.received();
    device.hub().set_unreachable(true);
    device.hub().cut();
    device.settle().unwrap();
    device.hub().desire(set_step(3));
    device.hub().set_unreachable(false);
    device.advance(5 * SECOND).unwrap();
    let reports = reports(&device.received());
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0]["step"]["value"], json!(3));
    assert!(reports[0].get("other").is_none(), "it had not changed");
}

#[test]
fn a_twin_that_has_not_changed_is_not_told_again_after_a_reconnect() {
    let mut device = running();
    device.hub().desire(set_step(2));
    device.settle().unwrap();
    device.received();
    device.hub().cut();
    device.advance(5 * SECOND).unwrap();
    assert_eq!(reports(&device.received()), [] as [Value; 0]);
}

#[test]
fn a_gap_in_the_versions_has_the_twin_read_again() {
    let mut device = running();
    device.hub().desire_unseen(&set_step(2));
    device.hub().desire(document(json!({ "other": 1 })));
    device.settle().unwrap();
    let acknowledged = device.hub().reported();
    assert_eq!(
        (&acknowledged["step"]["value"], &acknowledged["step"]["av"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(acknowledged["other"]["ac"], json!(404));
}

#[test]
fn an_old_patch_never_overwrites_a_newer_one() {
    let mut device = running();
    device.hub().desire(set_step(2));
    device.hub().desire(set_step(3));
    device.settle().unwrap();
    device.hub().patch_again(set_step(2), 2);
    device.hub().patch_again(set_step(2), 3);
    device.settle().unwrap();
    assert_eq!(device.hub().reported()["step"]["value"], json!(3));
    device.received();
    device.advance(2 * SECOND).unwrap();
    let sent = counts(&device.received());
    assert_eq!(sent[1] - sent[0], 3);
}

#[test]
fn a_patch_that_is_refused_is_taken_apart_so_that_the_good_properties_get_through() {
    for status in [400, 413] {
        let mut device = running();
        device.hub().refuse(status);
        device
            .hub()
            .desire(document(json!({ "step": 2, "other": 1, "third": 2 })));
        device.advance(5 * SECOND).unwrap();
        let reports = reports(&device.received());
        assert_eq!(reports.len(), 3, "{reports:?}");
        assert_eq!(device.hub().reported()["step"]["value"], json!(2));
        assert_eq!(device.hub().connections(), 1);
    }
}

#[test]
fn a_property_that_is_refused_by_itself_is_given_up_and_said() {
    let mut device = running();
    device.hub().refuse(413);
    device.hub().desire(set_step(2));
    device.advance(5 * SECOND).unwrap();
    assert_eq!(reports(&device.received()), [] as [Value; 0]);
    device.hub().desire(set_step(3));
    device.advance(5 * SECOND).unwrap();
    assert_eq!(
        device.hub().reported()["step"]["value"],
        json!(3),
        "it holds nothing up"
    );
}
