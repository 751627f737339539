//! What a file declares for the emulator to begin with: further hubs, devices, enrolments and groups.
//!
//! [`Declaration::open`] reads the file (`document.rs`) and gives those who have no keys some, which `keys.rs` keeps beside the
//! identity; [`crate::Emulator::start_declared`] has it applied (`apply.rs`). Applied again, it changes nothing that has not
//! changed in the file: what devices and services wrote meanwhile stays.

mod apply;
mod document;
mod keys;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use serde_saphyr::{Error, Location, MessageFormatter, Spanned, UserMessageFormatter};
use setpoint_protocol::{Endpoint, Key};

use crate::{
    identity::Identity,
    state::{DeviceKeys, Limit, UnknownThrottle},
};
use document::{DeclaredHub, Document, Symmetric};
use keys::KeptKeys;

/// Largest file, in bytes: some thousand devices.
const LARGEST: u64 = 4 << 20;

/// What a file declares. Holds keys; its `Debug` shows none of them.
#[derive(Default)]
pub struct Declaration {
    file: String,
    folder: PathBuf,
    document: Document,
}

/// What is wrong with a declaration, in one line.
#[derive(Debug, thiserror::Error)]
pub enum DeclarationError {
    /// The file cannot be read.
    #[error("{}: {reason}; give the path of a file that declares hubs, devices or enrollments", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's words, or ours.
        reason: String,
    },
    /// It says something that cannot be.
    #[error("{file}:{line}:{column}: {reason}")]
    Wrong {
        /// The file.
        file: String,
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
        /// What, and what would be right.
        reason: String,
    },
    /// The keys that were made cannot be kept.
    #[error("{}: {error}; choose a directory you may write to with --data", path.display())]
    Keys {
        /// The file they are kept in.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// Something declared that has keys, to be told to whoever starts the emulator.
pub struct Keyed<'a> {
    /// What it is.
    pub kind: Kind<'a>,
    /// Its id.
    pub id: &'a str,
    /// Its primary key. Secret.
    pub key: Key,
}

/// What has keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A device, in the hub of this name when it is not the emulator's own.
    Device(Option<&'a str>),
    /// An individual enrolment.
    Enrollment,
    /// A group.
    Group,
}

impl Declaration {
    /// Reads a file. Keys that it leaves out are made, and kept in the identity's directory for the next time.
    ///
    /// # Errors
    ///
    /// [`DeclarationError`]; where the file is wrong, with line and column.
    pub fn open(path: &Path, identity: &Identity) -> Result<Declaration, DeclarationError> {
        let unreadable = |reason: String| DeclarationError::Unreadable {
            file: path.to_owned(),
            reason,
        };
        let size = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
        if size > LARGEST {
            return Err(unreadable(format!("{size} bytes are more than {LARGEST}")));
        }
        let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        let mut declaration = Declaration::parse(&path.display().to_string(), &text)?;
        declaration.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        declaration.complete(identity)?;
        Ok(declaration)
    }

    /// Reads a text; `file` is what messages call it. Keys that it leaves out are not made.
    fn parse(file: &str, text: &str) -> Result<Declaration, DeclarationError> {
        let mut declaration = Declaration {
            file: file.to_owned(),
            ..Declaration::default()
        };
        declaration.document = serde_saphyr::from_str(text).map_err(|error| {
            let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
            DeclarationError::Wrong {
                file: file.to_owned(),
                line,
                column,
                reason: complaint(&error),
            }
        })?;
        declaration.check_hubs()?;
        Ok(declaration)
    }

    fn check_hubs(&self) -> Result<(), DeclarationError> {
        let mut names = BTreeSet::new();
        for hub in &self.document.hubs {
            let name = &hub.value.name;
            if !name.parse::<Endpoint>().is_ok_and(|endpoint| endpoint.port.is_none()) {
                return Err(self.wrong(hub, "a hub has a host name or an address, without a port"));
            }
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(self.wrong(hub, format!("there is a hub {name} already")));
            }
            self.limits(hub)?;
        }
        Ok(())
    }

    /// The throttles that the file gives a hub; `None` when it says nothing of them.
    fn limits(&self, hub: &Spanned<DeclaredHub>) -> Result<Option<Vec<Limit>>, DeclarationError> {
        let Some(words) = &hub.value.throttle else {
            return Ok(None);
        };
        let read = |word: &Spanned<String>| {
            let limit = word.value.parse();
            limit.map_err(|error: UnknownThrottle| self.wrong(word, format!("{error}; s1 is all of them")))
        };
        words.iter().map(read).collect::<Result<_, _>>().map(Some)
    }

    /// Makes the keys that are left out.
    fn complete(&mut self, identity: &Identity) -> Result<(), DeclarationError> {
        let path = identity.directory().map(keys::path);
        let failed = |error| DeclarationError::Keys {
            path: path.clone().unwrap_or_default(),
            error,
        };
        let mut kept = KeptKeys::open(identity.directory()).map_err(failed)?;
        let Document {
            devices,
            enrollments,
            groups,
            ..
        } = &mut self.document;
        for device in devices.iter_mut().filter(|device| device.certificates.is_empty()) {
            let hub = device.hub.as_ref().map_or("", |hub| &hub.value);
            let name = format!("devices/{hub}/{}", device.id.value);
            kept.complete(&name, &mut device.symmetric_key).map_err(failed)?;
        }
        for (collection, enrolled) in [("enrollments", enrollments), ("enrollmentGroups", groups)] {
            for enrolled in enrolled.iter_mut().filter(|enrolled| enrolled.certificates.is_empty()) {
                let name = format!("{collection}/{}", enrolled.id.value.to_ascii_lowercase());
                kept.complete(&name, &mut enrolled.symmetric_key).map_err(failed)?;
            }
        }
        kept.save().map_err(failed)
    }

    /// The names of the hubs beside the emulator's own.
    pub fn hubs(&self) -> impl Iterator<Item = &str> {
        self.document.hubs.iter().map(|hub| hub.value.name.as_str())
    }

    /// Whether the file says which throttles the hub of this name has.
    pub(crate) fn throttles(&self, name: &str) -> bool {
        let mut hubs = self.document.hubs.iter();
        hubs.any(|hub| hub.value.name == name && hub.value.throttle.is_some())
    }

    /// Everything that has keys, in the order of the file, devices first.
    pub fn keyed(&self) -> Vec<Keyed<'_>> {
        fn keyed<'a>(kind: Kind<'a>, id: &'a Spanned<String>, key: &Option<Symmetric>) -> Option<Keyed<'a>> {
            let [key, _] = key.as_ref()?.keys().ok()?;
            Some(Keyed {
                kind,
                id: &id.value,
                key,
            })
        }
        let Document {
            devices,
            enrollments,
            groups,
            ..
        } = &self.document;
        let devices = devices.iter().filter_map(|device| {
            let hub = device.hub.as_ref().map(|hub| hub.value.as_str());
            keyed(Kind::Device(hub), &device.id, &device.symmetric_key)
        });
        let enrollments = enrollments
            .iter()
            .filter_map(|one| keyed(Kind::Enrollment, &one.id, &one.symmetric_key));
        let groups = groups
            .iter()
            .filter_map(|one| keyed(Kind::Group, &one.id, &one.symmetric_key));
        devices.chain(enrollments).chain(groups).collect()
    }

    fn wrong<T>(&self, at: &Spanned<T>, reason: impl Into<String>) -> DeclarationError {
        let at: Location = at.referenced;
        DeclarationError::Wrong {
            file: self.file.clone(),
            line: at.line(),
            column: at.column(),
            reason: reason.into(),
        }
    }
}

impl std::fmt::Debug for Declaration {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Declaration")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Symmetric {
    /// Both keys.
    fn keys(&self) -> Result<DeviceKeys, String> {
        let read = |name: &str, text: &str| Key::from_base64(text).map_err(|error| format!("{name}: {error}"));
        Ok([
            read("primaryKey", &self.primary_key)?,
            read("secondaryKey", &self.secondary_key)?,
        ])
    }
}

/// The parser's complaint, in one line.
fn complaint(error: &Error) -> String {
    let text = match error.without_snippet() {
        Error::Unexpected { expected, .. } if *expected == "sequence start" => "a list belongs here".into(),
        Error::Unexpected { expected, .. } if *expected == "mapping start" => {
            "names with values belong here, as in { id: thermostat-1 }".into()
        }
        other => UserMessageFormatter.format_message(other),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
