//! A device that has run for a while is recorded from then on.

use serde_json::{Value, json};
use setpoint::device::{Beginning, NotRecorded, Status, SwapError};
use setpoint::sandbox::{Program, THERMOSTAT};
use setpoint_emulator::state::EventKind;
use setpoint_tests::{COUNTER, Place, ROGUE, plain};

use super::shelf::{Recording, lines, replay, themselves};

/// Reason and state of the first start in a record.
fn first_start(record: &str) -> Value {
    let calls = lines(record).into_iter();
    let mut starts = calls.filter_map(|line| line.pointer("/called/call/start").cloned());
    starts.next().expect("there is a start")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_begins_with_the_state_of_the_instance_that_ran() {
    let place = Place::new().await;
    let mut device = place.run(THERMOSTAT, &[("interval", "0.01")]);
    device.delivered().await;
    let mut events = place.emulator.hub().subscribe();
    let recording = Recording::new();
    let beginning = device.operator.record(recording.tape.recorder()).await.unwrap();
    assert!(matches!(beginning, Beginning::Replaced(swapped) if swapped.state));
    let again = device.operator.record(Recording::new().tape.recorder()).await;
    assert!(matches!(again, Err(NotRecorded::Occupied(_))), "{again:?}");
    for _ in 0..20 {
        device.delivered().await;
    }
    device.stop().await.unwrap();
    let written = recording.finish();
    let start = first_start(&written);
    assert_eq!(start["reason"], "replaced");
    assert!(start["state"].is_string(), "the thermostat's state is text: {start}");
    let (differences, summary) = replay(&written, themselves());
    assert!(differences.is_empty(), "{}", differences[0]);
    assert!(summary.calls >= 20, "{summary:?}");

    let mut connections = 0;
    while let Ok(event) = events.try_recv() {
        connections += usize::from(event.kind == EventKind::Connected);
    }
    assert_eq!(connections, 0, "the connection stayed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_and_what_comes_after_it_are_in_the_record_too() {
    let place = Place::new().await;
    let sandbox = plain();
    let mut device = place.run_in(&sandbox, COUNTER, &[]);
    device.delivered().await;
    let recording = Recording::new();
    device.operator.record(recording.tape.recorder()).await.unwrap();
    device.delivered().await;
    let program = Program::load(&sandbox, "counter", COUNTER).unwrap();
    device.operator.swap(program).await.unwrap();
    device.delivered().await;
    device.stop().await.unwrap();
    let (differences, summary) = replay(&recording.finish(), themselves());
    assert!(differences.is_empty(), "{}", differences[0]);
    assert_eq!((summary.instances, summary.not_made), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_has_no_state_goes_on_and_is_not_recorded() {
    let place = Place::new().await;
    let device = place.run(ROGUE, &[]);
    device.started().await;
    let recording = Recording::new();
    let refused = device.operator.record(recording.tape.recorder()).await.unwrap_err();
    assert!(
        matches!(refused, NotRecorded::Swap(SwapError::NoState { .. })),
        "{refused}"
    );
    let told = format!(
        "guest has no state to hand over, so {} cannot be recorded from here on; record it from its start with `setpoint run --record FILE`",
        place.identity.device_id()
    );
    assert_eq!(refused.to_string(), told);
    // The place is free again.
    let again = device.operator.record(recording.tape.recorder()).await;
    assert!(matches!(again, Err(NotRecorded::Swap(_))), "{again:?}");
    device.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_does_not_run_is_recorded_from_its_next_instance_on() {
    let place = Place::new().await;
    let device = place.run(ROGUE, &[("does", "trap")]);
    let recording = Recording::new();
    // While it runs it cannot be recorded: it has no state.
    while device.operator.record(recording.tape.recorder()).await.is_err() {
        tokio::task::yield_now().await;
    }
    let restarts = |status: Option<Status>| status.map(|status| status.restarts);
    let before = restarts(device.operator.status().await);
    while restarts(device.operator.status().await) == before {
        tokio::task::yield_now().await;
    }
    device.stop().await.ok();
    let written = recording.finish();
    assert_eq!(first_start(&written), json!({ "reason": "failure" }));
    let (differences, _) = replay(&written, themselves());
    assert!(differences.is_empty(), "{}", differences[0]);
}
