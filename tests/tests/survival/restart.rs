//! The process ends, by order or by a power cut, and another one goes on.

use std::path::Path;

use super::*;
use setpoint::device::Store;
use setpoint_tests::ROGUE;

fn store(folder: &Path) -> Store {
    Store::open(folder, "scope/device").unwrap()
}

#[test]
fn what_was_accepted_before_a_power_cut_is_delivered_after_it() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), MemoryHub::new());
    let mut device = counter(&hub).store(store(folder.path())).start().unwrap();
    device.advance(10 * SECOND).unwrap();
    outage(&mut device, MINUTE);
    let accepted = counts(&device.accepted());
    let received = counts(&device.received());
    assert_eq!((accepted.len(), received.len()), (70, 10));
    // Nobody says goodbye.
    drop(device);
    let mut device = counter(&hub).store(store(folder.path())).start().unwrap();
    let received: Vec<_> = received.into_iter().chain(counts(&device.received())).collect();
    assert_eq!(first_times(&received), accepted);
}

#[test]
fn properties_that_waited_are_reported_by_the_next_process() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), MemoryHub::new());
    let mut device = counter(&hub).store(store(folder.path())).start().unwrap();
    hub.set_silent(true);
    hub.desire(set_step(2));
    device.settle().unwrap();
    drop(device);
    // Another guest, which reports nothing itself, to a hub that knows nothing.
    let hub = MemoryHub::new();
    let _device = TestDevice::load(ROGUE)
        .unwrap()
        .hub(&hub)
        .store(store(folder.path()))
        .start()
        .unwrap();
    assert_eq!(hub.reported()["step"]["value"], json!(2));
}

#[test]
fn the_next_process_goes_to_the_hub_of_the_last_without_asking() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), MemoryHub::new());
    drop(counter(&hub).store(store(folder.path())).start().unwrap());
    drop(counter(&hub).store(store(folder.path())).start().unwrap());
    assert_eq!((hub.provisioned(), hub.connections()), (1, 2));
}

#[test]
fn a_device_that_was_moved_while_it_was_off_asks_at_once() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), MemoryHub::new());
    drop(counter(&hub).store(store(folder.path())).start().unwrap());
    hub.move_to("other");
    let mut device = counter(&hub).store(store(folder.path())).start().unwrap();
    device.advance(2 * SECOND).unwrap();
    assert_eq!(hub.provisioned(), 2);
    assert_eq!(device.status().unwrap().connection, ConnectionState::Up);
    drop(device);
    drop(counter(&hub).store(store(folder.path())).start().unwrap());
    assert_eq!(hub.provisioned(), 2, "the new hub is remembered");
}

#[test]
fn a_device_that_was_known_waits_for_a_network_that_comes_up_later_than_it() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), MemoryHub::new());
    drop(counter(&hub).store(store(folder.path())).start().unwrap());
    hub.set_unreachable(true);
    let mut device = counter(&hub).store(store(folder.path())).start().unwrap();
    device.advance(HOUR).unwrap();
    hub.set_unreachable(false);
    device.advance(2 * MINUTE).unwrap();
    assert_eq!(device.status().unwrap().connection, ConnectionState::Up);
}

#[test]
fn a_device_that_is_stopped_saves_and_the_next_process_goes_on_from_there() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), MemoryHub::new());
    let mut device = counter(&hub).store(store(folder.path())).start().unwrap();
    device.advance(5 * SECOND).unwrap();
    device.stop().unwrap();
    assert!(device.has_stopped());
    let received = counts(&device.received());
    drop(device);
    let mut device = counter(&hub).store(store(folder.path())).start().unwrap();
    device.advance(2 * SECOND).unwrap();
    assert_eq!([received, counts(&device.received())].concat(), [1, 2, 3, 4, 5, 6, 7]);
    // What was saved is for one start: after a power cut it would be an old state.
    drop(device);
    let mut device = counter(&hub).store(store(folder.path())).start().unwrap();
    device.advance(SECOND).unwrap();
    assert_eq!(counts(&device.received()).last(), Some(&1));
}

#[test]
fn a_state_that_the_guest_does_not_take_does_not_keep_it_from_starting() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), MemoryHub::new());
    let rogue = || {
        let setup = TestDevice::load(ROGUE).unwrap().config("does", "refuse-resumed");
        setup.hub(&hub).store(store(folder.path())).start().unwrap()
    };
    let mut device = rogue();
    device.stop().unwrap();
    drop(device);
    let mut device = rogue();
    device.received();
    device.advance(SECOND).unwrap();
    assert_eq!(device.telemetry(), [json!({ "woke": true })]);
}

#[test]
fn stopping_delivers_what_waits_and_gives_up_after_five_seconds() {
    let mut device = running();
    device.hub().set_silent(true);
    device.advance(3 * SECOND).unwrap();
    device.stop().unwrap();
    assert!(!device.has_stopped(), "the hub may still take it");
    device.advance(4 * SECOND).unwrap();
    assert!(!device.has_stopped());
    device.advance(SECOND).unwrap();
    assert!(device.has_stopped());
}

#[test]
fn stopping_while_a_connection_is_made_waits_for_it_and_delivers() {
    let mut device = running();
    device.received();
    device.hub().set_unreachable(true);
    device.hub().cut();
    device.advance(SECOND).unwrap();
    device.hub().set_unreachable(false);
    let accepted = counts(&device.accepted());
    device.stop().unwrap();
    assert!(!device.has_stopped(), "it waits for the connection");
    // It ends on the way.
    let _ = device.advance(5 * SECOND);
    assert!(device.has_stopped());
    assert_eq!(
        counts(&device.received()).last(),
        accepted.last(),
        "it came back in time"
    );
}

#[test]
fn stopping_in_a_pause_that_is_longer_than_that_does_not_wait() {
    let mut device = running();
    device.hub().set_unreachable(true);
    device.hub().cut();
    loop {
        device.advance(SECOND).unwrap();
        let state = device.status().unwrap().connection;
        if matches!(state, ConnectionState::Down { retry_in, .. } if retry_in > 10 * SECOND) {
            break;
        }
    }
    device.stop().unwrap();
    assert!(device.has_stopped());
}
