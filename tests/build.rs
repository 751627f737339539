//! Builds what tests need and the `setpoint` command does not bring along: guests, and the contract in C.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use setpoint_guest_build::{BuildError, component, core_module};
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

type Build = fn(&str) -> Result<PathBuf, BuildError>;

/// Each with how it is built. The last two are made to call WASI.
const GUESTS: [(&[&str], Build); 2] = [
    (&["counter", "rogue", "wrong", "temperature-controller"], core_module),
    (&["nosy", "caller"], component),
];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={error:#}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> anyhow::Result<()> {
    for (guests, build) in GUESTS {
        for guest in guests {
            println!("cargo::rustc-env={}={}", variable(guest), build(guest)?.display());
        }
    }
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    let bindings = out.join("c-bindings");
    generate_c(&bindings).context("wit-bindgen did not put the contract in C")?;
    println!("cargo::rustc-env=C_BINDINGS={}", bindings.display());
    // Cargo names its folder for tests to the tests alone, not to the library they share. It lies beside the profiles:
    // four folders above target/debug/build/setpoint-tests-0123456789abcdef/out.
    if let Some(target) = out.ancestors().nth(4) {
        println!("cargo::rustc-env=TARGET_TMPDIR={}", target.join("tmp").display());
    }
    Ok(())
}

/// From `temperature-controller` to `TEMPERATURE_CONTROLLER`.
fn variable(guest: &str) -> String {
    guest.to_uppercase().replace('-', "_")
}

/// What guest/thermostat-c/bindings is to hold.
fn generate_c(into: &Path) -> anyhow::Result<()> {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let contract = folder.context("cargo names no package")?.join("../wit");
    println!("cargo::rerun-if-changed={}", contract.display());
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(&contract)?;
    let world = resolve.select_world(&[package], Some("device-guest"))?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default()
        .build()
        .generate(&mut resolve, world, &mut files)?;
    if into.exists() {
        fs::remove_dir_all(into)?;
    }
    fs::create_dir_all(into)?;
    for (name, content) in files.iter() {
        fs::write(into.join(name), content)?;
    }
    Ok(())
}
