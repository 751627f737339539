//! Guests: any bytes, and, after a first byte of 1, the built-in guest with changes: a place of three bytes and the byte to put
//! there, again and again. After a first byte of 2 it is also cut off at the first of the places.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use setpoint::sandbox::{Limits, Program, Sandbox, THERMOSTAT};

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let limits = Limits {
        instances: 1,
        ..Limits::default()
    };
    Sandbox::new(limits, None).expect("there is a sandbox")
});

fn changed(edits: &[u8], cut: bool) -> Vec<u8> {
    let mut guest = THERMOSTAT.to_vec();
    for (number, edit) in edits.chunks_exact(4).enumerate() {
        let [a, b, c, byte] = edit.try_into().expect("four bytes");
        let place = usize::try_from(u32::from_be_bytes([0, a, b, c])).expect("it fits") % THERMOSTAT.len();
        if cut && number == 0 {
            guest.truncate(place);
        } else if let Some(slot) = guest.get_mut(place) {
            *slot = byte;
        }
    }
    guest
}

fuzz_target!(|data: &[u8]| {
    let guest = match data.split_first() {
        Some((1, edits)) => changed(edits, false),
        Some((2, edits)) => changed(edits, true),
        _ => data.to_vec(),
    };
    if let Err(error) = Program::load(&SANDBOX, "guest", &guest) {
        assert!(error.to_string().starts_with("guest: "));
    }
});
