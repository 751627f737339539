//! Making a guest do it, wherever it does it, and seeing how it failed.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use setpoint::device::{SessionError, Verdict};
use setpoint::sandbox::{GuestError, Limits, Sandbox};
use setpoint::testing::{Setup, TestDevice, TestError};

use super::module::Module;

/// Where a guest can be made to run. Initialisation is the core module's own start function.
pub(super) const PLACES: [&str; 8] = [
    "initialisation",
    "model-id",
    "start",
    "update",
    "invoke",
    "receive",
    "timer-fired",
    "save",
];

/// A device in a sandbox that all tests of this file share: each has a place of its own in it.
pub(super) fn load(module: &Module) -> Setup {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    let sandbox = SANDBOX.get_or_init(|| Sandbox::new(Limits::default(), None).unwrap());
    TestDevice::load_into(sandbox, &module.bytes()).unwrap()
}

/// The same, started.
pub(super) fn start(module: &Module) -> TestDevice {
    load(module).start().unwrap()
}

/// A module that does this at one place.
pub(super) fn doing(place: &'static str, statements: &str) -> Module {
    match place {
        "initialisation" => Module::new().with(&format!("(func $init {statements}) (start $init)")),
        // The first update is part of the start; what is meant here is one that brings something.
        "update" => Module::new().does("update", &format!("(if (local.get 1) (then {statements}))")),
        _ => Module::new().does(place, statements),
    }
}

/// Why a guest did not start.
pub(super) fn start_failure(module: &Module) -> GuestError {
    match load(module).start() {
        Err(TestError::Guest(error) | TestError::Session(SessionError::Guest(error))) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it started"),
    }
}

/// Has a guest do what it does at this place, and returns how it failed. A guest that fails once it runs does not end the
/// session: it is started again a second later.
pub(super) fn failure(module: &Module, place: &str) -> GuestError {
    if matches!(place, "initialisation" | "model-id" | "start") {
        return start_failure(module);
    }
    let mut device = start(module);
    match place {
        "update" => device.hub().desire(json!({ "a": 1 }).as_object().unwrap().clone()),
        "invoke" => {
            let (status, _) = device.call("anything", b"1").unwrap().unwrap();
            assert_eq!(status, 500);
        }
        "receive" => device
            .hub()
            .message(b"text", vec![("key".to_owned(), "value".to_owned())]),
        "timer-fired" => device.advance(Duration::from_millis(1_500)).unwrap(),
        "save" => assert!(!device.swap(&Module::new().bytes()).unwrap().state),
        other => panic!("{other}"),
    }
    device.settle().unwrap();
    let failures = device.failures();
    let [(error, Verdict::RestartIn(pause))] = failures.as_slice() else {
        panic!("{failures:?}")
    };
    assert_eq!(*pause, Duration::from_secs(1));
    device.advance(Duration::from_millis(1_100)).unwrap();
    // Whoever the guest is now, it works; but for one that fails at the desired value it is told again, or at every command.
    if !matches!(place, "update" | "invoke") {
        assert_eq!(device.call("anything", b"").unwrap(), Some((200, Value::Null)));
    }
    error.clone()
}

/// The export at which it trapped, and the reason.
pub(super) fn trap(module: &Module, place: &str) -> (&'static str, String) {
    match failure(module, place) {
        GuestError::Trapped { export, reason, .. } => (export, reason),
        other => panic!("{other}"),
    }
}

/// What the guest logged since it was last asked.
pub(super) fn logged(device: &mut TestDevice) -> Vec<String> {
    device.logs().into_iter().map(|(_, line)| line).collect()
}
