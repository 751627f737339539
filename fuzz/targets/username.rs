//! MQTT user names of hub and DPS: what is read is written as something that is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use setpoint_protocol::{DpsUsername, HubUsername, Username};

fuzz_target!(|text: &str| {
    let Ok(username) = Username::parse(text) else { return };
    let built = match &username {
        Username::Hub(hub) => hub.to_string(),
        Username::Dps(dps) => dps.to_string(),
    };
    assert_eq!(Username::parse(&built).as_ref(), Ok(&username));
    match username {
        Username::Hub(hub) => assert_eq!(HubUsername::parse(&built), Ok(hub)),
        Username::Dps(dps) => assert_eq!(DpsUsername::parse(&built), Ok(dps)),
    }
});
