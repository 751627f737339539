//! Guests that never return.

use std::time::Duration;

use setpoint::sandbox::GuestError;

use super::module::Module;
use super::provoke::{PLACES, doing, failure, start};

const FOR_EVER: &str = "(loop $on (br $on))";

fn stopped(module: &Module, place: &str) -> (&'static str, Duration) {
    match failure(module, place) {
        GuestError::OverBudget { export, budget, .. } => (export, budget),
        other => panic!("{place}: {other}"),
    }
}

#[test]
fn a_loop_is_stopped_at_every_place() {
    for place in PLACES {
        let budget = match place {
            "initialisation" | "start" => Duration::from_secs(1),
            _ => Duration::from_millis(100),
        };
        assert_eq!(stopped(&doing(place, FOR_EVER), place), (place, budget));
    }
}

#[test]
fn a_loop_that_calls_the_host_is_stopped_too() {
    for call in [
        "(drop (call $random))",
        "(call $digit (i32.const 7))",
        "(call $cancel (i32.const 12345))",
        "(drop (call $respond (i32.const 320) (i32.const 4) (i32.const 200) (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(call $config (i32.const 320) (i32.const 4) (i32.const 1300))",
    ] {
        let module = doing("receive", &format!("(loop $on {call} (br $on))"));
        assert_eq!(stopped(&module, "receive").0, "receive", "{call}");
    }
}

#[test]
fn an_allocator_that_never_returns_is_stopped() {
    // The first update brings an empty list, for which nothing is allocated.
    let mut device = start(&Module::new().realloc("(loop $on (br_if $on (local.get 3))) (i32.const 65536)"));
    device.hub().message(b"text", Vec::new());
    device.settle().unwrap();
    let failures = device.failures();
    assert!(
        matches!(failures[..], [(GuestError::OverBudget { export: "receive", .. }, _)]),
        "{failures:?}"
    );
}
