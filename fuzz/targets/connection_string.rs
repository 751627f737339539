//! Connection strings of devices and operators: what is read is written as something that is read as the same, and no error
//! shows a key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use setpoint_protocol::{DeviceConnectionString, ServiceConnectionString};

fuzz_target!(|text: &str| {
    if let Ok(device) = text.parse::<DeviceConnectionString>() {
        assert_eq!(device.to_text().parse().as_ref(), Ok(&device));
    }
    if let Ok(service) = text.parse::<ServiceConnectionString>() {
        assert_eq!(service.to_text().parse().as_ref(), Ok(&service));
    }
});
