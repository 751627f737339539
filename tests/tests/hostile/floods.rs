//! Guests that do what they may, too often.

use std::time::Duration;

use serde_json::{Value, json};

use super::module::Module;
use super::provoke::{doing, failure, logged, start, trap};

/// Sends until it is refused, then logs why: 0 is outbox-full.
const TELEMETRY: &str = "(loop $on (br_if $on (i32.eqz (call $say)))) (call $digit (i32.load8_u (i32.const 1204)))";

/// Reports `{"name":7}` until it is refused.
const REPORTS: &str = "(loop $on
    (call $report (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 320) (i32.const 4)
        (i32.const 1) (i32.const 307) (i32.const 1) (i32.const 1200))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (br_if $on (i32.eqz (i32.load8_u (i32.const 1200)))))
    (call $digit (i32.load8_u (i32.const 1204)))
    (call $digit (i32.div_u (global.get $count) (i32.const 500)))";

/// Acknowledges `name` until it is refused.
const ACKNOWLEDGEMENTS: &str = "(loop $on
    (call $acknowledge (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 320) (i32.const 4)
        (i32.const 1) (i32.const 307) (i32.const 1) (i32.const 200) (i64.const 1)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1200))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (br_if $on (i32.eqz (i32.load8_u (i32.const 1200)))))
    (call $digit (i32.load8_u (i32.const 1204)))
    (call $digit (i32.div_u (global.get $count) (i32.const 500)))";

/// So often.
fn times(count: u32, statements: &str) -> String {
    format!(
        "(global.set $count (i32.const {count}))
        (loop $on {statements}
            (global.set $count (i32.sub (global.get $count) (i32.const 1)))
            (br_if $on (global.get $count)))"
    )
}

fn every(milliseconds: u32) -> String {
    format!("(drop (call $every (i64.const {milliseconds})))")
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn telemetry_has_a_burst_and_then_a_rate() {
    let mut device = start(
        &Module::new()
            .does("start", &every(1_000))
            .does("timer-fired", TELEMETRY)
            .wakes(3_600_000),
    );
    device.advance(s(1)).unwrap();
    assert_eq!(
        (device.telemetry().len(), logged(&mut device)),
        (1_000, vec!["0".to_owned()])
    );
    device.advance(s(9)).unwrap();
    assert_eq!(device.telemetry().len(), 900);
    assert!(device.failures().is_empty());
}

#[test]
fn a_hub_that_takes_nothing_does_not_fill_the_host() {
    let mut device = start(
        &Module::new()
            .does("start", &every(1_000))
            .does("timer-fired", TELEMETRY),
    );
    device.hub().set_silent(true);
    device.advance(s(30)).unwrap();
    assert_eq!(device.status().unwrap().queued, 1_000);
}

#[test]
fn reports_have_a_burst() {
    let mut device = start(&doing("timer-fired", REPORTS));
    device.advance(s(2)).unwrap();
    // 1000 were taken, the next was told that the outbox is full.
    assert_eq!(logged(&mut device), ["0", "2"]);
    assert_eq!(device.hub().reported()["name"], json!(7));
    assert_eq!(device.received().len(), 1_000);
}

#[test]
fn acknowledgements_have_a_burst() {
    let mut device = start(&doing("timer-fired", ACKNOWLEDGEMENTS));
    device.advance(s(2)).unwrap();
    assert_eq!(logged(&mut device), ["0", "2"]);
    assert_eq!(device.hub().reported()["name"]["ac"], json!(200));
}

#[test]
fn log_lines_over_the_rate_are_dropped_and_counted() {
    let module = Module::new().does("start", &every(1_000)).wakes(3_600_000);
    let mut device = start(&module.does("timer-fired", &times(5_000, "(call $digit (i32.const 7))")));
    device.advance(s(1)).unwrap();
    assert_eq!(logged(&mut device).len(), 1_000);
    assert_eq!(device.status().unwrap().log_lines_dropped, 4_000);
    device.advance(s(1)).unwrap();
    assert_eq!(logged(&mut device).len(), 100);
    assert_eq!(device.status().unwrap().log_lines_dropped, 8_900);
}

#[test]
fn a_log_line_has_a_length() {
    let mut device = start(&doing(
        "receive",
        "(call $log (i32.const 2) (i32.const 65536) (i32.const 1000000))",
    ));
    device.hub().message(b"", Vec::new());
    device.settle().unwrap();
    let lines = logged(&mut device);
    assert_eq!((lines.len(), lines[0].len()), (1, 1024));
}

#[test]
fn timers_have_a_number_also_when_they_are_cancelled() {
    for statements in [
        "(drop (call $after (i64.const 3600000)))",
        "(drop (call $every (i64.const 0)))",
        "(call $cancel (call $after (i64.const 0)))",
    ] {
        let (_, reason) = trap(&doing("receive", &times(2_000, statements)), "receive");
        assert!(reason.contains("more timers"), "{statements}: {reason}");
    }
}

#[test]
fn a_timer_that_is_set_anew_for_now_fires_at_its_rate_and_commands_get_through() {
    let again = "(drop (call $after (i64.const 0))) (global.set $count (i32.add (global.get $count) (i32.const 1)))";
    let thousands = "(call $digit (i32.div_u (global.get $count) (i32.const 1000)))";
    let module = doing("timer-fired", again).does("invoke", thousands).wakes(0);
    let mut device = start(&module);
    assert_eq!(device.call("anything", b"").unwrap(), Some((200, Value::Null)));
    device.advance(s(5)).unwrap();
    assert_eq!(device.call("anything", b"").unwrap(), Some((200, Value::Null)));
    // A burst of 1000, then 1000 a second.
    let counts = logged(&mut device);
    assert!(["5", "6"].contains(&counts[1].as_str()), "{counts:?}");
}

#[test]
fn a_thousand_timers_of_a_millisecond_fire_at_the_same_rate() {
    let count = "(global.set $count (i32.add (global.get $count) (i32.const 1)))";
    let thousands = "(call $digit (i32.div_u (global.get $count) (i32.const 1000)))";
    let module = Module::new()
        .does("start", &times(1_000, &every(0)))
        .does("timer-fired", count)
        .does("invoke", thousands);
    let mut device = start(&module);
    device.advance(s(5)).unwrap();
    assert_eq!(device.call("anything", b"").unwrap(), Some((200, Value::Null)));
    let counts = logged(&mut device);
    assert!(["5", "6"].contains(&counts[0].as_str()), "{counts:?}");
}

#[test]
fn failing_brings_no_new_burst() {
    // What a call sends that fails is not sent, but it has been paid for.
    let module = doing("timer-fired", &format!("{TELEMETRY} (unreachable)")).does("start", TELEMETRY);
    let mut device = start(&module);
    assert_eq!(device.telemetry().len(), 1_000);
    device.advance(s(1)).unwrap();
    assert_eq!(device.failures().len(), 1);
    device.advance(s(1)).unwrap();
    // Started again after a second: what flowed in meanwhile, and no more.
    assert_eq!(device.telemetry().len(), 100);
}

#[test]
fn answers_nobody_waits_for_come_to_nothing() {
    let respond = "(drop (call $respond (i32.const 320) (i32.const 4) (i32.const 200) (i32.const 0) (i32.const 0) (i32.const 0)))";
    let mut device = start(&doing("receive", &times(1_000, respond)));
    device.hub().message(b"", Vec::new());
    device.settle().unwrap();
    assert_eq!(device.received(), []);
    assert!(device.failures().is_empty());
}

#[test]
fn commands_that_are_never_answered_have_a_number() {
    let mut device = start(&Module::new().does("invoke", "(i32.store8 (i32.const 1080) (i32.const 1))"));
    let answers: Vec<_> = (0..1_010).map(|_| device.call("anything", b"").unwrap()).collect();
    let refused: Vec<_> = answers.iter().flatten().map(|(status, _)| *status).collect();
    assert_eq!(refused, [503; 10]);
}

#[test]
fn a_list_that_names_the_same_megabyte_a_hundred_thousand_times_is_refused() {
    // Of 1.6 MB it would make 100 GB in the host.
    let list = "(local $at i32) (local.set $at (i32.const 1200000))
        (loop $on
            (i32.store (local.get $at) (i32.const 65536))
            (i32.store offset=4 (local.get $at) (i32.const 1000000))
            (i32.store offset=8 (local.get $at) (i32.const 65536))
            (i32.store offset=12 (local.get $at) (i32.const 1000000))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (br_if $on (i32.lt_u (local.get $at) (i32.const 2800000))))
        (call $send (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 256) (i32.const 7)
            (i32.const 1200000) (i32.const 100000) (i32.const 1200))";
    let alias = Module::new()
        .with(&format!("(func $alias {list})"))
        .does("receive", "(call $alias)");
    let error = failure(&alias, "receive").to_string();
    assert!(error.contains("fuel"), "{error}");
}
