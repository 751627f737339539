//! The network goes and comes.

use super::*;
use setpoint::device::Cause;
use setpoint::sandbox::{Limits, Program, Sandbox};

#[test]
fn a_connection_that_breaks_is_made_again_within_a_second() {
    let mut device = running();
    device.hub().cut();
    device.advance(SECOND).unwrap();
    assert_eq!(device.hub().connections(), 2);
}

#[test]
fn what_was_measured_in_an_outage_arrives_in_order_and_once() {
    let mut device = running();
    device.advance(10 * SECOND).unwrap();
    outage(&mut device, 10 * MINUTE);
    device.advance(2 * MINUTE).unwrap();
    let accepted = counts(&device.accepted());
    assert_eq!(counts(&device.received()), accepted);
    assert_eq!(accepted.last(), Some(&730));
}

#[test]
fn what_was_on_its_way_when_the_connection_broke_is_sent_again_in_order() {
    let mut device = running();
    device.hub().set_silent(true);
    device.advance(5 * SECOND).unwrap();
    device.hub().set_silent(false);
    device.hub().cut();
    device.advance(5 * SECOND).unwrap();
    let received = counts(&device.received());
    assert_eq!(
        received[..10],
        [1, 2, 3, 4, 5, 1, 2, 3, 4, 5],
        "whether they had arrived nobody can know"
    );
    assert_eq!(first_times(&received), counts(&device.accepted()));
}

#[test]
fn a_property_that_changed_a_hundred_times_in_an_outage_is_sent_once_as_it_is() {
    let mut device = TestDevice::load(setpoint::sandbox::THERMOSTAT)
        .unwrap()
        .hub(&MemoryHub::new())
        .random({
            // Each reading is the highest so far, for as long as that goes on.
            let mut n = 0;
            move || {
                n += 1;
                n
            }
        })
        .start()
        .unwrap();
    device.received();
    outage(&mut device, 6 * MINUTE);
    device.advance(2 * MINUTE).unwrap();
    let reports = reports(&device.received());
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(
        device.hub().reported()["maxTempSinceLastReboot"],
        reports[0]["maxTempSinceLastReboot"]
    );
}

#[test]
fn how_the_connection_is_can_be_seen() {
    let mut device = running();
    let status = device.status().unwrap();
    assert_eq!((&status.connection, status.connections), (&ConnectionState::Up, 1));
    device.connection_states();
    device.hub().set_unreachable(true);
    device.hub().cut();
    device.advance(5 * SECOND).unwrap();
    let ConnectionState::Down { cause, reason, .. } = device.status().unwrap().connection else {
        panic!("it is down");
    };
    assert!(
        cause == Cause::Network && reason.contains("cannot be reached"),
        "{reason}"
    );
    device.hub().set_unreachable(false);
    device.advance(MINUTE).unwrap();
    assert_eq!(device.status().unwrap().connections, 2);
    let states = device.connection_states();
    assert!(states.iter().filter(|state| is_down(state)).count() >= 3);
    assert_eq!(states.last(), Some(&ConnectionState::Up));
}

#[test]
fn a_hub_that_takes_nothing_any_more_is_left_for_a_new_connection() {
    let mut device = running();
    device.hub().set_silent(true);
    device.advance(179 * SECOND).unwrap();
    assert_eq!(device.hub().connections(), 1, "a hub that throttles may take minutes");
    device.hub().set_silent(false);
    device.advance(5 * SECOND).unwrap();
    assert_eq!(device.hub().connections(), 2);
    assert_eq!(first_times(&counts(&device.received())), counts(&device.accepted()));
}

#[test]
fn after_ten_attempts_the_device_finds_the_hub_it_has_been_moved_to() {
    let mut device = running();
    device.hub().move_to("other");
    device.advance(15 * MINUTE).unwrap();
    assert_eq!((device.hub().provisioned(), device.hub().connections()), (2, 2));
    device.advance(MINUTE).unwrap();
    assert_eq!(
        first_times(&counts(&device.received())),
        counts(&device.accepted()),
        "with everything it had accepted"
    );
}

#[test]
fn a_full_outbox_refuses_and_what_it_had_taken_arrives() {
    let mut device = running();
    outage(&mut device, HOUR);
    let accepted = counts(&device.accepted());
    assert_eq!(accepted.len(), 1_000);
    assert!(
        device.logs().iter().any(|(_, line)| line.contains("not sent")),
        "the guest was told"
    );
    device.advance(2 * MINUTE).unwrap();
    assert_eq!(counts(&device.received())[..1_000], accepted);
}

#[test]
fn an_outbox_that_drops_the_oldest_ends_with_the_newest_and_counts() {
    use setpoint::device::{Capacity, Overflow};
    let capacity = Capacity {
        overflow: Overflow::DropOldest,
        ..Capacity::of(100)
    };
    let mut device = counter(&MemoryHub::new()).capacity(capacity).start().unwrap();
    outage(&mut device, 10 * MINUTE);
    assert_eq!(device.status().unwrap().dropped, 500);
    device.received();
    device.advance(2 * MINUTE).unwrap();
    let received = counts(&device.received());
    let dropped = device.status().unwrap().dropped as i64;
    assert_eq!(received[0], dropped + 1);
    assert!(received.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{received:?}");
}

/// In any second after an outage, fewer than a hundred of a thousand devices that it cut off connect: what one unit of a hub
/// takes. Source: "Device connections: 100/s", S1, IoT Hub quotas and throttling.
#[test]
fn a_thousand_devices_do_not_come_back_at_once() {
    let limits = Limits {
        instances: 2,
        ..Limits::default()
    };
    let sandbox = Sandbox::new(limits, None).unwrap();
    let program = Program::load(&sandbox, "rogue", setpoint_tests::ROGUE).unwrap();
    for minutes in [1, 5, 60] {
        let came_back: Vec<Duration> = (0..1_000_u64)
            .map(|seed| returns(&program, seed, minutes * MINUTE))
            .collect();
        let most = came_back.iter().map(|from| in_the_second_from(&came_back, *from)).max();
        assert!(most.unwrap() < 100, "{most:?} in one second after {minutes} minutes");
        assert!(
            came_back.iter().all(|back| *back <= MINUTE),
            "all of them within a minute"
        );
    }
}

fn in_the_second_from(times: &[Duration], from: Duration) -> usize {
    times
        .iter()
        .filter(|time| (from..from + SECOND).contains(*time))
        .count()
}

/// How long after the end of an outage this device is back.
fn returns(program: &Program, seed: u64, length: Duration) -> Duration {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let jitter = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    let mut device = TestDevice::of(program)
        .hub(&MemoryHub::new())
        .jitter(jitter)
        .start()
        .unwrap();
    outage(&mut device, length);
    let end = setpoint::clock::Clock::monotonic(device.clock());
    device.connection_states();
    loop {
        device.advance(SECOND / 20).unwrap();
        if device.connection_states().contains(&ConnectionState::Up) {
            return setpoint::clock::Clock::monotonic(device.clock()) - end;
        }
    }
}
