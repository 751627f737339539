//! Guests that take what there is.

use std::time::Duration;

use setpoint::sandbox::{Limits, LoadError, Program, Sandbox};

use super::module::Module;
use super::provoke::{PLACES, doing, logged, start, trap};

#[test]
fn memory_has_an_end_and_the_failure_says_so() {
    let hoard = "(loop $on (br_if $on (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)";
    let (_, reason) = trap(&doing("receive", hoard), "receive");
    assert!(
        reason.contains("refused memory: it wanted 16842752 bytes in all"),
        "{reason}"
    );
}

#[test]
fn a_guest_that_begins_with_too_much_does_not_begin() {
    let sandbox = Sandbox::new(Limits::default(), None).unwrap();
    let error = Program::load(&sandbox, "guest", &Module::new().pages(257).bytes())
        .err()
        .unwrap();
    assert!(
        matches!(
            error,
            LoadError::TooMuchMemory {
                wants: 16_842_752,
                limit: 16_777_216,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().ends_with("or give it --memory 17"), "{error}");
    // As much as that is enough.
    let limits = Limits {
        memory: 17 << 20,
        ..Limits::default()
    };
    let sandbox = Sandbox::new(limits, None).unwrap();
    assert!(Program::load(&sandbox, "guest", &Module::new().pages(257).bytes()).is_ok());
}

#[test]
fn tables_that_begin_too_large_do_not_begin() {
    let sandbox = Sandbox::new(Limits::default(), None).unwrap();
    for tables in [
        "(table 10000000 funcref)",
        "(table 1 funcref) (table 1 funcref) (table 1 funcref)",
    ] {
        let error = Program::load(&sandbox, "guest", &Module::new().with(tables).bytes()).err();
        assert!(matches!(error, Some(LoadError::Unfit { .. })), "{tables}: {error:?}");
    }
}

#[test]
fn tables_have_an_end_and_the_guest_lives() {
    let hoard = "(loop $on (br_if $on (i32.ne (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1))))
        (call $digit (i32.div_u (table.size $table) (i32.const 100000)))";
    let mut device = start(&doing("receive", hoard));
    device.hub().message(b"", Vec::new());
    device.settle().unwrap();
    assert_eq!(logged(&mut device), ["0"]);
    assert!(device.failures().is_empty());
}

#[test]
fn the_stack_has_an_end_at_every_place() {
    for place in PLACES {
        let (_, reason) = trap(&doing(place, "(drop (call $dig (i64.const 1)))"), place);
        assert!(reason.contains("call stack exhausted"), "{place}: {reason}");
    }
}

#[test]
fn the_most_it_held_is_known_also_when_it_is_gone() {
    let grow = "(drop (memory.grow (i32.const 96))) (unreachable)";
    let mut device = start(&doing("receive", grow));
    assert_eq!(device.status().unwrap().memory_peak, 64 << 16);
    device.hub().message(b"", Vec::new());
    device.settle().unwrap();
    assert_eq!(device.status().unwrap().memory_peak, 160 << 16);
    device.advance(Duration::from_millis(1_100)).unwrap();
    assert_eq!(device.status().unwrap().memory_peak, 160 << 16);
}
