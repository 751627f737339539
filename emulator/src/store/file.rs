//! The file: redb, which is ACID and checksummed, needs no C and is the store of devices' outboxes too.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, atomic::AtomicBool};

use redb::backends::FileBackend;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde_json::Value;

use super::Noted;
use super::events::PastEvents;
use crate::private_file;

/// In the data folder.
pub(super) const NAME: &str = "azure.redb";

/// Everything, by name.
const STATE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("state");

/// What the file says of itself.
const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");

/// Counts up when what the rows mean changes.
const FORMAT: u64 = 1;

/// Memory for pages, in bytes. It is read once and then written.
const CACHE: usize = 4 << 20;

/// Why the emulator's state cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has it.
    #[error("{} is in use by another emulator: stop that one, or name another folder with --data DIR", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a later version.
    #[error("{} was written by a later version of this program, in format {format}: use that one, or name another folder with --data DIR", path.display())]
    Later {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u64,
    },
    /// It cannot be read or written.
    #[error("{} cannot be opened: {reason}; move the file away to begin without what it holds", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The system's or the database's own words.
        reason: String,
    },
}

impl StoreError {
    pub(super) fn unusable(folder: &Path, reason: &dyn fmt::Display) -> StoreError {
        StoreError::Unusable {
            path: folder.join(NAME),
            reason: reason.to_string(),
        }
    }
}

pub(super) struct File {
    path: PathBuf,
    database: Database,
}

impl File {
    pub(super) fn open(folder: &Path) -> Result<File, StoreError> {
        let path = folder.join(NAME);
        let unusable = |reason: &dyn fmt::Display| StoreError::unusable(folder, reason);
        private_file::make_directory(folder).map_err(|error| unusable(&error))?;
        // It holds keys. An empty file is one that redb makes its own.
        let opened = private_file::open(&path).map_err(|error| unusable(&error))?;
        let database = careful(|| {
            let backend = FileBackend::new(opened)?;
            Ok(Database::builder().set_cache_size(CACHE).create_with_backend(backend)?)
        });
        let database = match database {
            Ok(database) => database,
            Err(Failure::Database(redb::Error::DatabaseAlreadyOpen)) => return Err(StoreError::InUse { path }),
            Err(error) => return Err(unusable(&error)),
        };
        let file = File { path, database };
        match careful(|| file.format()).map_err(|error| unusable(&error))? {
            FORMAT => Ok(file),
            format => Err(StoreError::Later {
                path: file.path,
                format,
            }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The format it is in; a new one gets ours.
    fn format(&self) -> Result<u64, redb::Error> {
        let transaction = self.database.begin_write()?;
        let mut about = transaction.open_table(ABOUT)?;
        let known = about.get("format")?.map(|format| format.value());
        if let Some(format) = known {
            return Ok(format);
        }
        about.insert("format", FORMAT)?;
        drop(about);
        transaction.open_table(STATE)?;
        transaction.commit()?;
        Ok(FORMAT)
    }

    /// Every row, ordered by name.
    pub(super) fn read(&self) -> Result<Vec<(String, Value)>, StoreError> {
        let unusable = |reason: &dyn fmt::Display| StoreError::Unusable {
            path: self.path.clone(),
            reason: reason.to_string(),
        };
        let read = || -> Result<Vec<(String, Vec<u8>)>, redb::Error> {
            let table = self.database.begin_read()?.open_table(STATE)?;
            let mut rows = Vec::new();
            for row in table.iter()? {
                let (name, value) = row?;
                rows.push((name.value().to_owned(), value.value().to_vec()));
            }
            Ok(rows)
        };
        let rows = careful(read).map_err(|error| unusable(&error))?;
        let parse = |(name, value): (String, Vec<u8>)| match serde_json::from_slice(&value) {
            Ok(value) => Ok((name, value)),
            // Without serde's words: they may quote a key.
            Err(_) => Err(unusable(&format_args!("{name} is not JSON"))),
        };
        rows.into_iter().map(parse).collect()
    }

    /// What there is of an event log now.
    pub(super) fn events(&self, log: &str, closing: Arc<AtomicBool>) -> Result<PastEvents, StoreError> {
        match careful(|| Ok(self.database.begin_read()?)) {
            Ok(transaction) => PastEvents::of(log, &transaction, self.path.clone(), closing),
            Err(error) => Err(StoreError::Unusable {
                path: self.path.clone(),
                reason: error.to_string(),
            }),
        }
    }

    /// One transaction, which waits until it is on the disk.
    pub(super) fn write(&self, noted: &Noted) -> Result<(), Failure> {
        careful(|| self.transact(noted))
    }

    fn transact(&self, noted: &Noted) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        if !noted.rows.is_empty() {
            let mut table = transaction.open_table(STATE)?;
            for (name, row) in &noted.rows {
                match row {
                    Some(row) => drop(table.insert(name.as_str(), row.as_slice())?),
                    None => drop(table.remove(name.as_str())?),
                }
            }
        }
        noted.events.write(&transaction)?;
        transaction.commit()?;
        Ok(())
    }

    /// Has the next process open the file without looking through all of it, however this one ends: with a full event log that
    /// takes 200 ms. Costs as much as several commits, and holds until the next one.
    pub(super) fn tidy(&self) -> Result<(), Failure> {
        careful(|| {
            let mut transaction = self.database.begin_write()?;
            transaction.set_quick_repair(true);
            // A transaction that changes nothing would not be written.
            transaction.open_table(ABOUT)?.insert("format", FORMAT)?;
            transaction.commit()?;
            Ok(())
        })
    }
}

/// Why the file did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Database(#[from] redb::Error),
    #[error("it is damaged")]
    Damaged,
}

/// Works on the file. redb looks for damage only in part, and panics at some that it stumbles over: 19 of 20 files with a
/// page overwritten did so when this was tried.
pub(super) fn careful<T>(work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(worked) => Ok(worked?),
        Err(_) => Err(Failure::Damaged),
    }
}

/// Puts something in the place of an event's row.
#[cfg(test)]
pub(crate) fn damage_event(folder: &Path, log: &str, key: (u32, u64)) {
    let database = Database::create(folder.join(NAME)).unwrap();
    let transaction = database.begin_write().unwrap();
    let name = format!("events of {log}");
    let table: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new(&name);
    transaction
        .open_table(table)
        .unwrap()
        .insert(key, [0xFF; 40].as_slice())
        .unwrap();
    transaction.commit().unwrap();
}

/// As a later version would leave it.
#[cfg(test)]
pub(super) fn pretend_later(folder: &Path) {
    let database = Database::create(folder.join(NAME)).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(ABOUT)
        .unwrap()
        .insert("format", FORMAT + 1)
        .unwrap();
    transaction.commit().unwrap();
}
