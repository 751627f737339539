//! The guest that is part of the program.

/// The thermostat, `dtmi:com:example:Thermostat;1`: a core module with its component type, as `build.rs` made it.
pub const THERMOSTAT: &[u8] = include_bytes!(env!("SETPOINT_THERMOSTAT"));
