//! Guests that were built for `wasm32-wasip2`: what the standard library makes of WASI as it is given here. Single functions
//! are in `hostile/wasi.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use setpoint::device::Verdict;
use setpoint::effect::Level;
use setpoint::sandbox::{Cache, GuestError, Limits, LoadError, Permission, Program, Sandbox};
use setpoint::testing::{BEGINNING, TestDevice};
use setpoint_tests::{CALLER, NOSY};

fn sandbox(allow: &[Permission], cache: Option<&Path>) -> Sandbox {
    let limits = Limits {
        allow: allow.iter().copied().collect(),
        ..Limits::default()
    };
    Sandbox::new(limits, cache.map(|folder| Cache::open(folder).unwrap())).unwrap()
}

fn load(sandbox: &Sandbox, guest: &[u8]) -> Option<LoadError> {
    Program::load(sandbox, "guest", guest).err()
}

/// The nosy one, where it is allowed, drawing this number and those after it.
fn nosy(mut random: u64) -> TestDevice {
    let draw = move || {
        random += 1;
        random
    };
    let setup = TestDevice::load_into(&sandbox(&[Permission::Wasi], None), NOSY).unwrap();
    setup.random(draw).start().unwrap()
}

/// Has it try something, and returns what it found.
fn tries(device: &mut TestDevice, what: &str, text: &str) -> Value {
    let (status, found) = device.call(what, json!(text).to_string().as_bytes()).unwrap().unwrap();
    assert_eq!(status, 200, "{what}: {found}");
    found
}

/// How it failed at trying something.
fn fails(device: &mut TestDevice, what: &str) -> String {
    let (status, _) = device.call(what, b"").unwrap().unwrap();
    assert_eq!(status, 500);
    match device.failures().as_slice() {
        [
            (
                GuestError::Trapped {
                    export: "invoke",
                    reason,
                    ..
                },
                Verdict::RestartIn(_),
            ),
        ] => reason.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_refused_until_it_is_allowed() {
    let refused = load(&sandbox(&[], None), NOSY);
    assert!(
        matches!(&refused, Some(LoadError::NotAllowed { import, .. }) if import.starts_with("wasi:")),
        "{refused:?}"
    );
    assert!(load(&sandbox(&[Permission::Wasi], None), NOSY).is_none());
}

#[test]
fn compiled_code_is_of_use_only_where_it_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let (allowed, forbidden) = (
        sandbox(&[Permission::Wasi], Some(folder.path())),
        sandbox(&[], Some(folder.path())),
    );
    for _ in 0..2 {
        assert!(load(&allowed, NOSY).is_none());
        assert!(matches!(load(&forbidden, NOSY), Some(LoadError::NotAllowed { .. })));
    }
}

#[test]
fn sockets_are_refused_by_name_whatever_is_allowed() {
    for allow in [&[][..], &[Permission::Wasi]] {
        let refused = load(&sandbox(allow, None), CALLER);
        assert!(
            matches!(&refused, Some(LoadError::UnknownImport { import, .. }) if import.starts_with("wasi:sockets/")),
            "{refused:?}"
        );
    }
}

#[test]
fn what_it_prints_is_in_the_log() {
    let mut device = nosy(0);
    assert_eq!(tries(&mut device, "print", "hello"), json!({ "got": "()" }));
    let lines = |lines: [(Level, &str); 2]| lines.map(|(level, line)| (level, line.to_owned()));
    let first = lines([(Level::Info, "hello"), (Level::Warn, "hello!")]);
    assert_eq!(device.logs(), first);
    tries(&mut device, "print", "again");
    // What had no end before has one now.
    let second = lines([(Level::Info, "and moreagain"), (Level::Warn, "again!")]);
    assert_eq!(device.logs(), second);
}

#[test]
fn there_is_nothing_to_look_at() {
    assert!(std::env::vars_os().count() > 0);
    let mut device = nosy(0);
    let nothing = json!({ "variables": 0, "arguments": 0, "home": false });
    assert_eq!(tries(&mut device, "variables", ""), nothing);
    assert_eq!(tries(&mut device, "input", ""), json!({ "got": "\"\"" }));
}

#[test]
fn there_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("was-here");
    let mut device = nosy(0);
    for (what, path) in [
        ("read", "/etc/passwd"),
        ("read", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")),
        ("read", "Cargo.toml"),
        ("write", new.to_str().unwrap()),
        ("write", "was-here"),
        ("list", "/"),
        ("list", "."),
    ] {
        let found = tries(&mut device, what, path);
        assert!(found["error"].is_string(), "{what} {path}: {found}");
    }
    assert!(!new.exists());
}

#[test]
fn its_time_is_the_virtual_clocks() {
    let mut device = nosy(0);
    device.advance(Duration::from_millis(90_500)).unwrap();
    let beginning = BEGINNING.timestamp_millis();
    let time = json!({ "wall": beginning + 90_500, "running": 90_500 });
    assert_eq!(tries(&mut device, "time", ""), time);
    device.clock().jump_to(BEGINNING);
    let time = json!({ "wall": beginning, "running": 90_500 });
    assert_eq!(tries(&mut device, "time", ""), time);
}

#[test]
fn its_randomness_is_the_devices() {
    let drawn = [1, 1, 2].map(|seed| tries(&mut nosy(seed), "random", ""));
    assert_eq!(drawn[0], drawn[1]);
    assert_ne!(drawn[0], drawn[2]);
}

#[test]
fn to_sleep_and_to_exit_are_failures_that_say_what_to_do() {
    let mut device = nosy(0);
    assert_eq!(
        fails(&mut device, "sleep"),
        "it waits within a call; a device waits with timers (setpoint:device/timers)"
    );
    device.advance(Duration::from_secs(2)).unwrap();
    assert_eq!(
        fails(&mut device, "exit"),
        "it exits; a device runs until its host stops it"
    );
    device.advance(Duration::from_secs(5)).unwrap();
    assert_eq!(tries(&mut device, "input", ""), json!({ "got": "\"\"" }));
}
