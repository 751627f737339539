//! `setpoint componentize`: a core module becomes a component.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use setpoint::sandbox::{as_component, name_of, read};

/// Wraps a core module that wit-bindgen made into a component
#[derive(Args)]
#[command(after_help = "Example:
  cargo build --release --target wasm32-unknown-unknown
  setpoint componentize target/wasm32-unknown-unknown/release/my_device.wasm -o my-device.wasm")]
pub(crate) struct Componentize {
    /// The core module; a component is copied as it is
    core: PathBuf,

    /// Where the component goes
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

impl Componentize {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let module = read(&self.core)?;
        let component = as_component(&name_of(&self.core), &module)?;
        std::fs::write(&self.output, &component).with_context(|| self.output.display().to_string())
    }
}
