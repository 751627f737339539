#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use setpoint_protocol::PropertyBag;

use super::*;
use crate::keeping::Keeping;
use crate::state::endpoint::{Position, Retention};
use crate::store::damage_event;

const HUB: &str = "hub/";

/// A hub whose log is kept in a folder, with what an earlier one has left.
async fn hub(folder: &Path, name: Option<&str>) -> (Keeping, Arc<Hub>) {
    let (keeping, kept) = Keeping::open(folder).unwrap();
    let hub = Hub::new();
    match name {
        Some(name) => keeping.keep_linked_hub(name, &hub, &kept).unwrap(),
        None => keeping.keep_own_hub(&hub, &kept).unwrap(),
    }
    hub.endpoint().restored().await;
    (keeping, hub)
}

fn send(hub: &Arc<Hub>, device_id: &str, bodies: impl IntoIterator<Item = Vec<u8>>) {
    if hub.device(device_id).is_err() {
        hub.create_device(device_id, None).unwrap();
    }
    let link = hub.connect(device_id, true, None).unwrap();
    for body in bodies {
        let properties: PropertyBag = [("$.ct", "application/json"), ("alarm", "yes")].into_iter().collect();
        link.telemetry(properties, body).unwrap();
    }
}

fn all(log: &EventLog) -> Vec<Stored> {
    let partitions = 0..log.partitions();
    partitions
        .flat_map(|partition| log.read(partition, 0, usize::MAX))
        .collect()
}

#[tokio::test]
async fn messages_are_there_after_a_restart_under_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let (keeping, before) = hub(folder.path(), None).await;
    for device in ["a", "b", "c", "d", "e"] {
        send(&before, device, (0..10).map(|n| vec![0xFF, n]));
    }
    before.endpoint().add_group("dashboard");
    before.endpoint().add_group("gone");
    before.endpoint().remove_group("gone");
    let messages = all(before.endpoint());
    assert_eq!(messages.len(), 50);
    keeping.close();

    let (_keeping, after) = hub(folder.path(), None).await;
    assert_eq!(all(after.endpoint()), messages);
    assert!(after.endpoint().has_group("dashboard") && !after.endpoint().has_group("gone"));
    assert_eq!(after.endpoint().created(), before.endpoint().created());
    for partition in 0..after.endpoint().partitions() {
        assert_eq!(
            after.endpoint().properties(partition),
            before.endpoint().properties(partition)
        );
    }
    // Both go on alike.
    for hub in [&before, &after] {
        send(hub, "a", [b"next".to_vec()]);
    }
    let partition = after.endpoint().partition_of("a");
    let next = |hub: &Hub| {
        let from = hub.endpoint().properties(partition).unwrap().last_sequence;
        let stored = hub
            .endpoint()
            .read(partition, u64::try_from(from).unwrap(), 1)
            .remove(0);
        (stored.sequence, stored.offset)
    };
    assert_eq!(next(&after), next(&before));
}

#[tokio::test]
async fn hubs_have_their_messages_each() {
    let folder = tempfile::tempdir().unwrap();
    for name in [None, Some("one.test"), Some("two.test")] {
        let (keeping, hub) = hub(folder.path(), name).await;
        send(&hub, "d", [name.unwrap_or("own").into()]);
        keeping.close();
    }
    for name in [None, Some("one.test"), Some("two.test")] {
        let (keeping, hub) = hub(folder.path(), name).await;
        let bodies: Vec<_> = all(hub.endpoint())
            .iter()
            .map(|stored| stored.event.body.clone())
            .collect();
        assert_eq!(bodies, [name.unwrap_or("own").as_bytes()]);
        keeping.close();
    }
}

/// A log of one partition that keeps little, in a store.
fn small(store: &Arc<Store>, past: bool) -> EventLog {
    let log = EventLog::new(
        1,
        Retention {
            messages: 10,
            bytes: usize::MAX,
        },
    );
    let rows = store.events(HUB).unwrap();
    if past {
        assert!(resume(&log, 0, &rows).unwrap());
    }
    log.keep_with(Box::new(LogInStore {
        store: Arc::clone(store),
        prefix: HUB.into(),
    }));
    if past {
        log.expect_back();
        bring_back(&log, 0, &rows);
        log.all_back();
    }
    log
}

fn event(body: u64) -> Arc<crate::state::DeviceEvent> {
    Arc::new(crate::state::DeviceEvent {
        device_id: "d".to_owned(),
        module_id: None,
        enqueued: chrono::Utc::now(),
        kind: crate::state::EventKind::Telemetry,
        body: body.to_string().into_bytes(),
        system: Vec::new(),
        application: Vec::new(),
    })
}

fn numbers(log: &EventLog) -> Vec<u64> {
    let numbers = log.read(0, 0, usize::MAX).into_iter().map(|stored| stored.sequence);
    numbers.collect()
}

fn rows(store: &Store) -> Vec<u64> {
    let mut rows = Vec::new();
    let past = store.events(HUB).unwrap();
    past.each(0, |number, _| rows.push(number)).unwrap();
    rows
}

#[tokio::test]
async fn what_the_log_drops_is_gone_from_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    let store = Arc::new(store);
    let log = small(&store, false);
    for n in 0..15 {
        log.append(event(n));
    }
    store.settled().await;
    assert_eq!(rows(&store), (5..15).collect::<Vec<_>>());
    // Far more than is kept, before any of it is written.
    for n in 15..100 {
        log.append(event(n));
    }
    store.settled().await;
    assert_eq!(rows(&store), (90..100).collect::<Vec<_>>());
    drop(log);
    drop(store);
    let store = Arc::new(Store::open(folder.path()).unwrap().0);
    let log = small(&store, true);
    assert_eq!(numbers(&log), (90..100).collect::<Vec<_>>());
    log.append(event(100));
    store.settled().await;
    assert_eq!(numbers(&log), (91..101).collect::<Vec<_>>());
    assert_eq!(rows(&store), (91..101).collect::<Vec<_>>());
}

#[tokio::test]
async fn messages_that_come_before_the_old_ones_are_back_stand_after_them() {
    for new in [3, 25] {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(folder.path()).unwrap();
        let store = Arc::new(store);
        let log = small(&store, false);
        (0..8).for_each(|n| drop(log.append(event(n))));
        store.settled().await;
        let past = store.events(HUB).unwrap();
        let log = EventLog::new(
            1,
            Retention {
                messages: 10,
                bytes: usize::MAX,
            },
        );
        assert!(resume(&log, 0, &past).unwrap());
        log.expect_back();
        log.keep_with(Box::new(LogInStore {
            store: Arc::clone(&store),
            prefix: HUB.into(),
        }));
        (8..8 + new).for_each(|n| drop(log.append(event(n))));
        bring_back(&log, 0, &past);
        let expected: Vec<_> = (new - 2..8 + new).collect();
        assert_eq!(numbers(&log), expected, "{new}");
        store.settled().await;
        assert_eq!(rows(&store), expected, "{new}");
        assert_eq!(log.locate(0, Position::Latest), Some(8 + new));
    }
}

#[tokio::test]
async fn a_damaged_message_is_left_out_and_the_others_keep_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    let store = Arc::new(store);
    let log = small(&store, false);
    let stored: Vec<_> = (0..6).map(|n| log.append(event(n))).collect();
    drop((log, store));
    for number in [2, 5] {
        damage_event(folder.path(), HUB, (0, number));
    }
    let store = Arc::new(Store::open(folder.path()).unwrap().0);
    let log = small(&store, true);
    assert_eq!(numbers(&log), [0, 1, 3, 4]);
    assert_eq!(log.read(0, 2, 2), stored[3..5]);
    let next = log.append(event(6));
    assert_eq!(next.sequence, 6);
    // A reader that has seen the lost one goes on after it.
    assert!(next.offset > stored[5].offset);
}

#[tokio::test]
async fn the_file_does_not_grow_with_what_has_passed_through_it() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    let store = Arc::new(store);
    let log = small(&store, false);
    let size = || {
        let files = std::fs::read_dir(folder.path()).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum::<u64>()
    };
    let large = |n: u64| {
        let mut event = Arc::unwrap_or_clone(event(n));
        event.body = vec![0xFF; 64 * 1024];
        Arc::new(event)
    };
    let mut sizes = Vec::new();
    for round in 0..40 {
        (0..10).for_each(|n| drop(log.append(large(round * 10 + n))));
        store.settled().await;
        sizes.push(size());
    }
    // 25 MiB went through, of which less than one is kept.
    assert!(sizes[39] <= 2 * sizes[9], "{sizes:?}");
}

#[tokio::test]
async fn who_outruns_the_disk_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    let log: Arc<str> = HUB.into();
    for number in 0..40 {
        store.note_event(&log, 0, number, vec![0; 1 << 20]);
        store.relieved().await;
    }
    // At most nine of them wait and as many are being written, whatever the disk does.
    let written = rows(&store).len();
    assert!(written >= 22, "{written}");
}
