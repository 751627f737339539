//! Records of devices whose guest fails, or is swapped for another.

use std::time::Duration;

use serde_json::{Value, json};
use setpoint::record::{Replay, ReplayError};
use setpoint::sandbox::{Limits, LoadError, Permission, Sandbox, THERMOSTAT, Tap, as_component};
use setpoint::testing::TestDevice;
use setpoint_tests::{COUNTER, NOSY, ROGUE};

use super::shelf::{Recording, cache, lines, read, record, replay, sandbox, themselves, try_replay};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The starts in a record: instance and reason.
fn starts(record: &str) -> Vec<(u64, Value)> {
    let called = |line: Value| line["called"].as_object().cloned();
    let starts = lines(record).into_iter().filter_map(called).filter_map(|called| {
        let reason = called["call"].get("start")?["reason"].clone();
        Some((called["instance"].as_u64()?, reason))
    });
    starts.collect()
}

#[test]
fn every_restart_is_in_the_record() {
    let written = record(
        ROGUE,
        |setup| setup.config("does", "trap").restarts(2),
        |device| device.advance(s(10)).unwrap(),
    );
    assert_eq!(
        starts(&written),
        [(1, json!("powerOn")), (2, json!("failure")), (3, json!("failure"))]
    );
    let assigned: Vec<_> = lines(&written)
        .iter()
        .filter_map(|line| line.get("created"))
        .map(|created| created["assignment"]["deviceId"].clone())
        .collect();
    assert_eq!(assigned[0], Value::Null, "the first is told later");
    assert_eq!(assigned[1..], [assigned[1].clone(), assigned[1].clone()]);
    assert!(assigned[1].is_string(), "the next ones know from the start");
    let (differences, summary) = replay(&written, themselves());
    assert!(differences.is_empty(), "{}", differences[0]);
    assert_eq!((summary.instances, summary.not_made), (3, 0));
}

#[test]
fn a_guest_that_ran_over_its_time_does_so_again() {
    let written = record(
        ROGUE,
        |setup| setup.config("does", "loop").restarts(0),
        |device| device.advance(s(2)).unwrap(),
    );
    assert!(written.contains("overBudget"), "{written}");
    let (differences, _) = replay(&written, themselves());
    assert!(differences.is_empty(), "{}", differences[0]);
}

#[test]
fn a_guest_that_wanted_more_memory_is_refused_it_again() {
    let written = record(
        ROGUE,
        |setup| setup.config("does", "memory").restarts(0),
        |device| device.advance(s(2)).unwrap(),
    );
    assert!(written.contains("refused memory"), "{written}");
    let (differences, _) = replay(&written, themselves());
    assert!(differences.is_empty(), "{}", differences[0]);
}

#[test]
fn a_swap_is_in_the_record_and_the_one_that_came_goes_on() {
    let component = as_component("thermostat", THERMOSTAT).unwrap().into_owned();
    let written = record(
        THERMOSTAT,
        |setup| setup,
        |device| {
            device.advance(s(20)).unwrap();
            device.swap(&component).unwrap();
            device.advance(s(20)).unwrap();
        },
    );
    assert_eq!(starts(&written), [(1, json!("powerOn")), (2, json!("replaced"))]);
    let (differences, summary) = replay(&written, themselves().with("second", component.clone()));
    assert!(differences.is_empty(), "{}", differences[0]);
    assert_eq!(summary.instances, 2);
    // Both are played by one, when one is given for everybody.
    let cast = setpoint::record::Cast::default().played_by("both", component);
    let (differences, _) = replay(&written, cast);
    assert!(differences.is_empty(), "{}", differences[0]);
}

#[test]
fn a_replacement_that_does_not_start_is_in_the_record_and_the_other_goes_on() {
    let written = record(
        ROGUE,
        |setup| setup.config("does", "refuse-replaced"),
        |device| {
            device.swap(ROGUE).unwrap_err();
            device.call("anything", b"1").unwrap();
            device.advance(s(5)).unwrap();
        },
    );
    assert_eq!(starts(&written), [(1, json!("powerOn")), (2, json!("replaced"))]);
    assert!(written.contains(r#"{"failed":{"kind":"refused","reason":"does not want to"}}"#));
    let (differences, summary) = replay(&written, themselves());
    assert!(differences.is_empty(), "{}", differences[0]);
    assert_eq!(summary.not_made, 0);
}

#[test]
fn an_answer_that_nobody_waits_for_any_more_is_refused_again() {
    let written = record(
        ROGUE,
        |setup| setup,
        |device| {
            // Answered after six minutes; the caller waits five.
            device.call("anything", b"360").unwrap();
            // Open across a swap.
            device.call("anything", b"400").unwrap();
            device.swap(ROGUE).unwrap();
            device.call("anything", b"360").unwrap();
            device.advance(s(500)).unwrap();
            assert!(device.telemetry().contains(&json!({ "waitedFor": false })));
        },
    );
    for kind in ["forgotten", "adopted", "assignment"] {
        assert!(written.contains(&format!("{{\"{kind}\":")), "{kind}");
    }
    let (differences, _) = replay(&written, themselves());
    assert!(differences.is_empty(), "{}", differences[0]);
}

#[test]
fn a_recorder_hears_of_instances_made_while_it_listens() {
    let (first, second) = (Recording::new(), Recording::new());
    let tap = Tap::default();
    tap.attach(first.tape.recorder()).unwrap();
    assert!(tap.attach(second.tape.recorder()).is_err(), "there is one already");
    let listener = first.tape.recorder();
    first.finish();
    assert!(!listener.listens());
    tap.attach(second.tape.recorder()).unwrap();
    tap.detach();
    assert!(second.finish().lines().count() == 2, "the first line and the last");
}

#[test]
fn a_guest_goes_on_when_its_recording_has_ended() {
    let recording = Recording::new();
    let mut recorded = TestDevice::load_into(sandbox(), COUNTER)
        .unwrap()
        .recorder(recording.tape.recorder())
        .start()
        .unwrap();
    recorded.advance(s(3)).unwrap();
    let written = recording.finish();
    recorded.advance(s(3)).unwrap();
    let counts: Vec<_> = recorded.telemetry().iter().map(|body| body["count"].clone()).collect();
    assert_eq!(counts, [1, 2, 3, 4, 5, 6]);
    // model-id, start, update, three timers, and nothing of what came after.
    assert_eq!(replay(&written, themselves()).1.calls, 6);
}

#[test]
fn a_record_holds_the_configuration_and_no_more_of_the_world() {
    let written = record(THERMOSTAT, |setup| setup.config("window", "7"), |_| {});
    let lines = lines(&written);
    assert_eq!(lines[0]["record"]["format"], 1);
    assert_eq!(lines[0]["record"]["contract"], "setpoint:device@0.1.0");
    assert_eq!(lines[1]["created"]["config"], json!({ "window": "7" }));
    assert_eq!(lines[1]["created"]["sha256"].as_str().unwrap().len(), 64);
    let last = lines.last().unwrap();
    assert_eq!(last["ended"], json!({ "calls": 3 }));
}

#[test]
fn a_day_is_replayed() {
    let written = record(
        THERMOSTAT,
        |setup| setup,
        |device| device.advance(s(24 * 60 * 60)).unwrap(),
    );
    let (differences, summary) = replay(&written, themselves());
    assert!(differences.is_empty(), "{}", differences[0]);
    assert_eq!(summary.calls, 3 + 24 * 60 * 60 / 8);
}

#[test]
fn what_a_guest_read_of_wasi_is_given_to_it_again_if_that_is_allowed() {
    let allow = [Permission::Wasi].into();
    let limits = Limits {
        allow,
        ..Limits::default()
    };
    let allowing = Sandbox::new(limits, Some(cache())).unwrap();
    let recording = Recording::new();
    let setup = TestDevice::load_into(&allowing, NOSY).unwrap();
    let mut device = setup.recorder(recording.tape.recorder()).start().unwrap();
    for reading in ["time", "random", "print"] {
        device.advance(s(3)).unwrap();
        let (status, _) = device.call(reading, b"\"hello\"").unwrap().unwrap();
        assert_eq!(status, 200, "{reading}");
    }
    drop(device);
    let written = recording.finish();
    let cast = || themselves().with("nosy", NOSY.to_vec());
    let refused = try_replay(&written, cast()).unwrap_err();
    assert!(
        matches!(refused, ReplayError::Load(LoadError::NotAllowed { .. })),
        "{refused}"
    );

    let mut replay = Replay::new(cast(), Some(cache())).allow([Permission::Wasi].into());
    let mut record = read(&written).unwrap();
    while let Some(entry) = record.next_entry().unwrap() {
        let differences = replay.play(&entry).unwrap();
        assert!(differences.is_empty(), "{}", differences[0]);
    }
    assert!(replay.summary().calls > 4);
}
