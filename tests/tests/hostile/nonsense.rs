//! Guests that say what makes no sense.

use serde_json::Value;
use setpoint::sandbox::GuestError;

use super::module::{MODEL_ID, Module, OUTCOME, SAVED, STARTED};
use super::provoke::{doing, logged, start, start_failure, trap};

/// Writes 32-bit words one after another.
fn store(at: u32, words: &[u32]) -> String {
    let word = |(index, word): (u32, &u32)| format!("(i32.store (i32.const {}) (i32.const {word}))", at + 4 * index);
    (0..).zip(words).map(word).collect()
}

/// Sends this body and these properties, then logs the refusal's text.
fn send(component: &str, body: &str, properties: &str) -> String {
    format!("(call $send {component} {body} {properties} (i32.const 1200)) (call $complain)")
}

const NO_COMPONENT: &str = "(i32.const 0) (i32.const 0) (i32.const 0)";
const BODY: &str = "(i32.const 256) (i32.const 7)";
const NO_PROPERTIES: &str = "(i32.const 0) (i32.const 0)";
/// Sixteen bytes that are no UTF-8.
const RUBBISH: &str = r#"(data (i32.const 400) "\ff\fe\80\c0\ff\fe\80\c0\ff\fe\80\c0\ff\fe\80\c0")"#;

/// What the guest was told by the host when it did this.
fn told(module: &Module) -> String {
    let mut device = start(module);
    device.hub().message(b"", Vec::new());
    device.settle().unwrap();
    assert_eq!((device.failures().len(), device.telemetry()), (0, Vec::new()));
    logged(&mut device).concat()
}

/// What a caller gets of a guest whose `invoke` does this.
fn answer(module: &Module) -> (u16, Value) {
    let mut device = start(module);
    let answer = device.call("anything", b"").unwrap().unwrap();
    assert!(device.failures().is_empty());
    answer
}

#[test]
fn a_model_id_that_is_no_dtmi_is_shown_in_part() {
    // A megabyte of zeros.
    let long = doing("model-id", &store(MODEL_ID, &[65_536, 1_000_000]));
    for module in [doing("model-id", &store(MODEL_ID + 4, &[0])), long] {
        let GuestError::NoModel { model_id, .. } = start_failure(&module) else {
            panic!()
        };
        assert!(model_id.len() <= 200);
    }
}

#[test]
fn text_that_is_no_utf8_ends_the_instance() {
    let model = doing("model-id", &store(MODEL_ID, &[400, 16])).with(RUBBISH);
    let body = send(NO_COMPONENT, "(i32.const 400) (i32.const 16)", NO_PROPERTIES);
    let log = "(call $log (i32.const 2) (i32.const 400) (i32.const 16))";
    let answer = doing("invoke", &store(OUTCOME + 8, &[1, 400, 16])).with(RUBBISH);
    for (module, place) in [
        (model, "model-id"),
        (doing("receive", &body).with(RUBBISH), "receive"),
        (doing("receive", log).with(RUBBISH), "receive"),
        (answer, "invoke"),
    ] {
        let (export, reason) = trap(&module, place);
        assert!(export == place && reason.contains("utf-8"), "{place}: {reason}");
    }
}

#[test]
fn results_outside_the_memory_end_the_instance() {
    for (place, at) in [("model-id", MODEL_ID), ("invoke", OUTCOME + 12), ("save", SAVED + 4)] {
        let mut statements = store(at, &[0xffff_0000, 0x7fff_ffff]);
        // The option, where there is one, holds something.
        if place != "model-id" {
            statements += &store(at - 4, &[1]);
        }
        let (export, reason) = trap(&doing(place, &statements), place);
        assert!(export == place && reason.contains("out of bounds"), "{place}: {reason}");
    }
}

#[test]
fn results_of_no_known_kind_end_the_instance() {
    for (place, at) in [("start", STARTED), ("invoke", OUTCOME), ("save", SAVED)] {
        let (export, reason) = trap(&doing(place, &store(at, &[9])), place);
        assert!(export == place && reason.contains("discriminant"), "{place}: {reason}");
    }
}

#[test]
fn an_allocator_that_gives_what_it_has_not_ends_the_instance() {
    for realloc in [
        "(select (i32.const -16) (i32.const 8) (local.get 3))",
        "(select (i32.const 4194303) (i32.const 8) (local.get 3))",
    ] {
        let mut device = start(&Module::new().realloc(realloc));
        device.hub().message(b"text", Vec::new());
        device.settle().unwrap();
        let failures = device.failures();
        assert!(
            matches!(failures[..], [(GuestError::Trapped { export: "receive", .. }, _)]),
            "{failures:?}"
        );
    }
}

#[test]
fn an_allocator_that_calls_the_host_ends_the_instance() {
    let mut device = start(&Module::new().realloc(
        "(drop (if (result i64) (local.get 3) (then (call $random)) (else (i64.const 0)))) (i32.const 65536)",
    ));
    device.hub().message(b"text", Vec::new());
    device.settle().unwrap();
    let failures = device.failures();
    let [
        (
            GuestError::Trapped {
                export: "receive",
                reason,
                ..
            },
            _,
        ),
    ] = &failures[..]
    else {
        panic!("{failures:?}")
    };
    assert!(reason.contains("cannot leave"), "{reason}");
}

#[test]
fn an_assignment_asked_for_before_there_is_one_ends_the_instance() {
    let (export, reason) = trap(&doing("model-id", "(call $assignment (i32.const 1300))"), "model-id");
    assert!(export == "model-id" && reason.contains("before it has one"), "{reason}");
}

#[test]
fn a_status_that_is_none_becomes_500() {
    for status in [0, 99, 199, 600, 65_535] {
        let (given, payload) = answer(&doing("invoke", &store(OUTCOME + 4, &[status])));
        assert_eq!(given, 500);
        assert!(
            payload.to_string().contains(&format!("{status} is no status")),
            "{payload}"
        );
    }
}

#[test]
fn a_response_of_two_megabytes_becomes_500() {
    let (status, payload) = answer(&doing("invoke", &store(OUTCOME + 8, &[1, 65_536, 2 << 20])));
    assert_eq!(status, 500);
    assert!(
        payload.to_string().contains("2097152 bytes; the hub takes 131072"),
        "{payload}"
    );
}

#[test]
fn a_response_that_is_not_json_becomes_500() {
    // `name`, without quotes.
    let (status, payload) = answer(&doing("invoke", &store(OUTCOME + 8, &[1, 320, 4])));
    assert_eq!(status, 500);
    assert!(payload.to_string().contains("not JSON"), "{payload}");
}

#[test]
fn telemetry_that_is_no_json_object_is_refused() {
    for (body, reason) in [
        ("(i32.const 320) (i32.const 4)", "not JSON"),
        ("(i32.const 300) (i32.const 0)", "not JSON"),
        ("(i32.const 301) (i32.const 2)", "JSON object"),
    ] {
        let said = told(&doing("receive", &send(NO_COMPONENT, body, NO_PROPERTIES)));
        assert!(said.contains(reason), "{body}: {said}");
    }
}

#[test]
fn telemetry_of_300_kilobytes_is_refused_with_the_limit() {
    let send = format!(
        "(call $send {NO_COMPONENT} (i32.const 65536) (i32.const 300000) {NO_PROPERTIES} (i32.const 1200))
        (call $digit (i32.load8_u (i32.const 1204)))
        (call $digit (i32.div_u (i32.load (i32.const 1208)) (i32.const 262144)))"
    );
    // too-large, and once the limit.
    assert_eq!(told(&doing("receive", &send)), "11");
}

#[test]
fn names_the_hub_does_not_accept_are_refused() {
    // `{"n":1}` as a component and as a property.
    let component = send("(i32.const 1) (i32.const 256) (i32.const 7)", BODY, NO_PROPERTIES);
    let property =
        format!("(call $report {NO_COMPONENT} {BODY} (i32.const 1) {BODY} (i32.const 1200)) (call $complain)");
    for (statements, kind) in [(component, "component"), (property, "property")] {
        let said = told(&doing("receive", &statements));
        assert!(said.contains(&format!("no {kind} name")), "{said}");
    }
}

#[test]
fn a_name_of_megabytes_is_shown_in_part() {
    // Three million zeros, of which each would take four characters to show.
    let module = doing(
        "receive",
        &send(
            "(i32.const 1) (i32.const 65536) (i32.const 3000000)",
            BODY,
            NO_PROPERTIES,
        ),
    )
    .pages(128);
    let mut device = start(&module.does(
        "receive",
        "(call $digit (i32.gt_u (i32.load (i32.const 1212)) (i32.const 2000)))",
    ));
    device.hub().message(b"", Vec::new());
    device.settle().unwrap();
    assert_eq!(device.failures().len(), 0);
    assert_eq!(logged(&mut device).last().map(String::as_str), Some("0"));
}

#[test]
fn an_acknowledgement_with_no_status_is_refused() {
    let acknowledge = "(call $acknowledge (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 320) (i32.const 4)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 600) (i64.const 1)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1200)) (call $complain)";
    assert!(told(&doing("receive", acknowledge)).contains("600 is no status"));
}

#[test]
fn a_level_that_is_none_ends_the_instance() {
    let (_, reason) = trap(
        &doing("receive", "(call $log (i32.const 99) (i32.const 300) (i32.const 1))"),
        "receive",
    );
    assert!(reason.contains("discriminant"), "{reason}");
}

#[test]
fn a_refusal_to_start_says_nothing_to_the_terminal() {
    let text = r#"(data (i32.const 400) "\1b[2Jgone\07\r\nand more")"#;
    let GuestError::Refused { reason, .. } = start_failure(&doing("start", &store(STARTED, &[1, 400, 19])).with(text))
    else {
        panic!()
    };
    assert!(
        reason.contains("gone") && !reason.contains(char::is_control),
        "{reason:?}"
    );
}
