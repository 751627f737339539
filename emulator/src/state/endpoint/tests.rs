#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Duration, timeout};

use super::*;
use crate::state::EventKind;

const START: DateTime<Utc> = DateTime::from_timestamp_nanos(1_700_000_000_000_000_000);

fn event(device_id: &str, second: i64, size: usize) -> Arc<DeviceEvent> {
    Arc::new(DeviceEvent {
        device_id: device_id.to_owned(),
        module_id: None,
        enqueued: START + TimeDelta::seconds(second),
        kind: EventKind::Telemetry,
        body: vec![b'x'; size],
        system: Vec::new(),
        application: Vec::new(),
    })
}

fn log(messages: usize, bytes: usize) -> EventLog {
    EventLog::new(1, Retention { messages, bytes })
}

fn sequences(log: &EventLog, position: Position) -> Vec<u64> {
    let from = log.locate(0, position).unwrap();
    log.read(0, from, 100).iter().map(|stored| stored.sequence).collect()
}

#[test]
fn a_device_stays_in_its_partition_and_devices_spread() {
    let log = EventLog::default();
    let mut used = BTreeSet::new();
    for number in 0..100 {
        let device = format!("device-{number}");
        let partition = log.append(event(&device, 0, 1)).partition;
        assert_eq!(partition, log.partition_of(&device));
        used.insert(partition);
    }
    assert_eq!(used.len(), PARTITIONS);
    // The same at every start of every version: what is kept on a disk relies on it.
    assert_eq!(log.partition_of("my-pnp-device"), 1);
}

#[test]
fn reading_begins_where_it_is_asked_to() {
    let log = log(100, usize::MAX);
    let stored: Vec<_> = (0..5).map(|second| log.append(event("d", second, 10))).collect();
    let offset = stored[2].offset;
    assert!(stored.windows(2).all(|pair| pair[0].offset + 10 < pair[1].offset));
    let milliseconds = (START + TimeDelta::seconds(2)).timestamp_millis();
    for (position, expected) in [
        (Position::Earliest, vec![0, 1, 2, 3, 4]),
        (Position::Latest, vec![]),
        (
            Position::Offset {
                offset,
                inclusive: false,
            },
            vec![3, 4],
        ),
        (
            Position::Offset {
                offset,
                inclusive: true,
            },
            vec![2, 3, 4],
        ),
        (
            Position::Offset {
                offset: u64::MAX,
                inclusive: true,
            },
            vec![],
        ),
        (
            Position::Sequence {
                sequence: 3,
                inclusive: false,
            },
            vec![4],
        ),
        (
            Position::Sequence {
                sequence: 3,
                inclusive: true,
            },
            vec![3, 4],
        ),
        (
            Position::Sequence {
                sequence: -1,
                inclusive: false,
            },
            vec![0, 1, 2, 3, 4],
        ),
        (
            Position::Sequence {
                sequence: i64::MAX,
                inclusive: false,
            },
            vec![],
        ),
        (
            Position::Enqueued {
                milliseconds,
                inclusive: false,
            },
            vec![3, 4],
        ),
        (
            Position::Enqueued {
                milliseconds,
                inclusive: true,
            },
            vec![2, 3, 4],
        ),
    ] {
        assert_eq!(sequences(&log, position), expected, "{position:?}");
    }
    // Whoever waits at the end goes on with what comes.
    let from = log.locate(0, Position::Latest).unwrap();
    log.append(event("d", 9, 1));
    assert_eq!(log.read(0, from, 100)[0].sequence, 5);
    assert_eq!(
        log.read(0, 1, 2)
            .iter()
            .map(|stored| stored.sequence)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(log.locate(1, Position::Earliest), None, "there is no such partition");
}

#[test]
fn what_is_too_old_goes() {
    let counted = log(3, usize::MAX);
    let weighed = log(usize::MAX, 4000);
    for second in 0..10 {
        counted.append(event("d", second, 1));
        weighed.append(event("d", second, 1000));
    }
    assert_eq!(sequences(&counted, Position::Earliest), [7, 8, 9]);
    assert_eq!(sequences(&weighed, Position::Earliest), [7, 8, 9]);
    assert_eq!(
        sequences(
            &counted,
            Position::Sequence {
                sequence: 2,
                inclusive: true
            }
        ),
        [7, 8, 9]
    );
    weighed.append(event("d", 10, 100_000));
    assert_eq!(
        sequences(&weighed, Position::Earliest),
        [10],
        "the newest stays, however large"
    );
}

#[test]
fn a_partition_tells_what_it_holds() {
    let log = log(2, usize::MAX);
    let empty = PartitionProperties {
        begin_sequence: 0,
        last_sequence: -1,
        last_offset: -1,
        last_enqueued: None,
        is_empty: true,
    };
    assert_eq!(log.properties(0), Some(empty));
    let last = (0..3).map(|second| log.append(event("d", second, 1))).last().unwrap();
    let properties = log.properties(0).unwrap();
    assert_eq!((properties.begin_sequence, properties.last_sequence), (1, 2));
    assert_eq!(properties.last_offset, i64::try_from(last.offset).unwrap());
    assert_eq!(properties.last_enqueued, Some(last.event.enqueued));
}

#[test]
fn what_was_kept_elsewhere_comes_back_under_its_numbers() {
    let first = log(10, usize::MAX);
    let stored: Vec<_> = (0..3).map(|second| first.append(event("d", second, 1))).collect();
    let second = log(10, usize::MAX);
    second.resume(0, 2, stored.last());
    second.put_back(0, stored[1..].iter().cloned().collect());
    assert_eq!(second.read(0, 0, 10), stored[1..]);
    assert_eq!(second.append(event("d", 3, 1)), first.append(event("d", 3, 1)));
}

#[tokio::test]
async fn readers_are_woken() {
    let log = log(10, usize::MAX);
    let appended = log.appended();
    tokio::pin!(appended);
    appended.as_mut().enable();
    log.append(event("d", 0, 1));
    timeout(Duration::from_secs(5), appended).await.unwrap();
}

#[test]
fn groups_are_declared() {
    let log = EventLog::default();
    assert!(log.has_group("$default") && !log.has_group("dashboard"));
    assert!(log.add_group("dashboard") && !log.add_group("dashboard"));
    assert!(log.has_group("Dashboard"));
    assert!(log.remove_group("dashboard") && !log.remove_group(DEFAULT_GROUP));
}

#[test]
fn an_epoch_makes_a_reader_the_only_one() {
    let log = EventLog::default();
    let claim = |epoch| log.claim("$Default", 0, epoch);
    let plain: Vec<_> = (0..READERS_PER_GROUP).map(|_| claim(None).unwrap()).collect();
    assert_eq!(claim(None).err(), Some(ClaimError::TooMany));
    assert!(log.claim("$Default", 1, None).is_ok() && log.claim("other", 0, None).is_ok());
    let owner = claim(Some(1)).unwrap();
    assert!(plain.iter().all(Seat::is_lost));
    assert_eq!(claim(None).err(), Some(ClaimError::Exclusive(1)));
    assert_eq!(claim(Some(0)).err(), Some(ClaimError::HigherEpoch(1)));
    let successor = claim(Some(1)).unwrap();
    assert!(owner.is_lost() && !successor.is_lost());
    drop(owner);
    assert_eq!(
        claim(None).err(),
        Some(ClaimError::Exclusive(1)),
        "a lost seat is not given back twice"
    );
    drop(successor);
    assert!(claim(None).is_ok());
}
