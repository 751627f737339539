//! The system's clock jumps by hours.

use super::*;
use chrono::TimeDelta;
use setpoint::clock::Clock;

#[test]
fn timers_keep_their_pace_whatever_the_wall_clock_does() {
    let mut device = running();
    for hours in [5, -50, 500] {
        let now = device.clock().now();
        device.clock().jump_to(now + TimeDelta::hours(hours));
        device.advance(10 * SECOND).unwrap();
        assert_eq!(counts(&device.received()).len(), 10, "{hours}");
    }
}

#[test]
fn a_token_made_by_a_clock_that_was_behind_is_renewed_when_the_clock_is_set_right() {
    let mut device = counter(&MemoryHub::new()).token_life(HOUR).start().unwrap();
    device.advance(MINUTE).unwrap();
    let now = device.clock().now();
    device.clock().jump_to(now + TimeDelta::hours(3));
    device.advance(2 * SECOND).unwrap();
    assert_eq!(device.hub().connections(), 2);
    // And then lives its own hour.
    device.advance(40 * MINUTE).unwrap();
    assert_eq!(device.hub().connections(), 2);
    device.received();
    device.advance(10 * SECOND).unwrap();
    assert_eq!(counts(&device.received()).len(), 10);
}

#[test]
fn a_device_that_was_refused_tries_again_as_soon_as_its_clock_has_been_set() {
    let mut device = running();
    device.hub().set_refusing(true);
    device.hub().cut();
    device.advance(12 * HOUR).unwrap();
    assert!(is_down(&device.status().unwrap().connection));
    let provisioned = device.hub().provisioned();
    device.hub().set_refusing(false);
    let now = device.clock().now();
    device.clock().jump_to(now + TimeDelta::hours(8));
    device.advance(MINUTE).unwrap();
    assert!(device.hub().provisioned() > provisioned);
    assert_eq!(device.status().unwrap().connection, ConnectionState::Up);
}
