//! Rows of event logs: a table for each log, apart from the state, because there are thousands in a second. A row's key is its
//! partition and number there, its value is bytes.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
};

use redb::{ReadOnlyTable, ReadTransaction, TableDefinition, TableError, WriteTransaction};

use super::{StoreError, file::careful};

/// Partition and number.
type Key = (u32, u64);

type Rows = ReadOnlyTable<Key, &'static [u8]>;

/// What is noted and not written yet of all logs.
#[derive(Default)]
pub(super) struct EventRows {
    logs: BTreeMap<Arc<str>, LogRows>,
    /// Bytes of the rows.
    pub(super) bytes: usize,
}

#[derive(Default)]
struct LogRows {
    added: Vec<(Key, Vec<u8>)>,
    /// By partition, below which number nothing is kept.
    dropped: BTreeMap<u32, u64>,
}

impl EventRows {
    pub(super) fn is_empty(&self) -> bool {
        self.logs.is_empty()
    }

    pub(super) fn add(&mut self, log: &Arc<str>, key: Key, row: Vec<u8>) {
        self.bytes += row.len();
        self.of(log).added.push((key, row));
    }

    pub(super) fn drop_below(&mut self, log: &Arc<str>, partition: u32, number: u64) {
        let below = self.of(log).dropped.entry(partition).or_default();
        *below = number.max(*below);
    }

    fn of(&mut self, log: &Arc<str>) -> &mut LogRows {
        // Asked for with every message: the name is only copied with the first.
        if !self.logs.contains_key(log) {
            self.logs.insert(Arc::clone(log), LogRows::default());
        }
        self.logs.entry(Arc::clone(log)).or_default()
    }

    /// Puts what was noted before in front.
    pub(super) fn put_before(&mut self, earlier: EventRows) {
        self.bytes += earlier.bytes;
        for (log, mut rows) in earlier.logs {
            let later = self.of(&log);
            rows.added.append(&mut later.added);
            later.added = rows.added;
            for (partition, number) in rows.dropped {
                let below = later.dropped.entry(partition).or_default();
                *below = number.max(*below);
            }
        }
    }

    /// Writes all of it in a transaction.
    pub(super) fn write(&self, transaction: &WriteTransaction) -> Result<(), redb::Error> {
        for (log, rows) in &self.logs {
            let name = table_name(log);
            let mut table = transaction.open_table(definition(&name))?;
            for (key, row) in &rows.added {
                // What came and went meanwhile never gets there.
                if rows.dropped.get(&key.0).is_none_or(|below| key.1 >= *below) {
                    table.insert(*key, row.as_slice())?;
                }
            }
            for (partition, below) in &rows.dropped {
                table.retain_in((*partition, 0)..(*partition, *below), |_, _| false)?;
            }
        }
        Ok(())
    }
}

fn table_name(log: &str) -> String {
    format!("events of {log}")
}

fn definition(name: &str) -> TableDefinition<'_, Key, &'static [u8]> {
    TableDefinition::new(name)
}

/// What was on the disk of an event log at one moment.
pub(crate) struct PastEvents {
    path: PathBuf,
    /// `None` of a log that had nothing yet.
    rows: Option<Rows>,
    closing: Arc<AtomicBool>,
}

impl PastEvents {
    pub(super) fn of(
        log: &str,
        transaction: &ReadTransaction,
        path: PathBuf,
        closing: Arc<AtomicBool>,
    ) -> Result<PastEvents, StoreError> {
        let name = table_name(log);
        let rows = careful(|| match transaction.open_table(definition(&name)) {
            Ok(rows) => Ok(Some(rows)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        });
        match rows {
            Ok(rows) => Ok(PastEvents { path, rows, closing }),
            Err(error) => Err(StoreError::Unusable {
                path,
                reason: error.to_string(),
            }),
        }
    }

    /// Shows a partition's rows, the newest first, until told that it is enough.
    pub(crate) fn newest(&self, partition: u32, mut see: impl FnMut(u64, &[u8]) -> Enough) -> Result<(), StoreError> {
        self.read(|rows| {
            for row in rows.range((partition, 0)..=(partition, u64::MAX))?.rev() {
                let (key, row) = row?;
                if see(key.value().1, row.value()) == Enough::Yes {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Shows a partition's rows in their order, as far as they can be read before the store is closed.
    pub(crate) fn each(&self, partition: u32, mut see: impl FnMut(u64, &[u8])) -> Result<(), StoreError> {
        self.read(|rows| {
            for row in rows.range((partition, 0)..=(partition, u64::MAX))? {
                if self.closing.load(Ordering::Relaxed) {
                    break;
                }
                let (key, row) = row?;
                see(key.value().1, row.value());
            }
            Ok(())
        })
    }

    fn read(&self, work: impl FnOnce(&Rows) -> Result<(), redb::Error>) -> Result<(), StoreError> {
        let Some(rows) = &self.rows else { return Ok(()) };
        careful(|| work(rows)).map_err(|error| StoreError::Unusable {
            path: self.path.clone(),
            reason: error.to_string(),
        })
    }
}

/// Whether whoever looks at rows has seen enough.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Enough {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_written_comes_before_what_has_been_noted_since() {
        let log: Arc<str> = "hub/".into();
        let (mut earlier, mut later) = (EventRows::default(), EventRows::default());
        for (rows, number) in [(&mut earlier, 1), (&mut later, 2)] {
            rows.add(&log, (0, number), vec![0; 3]);
            rows.drop_below(&log, 0, number);
        }
        later.put_before(earlier);
        let rows = &later.logs[&log];
        let numbers: Vec<_> = rows.added.iter().map(|(key, _)| key.1).collect();
        assert_eq!((numbers, rows.dropped[&0], later.bytes), (vec![1, 2], 2, 6));
    }
}
