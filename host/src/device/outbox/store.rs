//! The outbox on disk: one file for each device, in redb, which is ACID and checksummed. What is written here before a message
//! is sent or spoken of is there after a power cut.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::reported::Property;
use crate::cloud::Outgoing;
use crate::effect::Member;

/// Telemetry by id.
const TELEMETRY: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("telemetry");
/// The latest value of each reported property, by its member as JSON.
const REPORTED: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("reported");
/// What else there is of the device, by name.
const DEVICE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("device");

pub(super) const ASSIGNMENT: &str = "assignment";
pub(super) const STATE: &str = "state";

/// Memory for pages, in bytes. An outbox is written and hardly ever read.
const CACHE: usize = 1 << 20;

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error(
        "{} is in use: the same device runs in another process; stop that one, or name another folder with --data DIR",
        path.display()
    )]
    InUse {
        /// Its file.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error("the outbox in {} cannot be opened: {reason}; move the file away to begin anew without what it holds", path.display())]
    Unusable {
        /// Its file.
        path: PathBuf,
        /// The system's or the database's own words.
        reason: String,
    },
}

/// One device's file. Open in one process at a time.
pub struct Store {
    path: PathBuf,
    database: Database,
}

/// What an earlier process has left.
pub(super) struct Kept {
    pub(super) telemetry: Vec<(u64, Outgoing)>,
    pub(super) reported: Vec<Property>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TelemetryRow<'m> {
    pub(super) component: Option<Cow<'m, str>>,
    pub(super) body: Cow<'m, str>,
    pub(super) properties: Cow<'m, [(String, String)]>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct PropertyRow<'m> {
    pub(super) seq: u64,
    pub(super) value: Cow<'m, Value>,
}

impl Store {
    /// Opens the file of the device that `identity` tells from all others, in `folder`; makes both at the first time.
    pub fn open(folder: &Path, identity: &str) -> Result<Store, StoreError> {
        let path = folder.join(file_name(identity));
        let unusable = |reason: String| StoreError::Unusable {
            path: path.clone(),
            reason,
        };
        private_folder(folder).map_err(|error| unusable(error.to_string()))?;
        let opened = Database::builder().set_cache_size(CACHE).create(&path);
        match opened {
            Ok(database) => Ok(Store { path, database }),
            Err(DatabaseError::DatabaseAlreadyOpen) => Err(StoreError::InUse { path }),
            Err(error) => Err(unusable(error.to_string())),
        }
    }

    /// Forgets to which hub the device was assigned: the next one asks.
    pub fn forget_assignment(&self) {
        let forgotten = self.write(|tables| tables.device.remove(ASSIGNMENT).map(drop));
        if let Err(error) = forgotten {
            tracing::warn!("{}: the assignment cannot be forgotten: {error}", self.path.display());
        }
    }

    fn unusable(&self, error: impl fmt::Display) -> StoreError {
        StoreError::Unusable {
            path: self.path.clone(),
            reason: error.to_string(),
        }
    }

    pub(super) fn load(&self) -> Result<Kept, StoreError> {
        self.write(|_| Ok(())).map_err(|error| self.unusable(error))?;
        let read = || -> Result<Kept, Failure> {
            let transaction = self.database.begin_read()?;
            let mut telemetry = Vec::new();
            for row in transaction.open_table(TELEMETRY)?.iter()? {
                let (id, row) = row?;
                let TelemetryRow {
                    component,
                    body,
                    properties,
                } = serde_json::from_slice(row.value())?;
                let message = Outgoing::Telemetry {
                    component: component.map(Cow::into_owned),
                    body: body.into_owned(),
                    properties: properties.into_owned(),
                };
                telemetry.push((id.value(), message));
            }
            let mut reported = Vec::new();
            for row in transaction.open_table(REPORTED)?.iter()? {
                let (member, row) = row?;
                let member: Member = serde_json::from_str(member.value())?;
                let PropertyRow { seq, value } = serde_json::from_slice(row.value())?;
                reported.push(Property::new(seq, member, value.into_owned()));
            }
            Ok(Kept { telemetry, reported })
        };
        read().map_err(|error| self.unusable(error))
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is kept under this name.
    pub(super) fn get<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Option<T> {
        let read = || -> Result<Option<T>, Failure> {
            let table = self.database.begin_read()?.open_table(DEVICE)?;
            match table.get(name)? {
                Some(row) => Ok(Some(serde_json::from_slice(row.value())?)),
                None => Ok(None),
            }
        };
        let found = read();
        found
            .inspect_err(|error| tracing::warn!("{}: {name} cannot be read: {error}", self.path.display()))
            .ok()
            .flatten()
    }

    /// One transaction, which waits until it is on the disk.
    pub(super) fn write(
        &self,
        work: impl FnOnce(&mut Tables<'_>) -> Result<(), redb::StorageError>,
    ) -> Result<(), Failure> {
        let transaction = self.database.begin_write()?;
        {
            let mut tables = Tables {
                telemetry: transaction.open_table(TELEMETRY)?,
                reported: transaction.open_table(REPORTED)?,
                device: transaction.open_table(DEVICE)?,
            };
            work(&mut tables)?;
        }
        transaction.commit()?;
        Ok(())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The tables, open for writing.
pub(super) struct Tables<'t> {
    pub(super) telemetry: redb::Table<'t, u64, &'static [u8]>,
    pub(super) reported: redb::Table<'t, &'static str, &'static [u8]>,
    pub(super) device: redb::Table<'t, &'static str, &'static [u8]>,
}

/// Why the file did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Database(#[from] redb::Error),
    #[error("a row that this version did not write: {0}")]
    Row(#[from] serde_json::Error),
}

/// redb has an error for each step.
macro_rules! database_errors {
    ($($error:ident),*) => { $(impl From<redb::$error> for Failure {
        fn from(error: redb::$error) -> Self {
            Failure::Database(error.into())
        }
    })* };
}
database_errors!(StorageError, TableError, TransactionError, CommitError);

fn private_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Readable, and different for identities that differ in what a file name cannot hold.
fn file_name(identity: &str) -> String {
    let readable: String = identity
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() || "-_.".contains(character) {
                character
            } else {
                '_'
            }
        })
        .take(64)
        .collect();
    let digest = Sha256::digest(identity.as_bytes());
    let digest: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{readable}-{digest}.redb")
}
