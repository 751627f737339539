use std::path::Path;

use serde_json::json;

use super::*;

fn message(n: u64) -> Outgoing {
    Outgoing::Telemetry {
        component: n.is_multiple_of(2).then(|| "c".to_owned()),
        body: json!({ "n": n }).to_string(),
        properties: vec![("k".to_owned(), n.to_string())],
    }
}

fn kept(folder: &Path) -> Outbox {
    let mut outbox = Outbox::default();
    outbox.keep_in(Store::open(folder, "scope/device").unwrap()).unwrap();
    outbox
}

fn all(outbox: &mut Outbox) -> Vec<Outgoing> {
    std::iter::from_fn(|| Some(outbox.take(Duration::ZERO)?.1.clone())).collect()
}

#[test]
fn telemetry_and_properties_leave_in_the_order_in_which_they_came() {
    let mut outbox = Outbox::default();
    outbox.report(Member::named("a"), json!(1));
    outbox.push(message(1));
    outbox.report(Member::named("b"), json!(2));
    outbox.push(message(2));
    let patch = |value: serde_json::Value| Outgoing::Report(value.as_object().unwrap().clone());
    let (first, second) = (patch(json!({ "a": 1 })), patch(json!({ "b": 2 })));
    assert_eq!(all(&mut outbox), [first, message(1), second, message(2)]);
}

#[test]
fn what_was_accepted_is_there_after_the_process_and_what_was_taken_is_not() {
    let folder = tempfile::tempdir().unwrap();
    {
        let mut outbox = kept(folder.path());
        (1..=3).for_each(|n| outbox.push(message(n)));
        outbox.report(Member::named("a"), json!(1));
        outbox.report(Member::named("a"), json!(2));
        outbox.report(Member::named("b"), json!(null));
        assert!(outbox.must_flush());
        outbox.flush();
        let (first, outgoing) = outbox
            .take(Duration::ZERO)
            .map(|(id, outgoing)| (id, outgoing.clone()))
            .unwrap();
        assert_eq!(outgoing, message(1));
        outbox.delivered(first);
        assert!(!outbox.must_flush());
        let due = outbox.next_flush(Duration::from_secs(7)).unwrap();
        assert_eq!(
            due,
            Duration::from_secs(8),
            "it leaves the store soon, also when nothing comes"
        );
        outbox.flush();
        outbox.push(message(4));
        // Not flushed: as when the process is killed in this moment, before anybody was told.
    }
    let mut outbox = kept(folder.path());
    let patch = json!({ "a": 2, "b": null }).as_object().unwrap().clone();
    assert_eq!(all(&mut outbox), [message(2), message(3), Outgoing::Report(patch)]);
    assert!(outbox.new_id() > 5, "ids go on where they were");
}

#[test]
fn a_newer_value_stays_when_the_older_one_was_taken() {
    let folder = tempfile::tempdir().unwrap();
    {
        let mut outbox = kept(folder.path());
        outbox.report(Member::named("a"), json!(1));
        outbox.flush();
        let id = outbox.take(Duration::ZERO).unwrap().0;
        outbox.report(Member::named("a"), json!(2));
        outbox.delivered(id);
        outbox.flush();
    }
    let patch = json!({ "a": 2 }).as_object().unwrap().clone();
    assert_eq!(all(&mut kept(folder.path())), [Outgoing::Report(patch)]);
}

#[test]
fn what_was_given_up_for_newer_messages_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    {
        let mut outbox = Outbox::new(Capacity {
            messages: 2,
            overflow: Overflow::DropOldest,
            ..Capacity::default()
        });
        outbox
            .keep_in(Store::open(folder.path(), "scope/device").unwrap())
            .unwrap();
        outbox.push(message(1));
        outbox.flush();
        (2..=4).for_each(|n| outbox.push(message(n)));
        outbox.flush();
        assert_eq!(outbox.dropped(), 2);
    }
    assert_eq!(all(&mut kept(folder.path())), [message(3), message(4)]);
}

#[test]
fn the_assignment_and_the_state_are_kept_and_the_state_for_one_start() {
    let folder = tempfile::tempdir().unwrap();
    let assignment = Assignment {
        hub: "hub.example:8884".parse().unwrap(),
        device_id: "d".to_owned(),
        payload: Some(json!({ "a": 1 })),
    };
    {
        let mut outbox = kept(folder.path());
        assert_eq!(outbox.assignment(), None);
        outbox.put_assignment(&assignment);
        outbox.put_state("dtmi:a;1", &[0, 255]);
    }
    let mut outbox = kept(folder.path());
    assert_eq!(outbox.assignment(), Some(assignment));
    assert_eq!(outbox.take_state("dtmi:a;1"), Some(vec![0, 255]));
    assert_eq!(outbox.take_state("dtmi:a;1"), None);
    outbox.put_state("dtmi:a;1", &[1]);
    assert_eq!(outbox.take_state("dtmi:b;1"), None, "the state of another device");
}

#[test]
fn a_store_is_for_one_device_in_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let _first = kept(folder.path());
    let error = Store::open(folder.path(), "scope/device").unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("--data"), "{error}");
    // Names that look the same in a file system, and are not.
    Store::open(folder.path(), "scope_device").unwrap();
}

#[test]
fn a_file_that_is_no_store_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = Store::open(folder.path(), "d").unwrap().path().to_owned();
    std::fs::write(
        &path,
        "this is no store, and longer than the header of one ".repeat(100),
    )
    .unwrap();
    let error = Store::open(folder.path(), "d").unwrap_err().to_string();
    assert!(
        error.contains(&path.display().to_string()) && error.contains("move the file away"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn nobody_else_may_look_into_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let devices = folder.path().join("devices");
    Store::open(&devices, "d").unwrap();
    assert_eq!(devices.metadata().unwrap().permissions().mode() & 0o077, 0);
}
