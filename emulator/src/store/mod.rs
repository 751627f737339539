//! What the emulator knows, on disk: one file in the data folder, written by one thread.
//!
//! Whoever changes something notes it here, in the moment of the change and under the lock that guards it, and waits for
//! [`Store::settled`] before saying so to anybody outside. All that was noted meanwhile is written together, so a thousand
//! clients that wait for the disk wait for it once.
//!
//! A row is a name and a JSON value; what the names mean is for those who note them. `file.rs` has the file.

mod file;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::watch;

use file::File;
pub use file::StoreError;

/// Until a write that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Rows by name; `None` where one is to be removed.
type Rows = BTreeMap<String, Option<Vec<u8>>>;

/// The open file. Dropping it writes what has been noted.
pub(crate) struct Store {
    folder: PathBuf,
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    pending: Mutex<Pending>,
    /// Rings when there is something to write.
    bell: Condvar,
    /// How many changes have been noted.
    noted: AtomicU64,
    /// How many of them are on the disk.
    written: watch::Sender<u64>,
}

#[derive(Default)]
struct Pending {
    rows: Rows,
    closing: bool,
}

impl Store {
    /// Opens the file in `folder`, made at the first time, and reads what an earlier process has left: rows ordered by name.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub(crate) fn open(folder: &Path) -> Result<(Store, Vec<(String, Value)>), StoreError> {
        let file = File::open(folder)?;
        let rows = file.read()?;
        let shared = Arc::new(Shared {
            pending: Mutex::default(),
            bell: Condvar::new(),
            noted: AtomicU64::new(0),
            written: watch::channel(0).0,
        });
        let theirs = Arc::clone(&shared);
        let write = move || theirs.write_until_closed(&file);
        let writer = thread::Builder::new().name("store".to_owned()).spawn(write);
        let writer = writer.map_err(|error| StoreError::unusable(folder, &error))?;
        let store = Store {
            folder: folder.to_owned(),
            shared,
            writer: Mutex::new(Some(writer)),
        };
        Ok((store, rows))
    }

    /// Notes that a row is now this, or gone.
    pub(crate) fn note(&self, name: String, value: Option<&Value>) {
        let row = value.map(|value| value.to_string().into_bytes());
        let mut pending = self.shared.lock();
        pending.rows.insert(name, row);
        self.shared.noted.fetch_add(1, Ordering::Release);
        drop(pending);
        self.shared.bell.notify_one();
    }

    /// The error for what was read and makes no sense.
    pub(crate) fn unusable(&self, reason: &dyn fmt::Display) -> StoreError {
        StoreError::unusable(&self.folder, reason)
    }

    /// Waits until everything noted so far is on the disk. At once when it is.
    pub(crate) async fn settled(&self) {
        let noted = self.shared.noted.load(Ordering::Acquire);
        if *self.shared.written.borrow() >= noted {
            return;
        }
        let mut written = self.shared.written.subscribe();
        // The sender lives as long as `self`.
        let _ = written.wait_for(|written| *written >= noted).await;
    }
}

impl Store {
    /// Writes what has been noted and lets go of the file. What is noted from now on is not kept, and settles never.
    pub(crate) fn close(&self) {
        self.shared.lock().closing = true;
        self.shared.bell.notify_one();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // A panic in it has been reported by the thread itself.
            let _ = writer.join();
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_until_closed(&self, file: &File) {
        let mut failing = false;
        while let Some((rows, noted)) = self.take() {
            match file.write(&rows) {
                Ok(()) => {
                    if failing {
                        tracing::info!("{}: can be written again", file.path().display());
                        failing = false;
                    }
                    self.written.send_replace(noted);
                }
                Err(error) => {
                    if !failing {
                        tracing::error!(
                            "{}: cannot be written: {error}; nothing is acknowledged that is not kept, so clients wait until it can",
                            file.path().display()
                        );
                        failing = true;
                    }
                    if !self.put_back(rows) {
                        return;
                    }
                }
            }
        }
    }

    /// What there is to write, and how many changes that are. Waits for some; `None` when the store is closed and all is written.
    fn take(&self) -> Option<(Rows, u64)> {
        let mut pending = self.lock();
        while pending.rows.is_empty() {
            if pending.closing {
                return None;
            }
            pending = self.bell.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
        // Under the lock, so that it counts these rows and no others.
        let noted = self.noted.load(Ordering::Acquire);
        Some((std::mem::take(&mut pending.rows), noted))
    }

    /// Keeps what could not be written for the next time, where nothing newer has been noted, and waits a moment; false when
    /// there is no next time.
    fn put_back(&self, rows: Rows) -> bool {
        let mut pending = self.lock();
        for (name, row) in rows {
            pending.rows.entry(name).or_insert(row);
        }
        let waited = self
            .bell
            .wait_timeout_while(pending, RETRY, |pending| !pending.closing)
            .unwrap_or_else(PoisonError::into_inner);
        !waited.0.closing
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn what_was_settled_is_there_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let (store, rows) = Store::open(folder.path()).unwrap();
        assert_eq!(rows, []);
        store.note("a".into(), Some(&json!(1)));
        store.note("b".into(), Some(&json!({"x": [1, 2]})));
        store.note("a".into(), Some(&json!(2)));
        store.settled().await;
        store.note("b".into(), None);
        store.note("c".into(), Some(&json!("last")));
        // Dropped without being settled: a stop in order loses nothing either.
        drop(store);
        let (_store, rows) = Store::open(folder.path()).unwrap();
        assert_eq!(rows, [("a".into(), json!(2)), ("c".into(), json!("last"))]);
    }

    #[tokio::test]
    async fn a_thousand_who_wait_wait_together() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(folder.path()).unwrap();
        let store = Arc::new(store);
        let mut waiting = tokio::task::JoinSet::new();
        for n in 0..1_000 {
            let store = Arc::clone(&store);
            waiting.spawn(async move {
                store.note(format!("{n:04}"), Some(&json!(n)));
                store.settled().await;
            });
        }
        while let Some(done) = waiting.join_next().await {
            done.unwrap();
        }
        drop(store);
        assert_eq!(Store::open(folder.path()).unwrap().1.len(), 1_000);
    }

    #[test]
    fn one_process_at_a_time_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let _store = Store::open(folder.path()).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(StoreError::InUse { .. })));
    }

    #[test]
    fn a_damaged_file_is_named_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file::NAME);
        std::fs::write(&path, "not a database").unwrap();
        let error = Store::open(folder.path()).err().unwrap().to_string();
        assert!(
            error.contains(&path.display().to_string()) && error.contains("move"),
            "{error}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"not a database");
    }

    #[test]
    fn a_file_with_a_damaged_page_is_an_error_or_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file::NAME);
        let (store, _) = Store::open(folder.path()).unwrap();
        for n in 0..200 {
            store.note(format!("{n}"), Some(&json!("x".repeat(n))));
        }
        drop(store);
        let whole = std::fs::read(&path).unwrap();
        let mut refused = 0;
        for page in 0..whole.len() / 4096 {
            let mut damaged = whole.clone();
            damaged[page * 4096..(page + 1) * 4096].fill(0xA5);
            std::fs::write(&path, damaged).unwrap();
            refused += usize::from(Store::open(folder.path()).is_err());
        }
        assert!(refused > 0);
    }

    #[test]
    fn a_file_of_a_later_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open(folder.path()).unwrap());
        file::pretend_later(folder.path());
        let error = Store::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains("later version"), "{error}");
    }
}
