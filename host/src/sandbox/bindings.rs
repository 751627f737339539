//! What wasmtime makes of the WIT package. It stays inside the sandbox: what leaves it are this crate's own types.

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "device-guest",
        imports: { "setpoint:device/timers": trappable, "setpoint:device/provisioning": trappable },
    });
}

pub(super) use generated::exports::setpoint::device::device;
pub(super) use generated::setpoint::device::{
    clock, commands, config, logging, properties, provisioning, random, telemetry, timers, types,
};
pub(super) use generated::{DeviceGuest, DeviceGuestPre};
