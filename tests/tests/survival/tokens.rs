//! Tokens end, and the device is ahead of them.

use super::*;
use setpoint_tests::ROGUE;

#[test]
fn in_a_day_of_hour_long_tokens_each_is_renewed_in_time_and_nothing_is_lost() {
    let mut device = counter(&MemoryHub::new()).token_life(HOUR).start().unwrap();
    device.received();
    device.connection_states();
    device.advance(24 * HOUR).unwrap();
    let states = device.connection_states();
    assert!(!states.iter().any(is_down), "it was never down");
    let connections = device.hub().connections();
    assert!(
        (30..=35).contains(&connections),
        "{connections}: at 70 to 80 % of an hour each"
    );
    let received = counts(&device.received());
    assert_eq!(received, counts(&device.accepted()), "each once, and in order");
    assert_eq!(received.len(), 24 * 3600);
}

#[test]
fn a_command_in_progress_is_answered_before_the_connection_is_renewed() {
    let hub = MemoryHub::new();
    let mut device = TestDevice::load(ROGUE)
        .unwrap()
        .hub(&hub)
        .token_life(10 * MINUTE)
        .start()
        .unwrap();
    // A renewal is due at 7.5 minutes, and the answer comes at 8.
    device.advance(7 * MINUTE).unwrap();
    let rid = hub.call("slow", b"60");
    device.advance(59 * SECOND).unwrap();
    assert_eq!(hub.connections(), 1, "it waits for the answer");
    device.advance(2 * SECOND).unwrap();
    let answered = |message: &Outgoing| matches!(message, Outgoing::Response { rid: answered, .. } if *answered == rid);
    assert!(device.received().iter().any(answered));
    assert_eq!(hub.connections(), 2);
}

#[test]
fn a_command_that_outlasts_the_token_is_answered_over_the_next_connection() {
    let hub = MemoryHub::new();
    let mut device = TestDevice::load(ROGUE)
        .unwrap()
        .hub(&hub)
        .token_life(4 * MINUTE)
        .start()
        .unwrap();
    device.advance(2 * MINUTE).unwrap();
    let rid = hub.call("slow", b"200");
    device.advance(2 * MINUTE).unwrap();
    assert_eq!(hub.connections(), 2, "the token had to be renewed meanwhile");
    device.advance(2 * MINUTE).unwrap();
    let answered = |message: &Outgoing| matches!(message, Outgoing::Response { rid: answered, .. } if *answered == rid);
    assert!(device.received().iter().any(answered));
}

#[test]
fn a_renewal_that_fails_is_an_outage_like_any_other() {
    let mut device = counter(&MemoryHub::new()).token_life(HOUR).start().unwrap();
    device.advance(30 * MINUTE).unwrap();
    device.hub().set_unreachable(true);
    device.advance(30 * MINUTE).unwrap();
    assert!(is_down(&device.status().unwrap().connection));
    device.hub().set_unreachable(false);
    device.advance(5 * MINUTE).unwrap();
    assert_eq!(first_times(&counts(&device.received())), counts(&device.accepted()));
}
