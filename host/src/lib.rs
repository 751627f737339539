//! Runs Azure IoT Plug and Play devices as sandboxed WebAssembly components.
//!
//! A device's behaviour is a guest, compiled against the WIT package in `wit/`. This crate holds it ([`sandbox`]), drives
//! it ([`device`]), and gives it a cloud ([`cloud`]) and a time ([`clock`]); nothing else. [`testing`] runs a guest in
//! virtual time, and [`scenario`] what a file says of it; [`record`] takes down what goes in and out of one, and plays it
//! again; [`template`] makes the project of a new one; [`fleet`] runs many devices in one process. The `setpoint` command beside this library is made of the same parts.
//!
//! ```text
//! cloud ----> device ----> sandbox ----> guest (WebAssembly)
//!                ^            |
//!                +-- effects -+
//! ```

pub mod check;
pub mod clock;
pub mod cloud;
pub mod device;
pub mod effect;
pub mod fleet;
mod printable;
pub mod record;
pub mod sandbox;
pub mod scenario;
pub mod template;
pub mod testing;

pub use printable::printable;
