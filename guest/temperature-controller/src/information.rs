//! What the device says of itself: its serial number, and component deviceInformation.

use crate::or_log;
use setpoint_guest::{Host, Json, Member};

const COMPONENT: &str = "deviceInformation";
/// All that a 32-bit memory can grow to. The sandbox may allow less, and does not say how much.
const ADDRESSABLE_KIB: u32 = 4 * 1024 * 1024;

/// Reports everything that stays as it is while the device runs.
pub(crate) fn report(host: &mut impl Host) {
    let serial_number = host
        .config("serialNumber")
        .unwrap_or_else(|| host.assignment().device_id);
    or_log(host, "the serial number", |host| {
        host.report("serialNumber", serial_number)
    });
    let information: [(&str, Json); 8] = [
        ("manufacturer", "Setpoint".into()),
        ("model", "Temperature controller".into()),
        ("swVersion", env!("CARGO_PKG_VERSION").into()),
        ("osName", "none".into()),
        ("processorArchitecture", "wasm32".into()),
        ("processorManufacturer", "none: a virtual processor".into()),
        ("totalStorage", 0.into()),
        ("totalMemory", ADDRESSABLE_KIB.into()),
    ];
    for (name, value) in information {
        or_log(host, name, |host| host.report(Member::of(COMPONENT, name), value));
    }
}
