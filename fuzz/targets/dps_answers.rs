//! What DPS says to a device: a topic, a null character, a body.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use setpoint::cloud::fuzzing::dps_answer;
use setpoint::cloud::{Access, DpsProvisioner, Trust};
use setpoint_emulator::Identity;
use setpoint_protocol::{Endpoint, Key};

static PROVISIONER: LazyLock<DpsProvisioner> = LazyLock::new(|| {
    let identity = Identity::temporary().expect("keys can be made");
    let trust = Trust::only(identity.ca_pem()).expect("the authority's certificate is one");
    let access = Access::with_key(Key::from_bytes(vec![7; 32]), &trust);
    DpsProvisioner::new(Endpoint::new("localhost"), "0ne00000000", "device", access)
});

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let (topic, body) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match dps_answer(&PROVISIONER, topic, body) {
        Ok(Some(assignment)) => assert!(!assignment.hub.host.is_empty()),
        Ok(None) => {}
        // One line, however long and strange the answer was.
        Err(error) => assert!(error.to_string().len() < 4096 + data.len() * 4),
    }
});
