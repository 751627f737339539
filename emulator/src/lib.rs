//! The local Azure IoT: Device Provisioning Service, IoT Hub and its service API on this machine.

mod authority;
pub mod identity;
mod private_file;
pub mod state;

pub use state::{Enrollments, Hub};
