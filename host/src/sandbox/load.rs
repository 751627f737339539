//! From bytes to a program that can be instantiated.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmparser::{BinaryReaderError, Parser, Payload};
use wasmtime::component::Component;
use wit_component::ComponentEncoder;

use super::contract::Contract;
use super::engine::Sandbox;
use super::permission::Permission;
use super::versions::{self, Prepared};

/// Why bytes are not a guest for this host. Each names the guest and what to do.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{}: {reason}; give the path of a component", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// Something else altogether.
    #[error("{guest}: is not WebAssembly; give a component, or a core module that wit-bindgen made")]
    NotWasm {
        /// The guest's name.
        guest: String,
    },
    /// A module from another tool chain.
    #[error(
        "{guest}: is a core module without component metadata; build it with wit-bindgen against wit/device.wit (in Rust: the setpoint-guest crate)"
    )]
    NoMetadata {
        /// The guest's name.
        guest: String,
    },
    /// Bytes that begin well and go on badly.
    #[error("{guest}: is damaged WebAssembly: {reason}; build it again")]
    Damaged {
        /// The guest's name.
        guest: String,
        /// The parser's words.
        reason: String,
    },
    /// What this host gives to nobody.
    #[error(
        "{guest}: imports {import}, which this host does not give; build it without (`setpoint inspect` lists all imports)"
    )]
    UnknownImport {
        /// The guest's name.
        guest: String,
        /// What it wants.
        import: String,
    },
    /// What this host gives only if it is allowed.
    #[error(
        "{guest}: imports {import}, which it may not; allow it with --allow {}, or build it without", .permission.name()
    )]
    NotAllowed {
        /// The guest's name.
        guest: String,
        /// What it wants.
        import: String,
        /// What would give it.
        permission: Permission,
    },
    /// Another contract.
    #[error(
        "{guest}: was built for {built_for}, this host gives {given}; build it again with the WIT package of this host"
    )]
    OtherVersion {
        /// The guest's name.
        guest: String,
        /// The guest's package and version.
        built_for: String,
        /// The host's.
        given: String,
    },
    /// A component, but no device.
    #[error("{guest}: does not export {export}; a device implements that interface of wit/device.wit")]
    NoDevice {
        /// The guest's name.
        guest: String,
        /// The interface missing.
        export: String,
    },
    /// It would not get what it begins with.
    #[error(
        "{guest}: begins with {wants} bytes of memory and may have {limit}; build it for less, or give it --memory {}", mebibytes(*.wants)
    )]
    TooMuchMemory {
        /// The guest's name.
        guest: String,
        /// Bytes it begins with.
        wants: u64,
        /// Bytes it may have.
        limit: u64,
    },
    /// The names are right, what is behind them is not.
    #[error("{guest}: does not fit the contract: {reason}; build it again with the WIT package of this host")]
    Unfit {
        /// The guest's name.
        guest: String,
        /// wasmtime's words.
        reason: String,
    },
}

/// As `--memory` counts: in full MiB, rounded up.
fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

/// A guest that was checked and compiled, ready to be instantiated any number of times. Cheap to clone.
#[derive(Clone)]
pub struct Program {
    pub(super) name: String,
    sha256: String,
    pub(super) sandbox: Sandbox,
    pub(super) prepared: Arc<dyn Prepared>,
}

impl Program {
    /// Loads a component, or a core module that wit-bindgen made, from a file. Its name is the file's.
    pub fn open(sandbox: &Sandbox, path: &Path) -> Result<Self, LoadError> {
        let bytes = read(path)?;
        Self::load(sandbox, &name_of(path), &bytes)
    }

    /// Loads it from memory.
    pub fn load(sandbox: &Sandbox, name: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        let unfit = |error: wasmtime::Error| LoadError::Unfit {
            guest: name.to_owned(),
            reason: error.root_cause().to_string(),
        };
        let sha256 = hexadecimal(&Sha256::digest(bytes));
        let key = sandbox
            .cache
            .as_ref()
            .map(|cache| cache.key(&sandbox.engine, &sandbox.limits.allow, &sha256));
        let cached = sandbox
            .cache
            .as_ref()
            .zip(key.as_ref())
            .and_then(|(cache, key)| cache.load(&sandbox.engine, key));
        let component = match cached {
            // Only what was checked before is in the cache.
            Some(component) => component,
            None => {
                let source = as_component(name, bytes)?;
                Contract::read(name, &source)?.check(name, &sandbox.limits)?;
                let component = Component::new(&sandbox.engine, &source).map_err(unfit)?;
                if let Some((cache, key)) = sandbox.cache.as_ref().zip(key.as_ref()) {
                    cache.store(key, &component);
                }
                component
            }
        };
        let prepared = versions::prepare(&sandbox.linker, &component).map_err(unfit)?;
        Ok(Self {
            name: name.to_owned(),
            sha256,
            sandbox: sandbox.clone(),
            prepared,
        })
    }
}

impl Program {
    /// Its name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the bytes it was loaded from, in hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Where it was loaded.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }
}

/// A digest, in digits.
pub(super) fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a guest's file.
pub fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    std::fs::read(path).map_err(|reason| LoadError::Unreadable {
        path: path.to_owned(),
        reason,
    })
}

/// What a guest from this file is called: the file's name without its ending.
pub fn name_of(path: &Path) -> String {
    path.file_stem()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// The bytes themselves when they are a component; a core module that wit-bindgen made is wrapped into one.
pub fn as_component<'a>(name: &str, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, LoadError> {
    let guest = || name.to_owned();
    if Parser::is_component(bytes) {
        return Ok(Cow::Borrowed(bytes));
    }
    if !Parser::is_core_wasm(bytes) {
        return Err(LoadError::NotWasm { guest: guest() });
    }
    if !has_metadata(bytes).map_err(|error| LoadError::Damaged {
        guest: guest(),
        reason: error.to_string(),
    })? {
        return Err(LoadError::NoMetadata { guest: guest() });
    }
    let wrapped = ComponentEncoder::default()
        .validate(true)
        .module(bytes)
        .and_then(|mut encoder| encoder.encode());
    wrapped.map(Cow::Owned).map_err(|error| LoadError::Unfit {
        guest: guest(),
        reason: error.root_cause().to_string(),
    })
}

/// Whether a core module carries the description of its world that wit-bindgen leaves in it. Reads to the end, so that a
/// module that breaks off is known as such.
fn has_metadata(module: &[u8]) -> Result<bool, BinaryReaderError> {
    let mut found = false;
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CustomSection(section) = payload? {
            found |= section.name().starts_with("component-type");
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Limits;

    fn load(bytes: &[u8]) -> LoadError {
        let sandbox = Sandbox::new(Limits::default(), None).unwrap();
        Program::load(&sandbox, "guest", bytes).err().unwrap()
    }

    #[test]
    fn a_text_file_is_not_wasm() {
        assert!(matches!(load(b"#!/bin/sh"), LoadError::NotWasm { .. }));
        assert!(matches!(load(b""), LoadError::NotWasm { .. }));
    }

    #[test]
    fn a_bare_core_module_lacks_metadata() {
        let module = wat::parse_str("(module (memory 1))").unwrap();
        assert!(matches!(load(&module), LoadError::NoMetadata { .. }));
    }

    #[test]
    fn a_truncated_guest_is_damaged_at_every_length() {
        let module = super::super::THERMOSTAT;
        for length in (8..module.len()).step_by(997) {
            let error = load(module.get(..length).unwrap());
            assert!(
                matches!(error, LoadError::Damaged { .. } | LoadError::NoMetadata { .. }),
                "{length}: {error}"
            );
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let sandbox = Sandbox::new(Limits::default(), None).unwrap();
        let error = Program::open(&sandbox, Path::new("no/such.wasm")).err().unwrap();
        assert!(error.to_string().starts_with("no/such.wasm: "), "{error}");
    }

    #[test]
    fn the_thermostat_imports_this_package_and_nothing_else() {
        let component = as_component("thermostat", super::super::THERMOSTAT).unwrap();
        let contract = Contract::read("thermostat", &component).unwrap();
        assert!(
            contract
                .imports
                .iter()
                .all(|import| import.name.starts_with("setpoint:device/")),
            "{contract:?}"
        );
    }
}
