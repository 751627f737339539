//! Guests that break at every place where they can.

use super::provoke::{PLACES, doing, start, trap};

fn breaks_everywhere(statements: &str, reason: &str) {
    for place in PLACES {
        let (export, said) = trap(&doing(place, statements), place);
        assert_eq!(export, place);
        assert!(said.contains(reason), "{place}: {said}");
    }
}

#[test]
fn an_abort_ends_the_instance_at_every_place() {
    breaks_everywhere("(unreachable)", "unreachable");
}

#[test]
fn a_division_by_zero_ends_the_instance_at_every_place() {
    breaks_everywhere("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "divide by zero");
}

#[test]
fn a_number_that_fits_no_integer_ends_the_instance() {
    let (_, reason) = trap(
        &doing("receive", "(drop (i32.trunc_f64_s (f64.const 1e99)))"),
        "receive",
    );
    assert!(reason.contains("overflow"), "{reason}");
}

#[test]
fn memory_that_is_not_there_ends_the_instance() {
    let (_, reason) = trap(&doing("receive", "(drop (i32.load (i32.const -4)))"), "receive");
    assert!(reason.contains("out of bounds memory access"), "{reason}");
}

#[test]
fn a_call_of_nothing_ends_the_instance() {
    let (_, reason) = trap(&doing("receive", "(call_indirect (i32.const 0))"), "receive");
    assert!(reason.contains("uninitialized element"), "{reason}");
}

#[test]
fn a_call_of_the_host_before_start_ends_the_instance() {
    let refused = "it called an import, which a guest may do from `start` on";
    let random = "(drop (call $random))";
    for call in [random, "(drop (call $say))", "(call $digit (i32.const 7))"] {
        let (export, reason) = trap(&doing("model-id", call), "model-id");
        assert_eq!((export, reason.as_str()), ("model-id", refused), "{call}");
        // From there on it may.
        assert!(start(&doing("start", call)).failures().is_empty(), "{call}");
    }
    let (export, reason) = trap(&doing("initialisation", random), "initialisation");
    assert_eq!((export, reason.as_str()), ("initialisation", refused));
}
