//! `setpoint swap`: another guest in a running device.

use std::path::PathBuf;

use clap::Args;
use setpoint::printable;

use super::Usage;
use super::running::find;

/// Puts another guest in the place of the one that a running device has; its connection stays
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint swap my-pnp-device my-thermostat.wasm
  setpoint run --watch my-device.wasm      does it by itself whenever the file changes

The new guest is compiled and instantiated beside the old one and gets its state. Should it not start, the old one goes on and
this ends with exit code 1. A guest of another model is provisioned anew.")]
pub(crate) struct Swap {
    /// The device's id, as `setpoint devices` lists it
    device: String,

    /// A component, or a core module that wit-bindgen made
    guest: PathBuf,
}

impl Swap {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let device = find(&self.device)?;
        // The device may run in another folder.
        let guest = std::path::absolute(&self.guest).map_err(|error| {
            Usage(format!(
                "{}: {error}; give the path of a component",
                self.guest.display()
            ))
        })?;
        println!("{}", printable(&device.swap(&guest)?));
        Ok(())
    }
}
