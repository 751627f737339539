//! What a guest can find in its own memory while it runs against a hub: what it was given, and no credential.
//!
//! The guest gives its memory away, piece by piece, and the test searches it: a guest that were told what to look for would
//! find that.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use setpoint_protocol::Key;
use setpoint_tests::{Place, Running};

use super::module::Module;

/// Reads all it may, keeps it, and at every command answers with the next 32 KiB of its memory in hexadecimal; with null
/// at the end.
fn open_book() -> Module {
    let dump = r#"
        (data (i32.const 340) "0123456789abcdef")
        (func $hex (param i32) (result i32) (i32.load8_u offset=340 (i32.and (local.get 0) (i32.const 15))))
        (func $dump (local $index i32) (local $byte i32) (local $to i32)
            (i32.store (i32.const 1088) (i32.lt_u (global.get $count) (i32.shl (memory.size) (i32.const 16))))
            (if (i32.eqz (i32.load (i32.const 1088))) (then (return)))
            (i32.store8 (i32.const 917504) (i32.const 34))
            (local.set $to (i32.const 917505))
            (loop $on
                (local.set $byte (i32.load8_u (i32.add (global.get $count) (local.get $index))))
                (i32.store8 (local.get $to) (call $hex (i32.shr_u (local.get $byte) (i32.const 4))))
                (i32.store8 offset=1 (local.get $to) (call $hex (local.get $byte)))
                (local.set $to (i32.add (local.get $to) (i32.const 2)))
                (local.set $index (i32.add (local.get $index) (i32.const 1)))
                (br_if $on (i32.lt_u (local.get $index) (i32.const 32768))))
            (i32.store8 (local.get $to) (i32.const 34))
            (i32.store (i32.const 1092) (i32.const 917504))
            (i32.store (i32.const 1096) (i32.const 65538))
            (global.set $count (i32.add (global.get $count) (i32.const 32768))))"#;
    Module::new()
        .pages(16)
        .forgets_nothing()
        .with(dump)
        .does(
            "start",
            "(call $config (i32.const 320) (i32.const 4) (i32.const 1300)) (call $assignment (i32.const 1400))",
        )
        .does("timer-fired", "(drop (call $say))")
        .does("invoke", "(call $dump)")
}

/// All of the guest's memory.
async fn memory(place: &Place) -> Vec<u8> {
    let mut memory = Vec::new();
    loop {
        let patience = Duration::from_secs(30);
        let hub = place.emulator.hub();
        let called = hub.call_method(place.identity.device_id(), "dump", None, Duration::ZERO, patience);
        let result = called.await.unwrap();
        assert_eq!(result.status, 200);
        match result.payload {
            Value::String(digits) => {
                let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
                memory.extend(digits.as_bytes().chunks(2).map(byte));
            }
            Value::Null => return memory,
            other => panic!("{other}"),
        }
    }
}

fn holds(memory: &[u8], needle: &[u8]) -> bool {
    assert!(needle.len() >= 8, "short enough to be there by chance");
    memory.windows(needle.len()).any(|window| window == needle)
}

async fn finds_what_it_was_given_and_no_credential(place: Place, mut device: Running) {
    device.delivered().await;
    let memory = memory(&place).await;
    assert_eq!(memory.len(), 16 << 16);
    // That the search finds what is there: what the operator set, and the assignment.
    assert!(holds(&memory, b"set by the operator"));
    assert!(holds(&memory, place.identity.device_id().as_bytes()));
    let keys = place.identity.device_keys().iter().chain(place.identity.group_keys());
    for key in keys.map(Key::to_base64) {
        assert!(!holds(&memory, key.as_bytes()));
        assert!(!holds(&memory, &STANDARD.decode(&key).unwrap()));
    }
    // Every token of the device, for provisioning and for the hub, begins like this.
    assert!(!holds(&memory, b"SharedAccessSignature"));
    assert!(!holds(&memory, b"SharedAccessKey"));
    device.stop().await.unwrap();
}

const CONFIG: [(&str, &str); 1] = [("name", "set by the operator")];

#[tokio::test]
async fn no_credential_is_in_the_memory_of_a_guest_that_was_provisioned() {
    let place = Place::new().await;
    let device = place.run(&open_book().bytes(), &CONFIG);
    finds_what_it_was_given_and_no_credential(place, device).await;
}

#[tokio::test]
async fn nor_in_that_of_one_with_a_connection_string() {
    let place = Place::new().await;
    let device = place.run_by_connection_string(&open_book().bytes(), &CONFIG);
    finds_what_it_was_given_and_no_credential(place, device).await;
}
