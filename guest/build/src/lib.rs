//! Builds this workspace's guests, for build scripts.
//!
//! ```no_run
//! # use std::process::ExitCode;
//! fn main() -> ExitCode {
//!     match setpoint_guest_build::core_module("thermostat") {
//!         Ok(module) => {
//!             println!("cargo::rustc-env=THERMOSTAT={}", module.display());
//!             ExitCode::SUCCESS
//!         }
//!         Err(error) => {
//!             println!("cargo::error={error}");
//!             ExitCode::FAILURE
//!         }
//!     }
//! }
//! ```
//!
//! What comes out of [`core_module`] carries its component type: the host wraps it when it loads it. Out of [`component`]
//! comes a component that was linked against WASI.

mod dependencies;
mod environment;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Nothing but what the guest itself imports.
const BARE: &str = "wasm32-unknown-unknown";
/// The standard library calls WASI, and the linker wraps the module by itself.
const WASI: &str = "wasm32-wasip2";
/// In the workspace's Cargo.toml.
const PROFILE: &str = "guest";

/// Why there is no module.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo sets these variables for build scripts.
    #[error("{0} is not set: guests are built from build scripts only")]
    NotABuildScript(&'static str),
    /// The toolchain cannot build for the sandbox.
    #[error("the toolchain has no {0} target; run `rustup target add {0}`")]
    NoTarget(&'static str),
    /// A program would not run.
    #[error("{}: {reason}", program.display())]
    NotRun {
        /// The program.
        program: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// The compiler has said why, on standard error.
    #[error("the guest {0} does not build; what the compiler said is below")]
    NotBuilt(String),
    /// Cargo left no list of the files it read.
    #[error("{}: {reason}", path.display())]
    NoDependencies {
        /// The list.
        path: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
}

/// Builds the workspace package `package` and returns the path of its core module. The calling build script runs again
/// when anything the module was made of changes.
///
/// All guests share one target directory, `guests` beside the profile's, whose lock no running cargo but another call
/// of this function holds.
///
/// # Errors
/// [`BuildError`]; each fits on one line.
pub fn core_module(package: &str) -> Result<PathBuf, BuildError> {
    build(package, BARE)
}

/// The same for a guest that calls WASI, and returns the path of its component. No host runs it without permission.
///
/// # Errors
/// [`BuildError`]; each fits on one line.
pub fn component(package: &str) -> Result<PathBuf, BuildError> {
    build(package, WASI)
}

fn build(package: &str, target: &'static str) -> Result<PathBuf, BuildError> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap_or(Path::new("."));
    let rustc = PathBuf::from(variable("RUSTC")?);
    let cargo = PathBuf::from(variable("CARGO")?);
    let output = target_directory(Path::new(&variable("OUT_DIR")?));
    if !has_target(&rustc, target)? {
        return Err(BuildError::NoTarget(target));
    }

    let mut build = Command::new(&cargo);
    build.current_dir(root).args([
        "build",
        "--package",
        package,
        "--lib",
        "--target",
        target,
        "--profile",
        PROFILE,
    ]);
    build.arg("--target-dir").arg(&output);
    environment::clean(&mut build, root);
    let status = build
        .status()
        .map_err(|reason| BuildError::NotRun { program: cargo, reason })?;
    if !status.success() {
        return Err(BuildError::NotBuilt(package.to_owned()));
    }

    let module = output
        .join(target)
        .join(PROFILE)
        .join(package.replace('-', "_"))
        .with_extension("wasm");
    run_again_for(&module, root)?;
    Ok(module)
}

fn variable(name: &'static str) -> Result<OsString, BuildError> {
    std::env::var_os(name).ok_or(BuildError::NotABuildScript(name))
}

/// From `target/debug/build/setpoint-0123456789abcdef/out` to `target/guests`: all profiles share it.
fn target_directory(out: &Path) -> PathBuf {
    out.ancestors().nth(4).unwrap_or(out).join("guests")
}

/// Asked before the build, whose own words would be a page about a missing crate `core`.
fn has_target(rustc: &Path, target: &str) -> Result<bool, BuildError> {
    let mut ask = Command::new(rustc);
    ask.args(["--print", "target-libdir", "--target", target]);
    let answer = ask.output().map_err(|reason| BuildError::NotRun {
        program: rustc.to_owned(),
        reason,
    })?;
    Ok(answer.status.success() && Path::new(String::from_utf8_lossy(&answer.stdout).trim()).is_dir())
}

/// Tells cargo when the calling build script has to run again.
fn run_again_for(module: &Path, root: &Path) -> Result<(), BuildError> {
    let path = module.with_extension("d");
    let list = std::fs::read_to_string(&path).map_err(|reason| BuildError::NoDependencies { path, reason })?;
    // Cargo lists sources and what macros have read; versions and profiles are in these.
    let manifests = ["Cargo.toml", "Cargo.lock", "guest/sdk/Cargo.toml"].map(|name| root.join(name));
    let sources = dependencies::parse(&list);
    let own_manifest = sources
        .iter()
        .filter_map(|source| manifest_of(source, root))
        .collect::<std::collections::BTreeSet<_>>();
    for path in manifests.iter().chain(&own_manifest).chain(&sources) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    Ok(())
}

/// The nearest Cargo.toml above a source file, within the workspace.
fn manifest_of(source: &Path, root: &Path) -> Option<PathBuf> {
    let folders = source.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
    folders
        .map(|folder| folder.join("Cargo.toml"))
        .find(|manifest| manifest.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_lie_beside_the_profiles() {
        let out = Path::new("target/debug/build/setpoint-0123456789abcdef/out");
        assert_eq!(target_directory(out), Path::new("target/guests"));
    }

    #[test]
    fn a_source_belongs_to_the_nearest_manifest() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let source = root.join("guest/build/src/lib.rs");
        assert_eq!(manifest_of(&source, root), Some(root.join("guest/build/Cargo.toml")));
        assert_eq!(manifest_of(Path::new("/elsewhere/src/lib.rs"), root), None);
    }

    #[test]
    fn a_compiler_that_is_not_there_is_named() {
        let refusal = has_target(Path::new("no-such-rustc"), BARE).unwrap_err();
        assert!(refusal.to_string().starts_with("no-such-rustc: "), "{refusal}");
    }
}
