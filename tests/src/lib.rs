//! What the whole-system tests share: guests that only they run, and a local Azure IoT with devices on it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

mod foreign_guest;
pub mod kept;
pub mod kill;
mod loopback;
pub mod oracle;
mod place;
pub mod proxy;
mod route;
pub mod soak;
pub mod venv;

pub use foreign_guest::{THERMOSTATS, foreign_guest, sandbox, sandbox_within, test_natively};
pub use loopback::loopback_address;
pub use place::{Observed, Place, Running, plain};
pub use proxy::Proxy;
pub use route::Route;

/// The counter, `dtmi:com:example:Counter;1`: another guest than the thermostat.
pub const COUNTER: &[u8] = include_bytes!(env!("COUNTER"));

/// The rogue, which does what its configuration says and a device must not.
pub const ROGUE: &[u8] = include_bytes!(env!("ROGUE"));

/// The temperature controller, `dtmi:com:example:TemperatureController;2`: a guest whose model has components.
pub const TEMPERATURE_CONTROLLER: &[u8] = include_bytes!(env!("TEMPERATURE_CONTROLLER"));

/// The tank, `dtmi:com:example:Wrong;1`, which breaks the rule of its model that its configuration names.
pub const WRONG: &[u8] = include_bytes!(env!("WRONG"));

/// The nosy one, which tries what WASI offers: a component for `wasm32-wasip2`.
pub const NOSY: &[u8] = include_bytes!(env!("NOSY"));

/// The caller, which opens a socket: a component for `wasm32-wasip2`.
pub const CALLER: &[u8] = include_bytes!(env!("CALLER"));
