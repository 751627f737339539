//! Compiled code on disk: loading it takes 0.15 ms where compiling the Rust thermostat takes 25 and a Python guest 5,000.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::load::hexadecimal;
use super::permission::Permission;
use super::versions::VERSIONS;

/// A folder of compiled guests, private to this user.
///
/// What lies in it is run as native code, unchecked. So the folder is refused when anybody else may write to it, and only
/// this type writes there.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens the folder, made at need. An error says why it cannot be trusted; the host then compiles every time.
    pub fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let metadata = std::fs::symlink_metadata(folder)?;
        let user = rustix::process::geteuid().as_raw();
        if !metadata.is_dir() || metadata.permissions().mode() & 0o022 != 0 || metadata.uid() != user {
            let why = format!(
                "{} is writable by others; make it yours alone (chmod 700)",
                folder.display()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The name a guest is kept under: its bytes' digest, everything of the engine that its code depends on, and what it was
    /// checked against.
    pub(super) fn key(&self, engine: &Engine, allow: &BTreeSet<Permission>, sha256: &str) -> String {
        let mut hash = Sha256::new();
        engine.precompile_compatibility_hash().hash(&mut Digesting(&mut hash));
        // What is in the cache is not checked against the contract again.
        for version in VERSIONS {
            hash.update(version.number());
        }
        for permission in allow {
            hash.update(permission.name());
        }
        hash.update(sha256);
        hexadecimal(&hash.finalize()) + ".cwasm"
    }

    pub(super) fn load(&self, engine: &Engine, key: &str) -> Option<Component> {
        let path = self.folder.join(key);
        if !path.is_file() {
            return None;
        }
        #[allow(
            unsafe_code,
            reason = "the file was written by `store` into a folder that is this user's alone"
        )]
        let loaded = unsafe { Component::deserialize_file(engine, &path) };
        loaded
            .inspect_err(|error| tracing::warn!(%error, "a compiled guest cannot be used and is made again"))
            .ok()
    }

    /// Failing to keep it costs time at the next start, nothing else.
    pub(super) fn store(&self, key: &str, component: &Component) {
        let kept = component
            .serialize()
            .map_err(io::Error::other)
            .and_then(|code| self.write(key, &code));
        if let Err(error) = kept {
            tracing::warn!(%error, folder = %self.folder.display(), "compiled code is not kept");
        }
    }

    /// Written beside and renamed, so that nobody ever loads half a file.
    fn write(&self, key: &str, code: &[u8]) -> io::Result<()> {
        let beside = self.folder.join(format!("{key}.{}.new", std::process::id()));
        let mut file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(code)
            // Before it gets its name: after a power cut there is all of it or nothing.
            .and_then(|()| file.sync_all())
            .and_then(|()| std::fs::rename(&beside, self.folder.join(key)))
            .inspect_err(|_| {
                // Nothing more can be done about it than about the error itself.
                let _ = std::fs::remove_file(&beside);
            })
    }
}

/// Feeds what implements [`Hash`] into a digest that is the same in every process.
struct Digesting<'a>(&'a mut Sha256);

impl Hasher for Digesting<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Limits, Program, Sandbox, THERMOSTAT};

    #[test]
    fn a_guest_is_compiled_once() {
        let folder = tempfile::tempdir().unwrap();
        let cached = || Sandbox::new(Limits::default(), Some(Cache::open(folder.path()).unwrap())).unwrap();
        Program::load(&cached(), "thermostat", THERMOSTAT).unwrap();
        let files: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        assert_eq!(files.len(), 1);
        let written = std::fs::metadata(&files[0]).unwrap().modified().unwrap();
        Program::load(&cached(), "thermostat", THERMOSTAT).unwrap();
        assert_eq!(std::fs::metadata(&files[0]).unwrap().modified().unwrap(), written);
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(
            Cache::open(folder.path()).unwrap_err().kind(),
            io::ErrorKind::PermissionDenied
        );
    }

    #[test]
    fn a_damaged_file_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::new(Limits::default(), Some(Cache::open(folder.path()).unwrap())).unwrap();
        let thermostat = Program::load(&sandbox, "thermostat", THERMOSTAT).unwrap();
        let key = sandbox
            .cache
            .as_ref()
            .unwrap()
            .key(&sandbox.engine, &sandbox.limits.allow, thermostat.sha256());
        std::fs::write(folder.path().join(&key), b"half a file").unwrap();
        Program::load(&sandbox, "thermostat", THERMOSTAT).unwrap();
        assert!(std::fs::metadata(folder.path().join(&key)).unwrap().len() > 1000);
    }
}
