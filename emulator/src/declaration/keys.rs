//! Keys that a declaration leaves out: made once, and kept beside the identity.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use setpoint_protocol::Key;

use super::document::Symmetric;
use crate::private_file;

/// Where they are kept in the identity's directory. Secret.
pub(super) fn path(directory: &Path) -> PathBuf {
    directory.join("declared-keys.json")
}

/// The keys, by what they are for.
pub(super) struct KeptKeys {
    path: Option<PathBuf>,
    keys: BTreeMap<String, Symmetric>,
    changed: bool,
    /// Two emulators that make keys for the same thing are to agree.
    _lock: Option<File>,
}

impl KeptKeys {
    /// Those kept in the directory; none, and none will be, without one.
    pub(super) fn open(directory: Option<&Path>) -> io::Result<KeptKeys> {
        let mut kept = KeptKeys {
            path: directory.map(path),
            keys: BTreeMap::new(),
            changed: false,
            _lock: None,
        };
        let Some(directory) = directory else { return Ok(kept) };
        let lock = private_file::open(&directory.join("identity.lock"))?;
        lock.lock()?;
        kept._lock = Some(lock);
        match fs::read(path(directory)) {
            Ok(text) => {
                // serde's own words may quote a key.
                let wrong = |error: serde_json::Error| {
                    let reason = format!(
                        "not as written at line {}; remove the file to have new keys made",
                        error.line()
                    );
                    io::Error::new(io::ErrorKind::InvalidData, reason)
                };
                kept.keys = serde_json::from_slice(&text).map_err(wrong)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(kept)
    }

    /// Fills in the keys kept under a name, or new ones, when there are none.
    pub(super) fn complete(&mut self, name: &str, keys: &mut Option<Symmetric>) -> io::Result<()> {
        if keys.is_some() {
            return Ok(());
        }
        if let Some(kept) = self.keys.get(name) {
            *keys = Some(kept.clone());
            return Ok(());
        }
        let made = Symmetric {
            primary_key: make()?,
            secondary_key: make()?,
        };
        self.keys.insert(name.to_owned(), made.clone());
        self.changed = true;
        *keys = Some(made);
        Ok(())
    }

    /// Keeps what was made.
    pub(super) fn save(&self) -> io::Result<()> {
        match &self.path {
            Some(path) if self.changed => private_file::replace(path, &serde_json::to_vec_pretty(&self.keys)?),
            _ => Ok(()),
        }
    }
}

/// 32 random bytes, in base64.
fn make() -> io::Result<String> {
    let mut bytes = vec![0; 32];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the system gave no randomness to make keys from"))?;
    Ok(Key::from_bytes(bytes).to_base64())
}
