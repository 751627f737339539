//! What the emulator knows, on disk: one file in the data folder, written by one thread.
//!
//! Whoever changes something notes it here, in the moment of the change and under the lock that guards it, and waits for
//! [`Store::settled`] before saying so to anybody outside. All that was noted meanwhile is written together, so a thousand
//! clients that wait for the disk wait for it once.
//!
//! A row is a name and a JSON value; what the names mean is for those who note them. Events of the built-in endpoint are more, and
//! have tables of their own, of bytes (`events.rs`). `file.rs` has the file.

mod events;
mod file;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::watch;

use events::EventRows;
pub(crate) use events::{Enough, PastEvents};
use file::File;
pub use file::StoreError;
#[cfg(test)]
pub(crate) use file::damage_event;

/// Until a write that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Until a file that is not written to any more is tidied.
const QUIET: Duration = Duration::from_millis(200);

/// Bytes of events that may wait to be written before those who would add more are asked to wait ([`Store::relieved`]).
const HEAVY: usize = 8 << 20;

/// Rows by name; `None` where one is to be removed.
type Rows = BTreeMap<String, Option<Vec<u8>>>;

/// The open file. Dropping it writes what has been noted.
pub(crate) struct Store {
    folder: PathBuf,
    shared: Arc<Shared>,
    file: Mutex<Option<Arc<File>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    closing: Arc<AtomicBool>,
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
    noted: Noted,
    closing: bool,
}

/// What has been noted.
#[derive(Default)]
struct Noted {
    rows: Rows,
    events: EventRows,
}

impl Noted {
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.events.is_empty()
    }
}

/// What the writer has to do.
enum Task {
    /// To write this; the number of changes noted until then.
    Write(Noted, u64),
    /// Nothing for a while.
    Rest,
    /// Nothing any more.
    End,
}

impl Store {
    /// Opens the file in `folder`, made at the first time, and reads what an earlier process has left: rows ordered by name.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub(crate) fn open(folder: &Path) -> Result<(Store, Vec<(String, Value)>), StoreError> {
        let file = Arc::new(File::open(folder)?);
        let rows = file.read()?;
        let store = Store {
            folder: folder.to_owned(),
            shared: Arc::new(Shared {
                pending: Mutex::default(),
                bell: Condvar::new(),
                noted: AtomicU64::new(0),
                written: watch::channel(0).0,
            }),
            file: Mutex::new(Some(Arc::clone(&file))),
            threads: Mutex::default(),
            closing: Arc::default(),
        };
        let shared = Arc::clone(&store.shared);
        store.beside(move || shared.write_until_closed(&file))?;
        Ok((store, rows))
    }

    /// Notes that a row is now this, or gone.
    pub(crate) fn note(&self, name: String, value: Option<&Value>) {
        let row = value.map(|value| value.to_string().into_bytes());
        self.shared.note(|noted| drop(noted.rows.insert(name, row)));
    }

    /// Notes an event that was added to a partition of a log, under its number there.
    pub(crate) fn note_event(&self, log: &Arc<str>, partition: u32, number: u64, row: Vec<u8>) {
        self.shared
            .note(|noted| noted.events.add(log, (partition, number), row));
    }

    /// Notes that a partition of a log has nothing below a number any more.
    pub(crate) fn note_dropped(&self, log: &Arc<str>, partition: u32, below: u64) {
        self.shared.note(|noted| noted.events.drop_below(log, partition, below));
    }

    /// What an earlier process has left of an event log. To be asked before anything is noted.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub(crate) fn events(&self, log: &str) -> Result<PastEvents, StoreError> {
        match lock(&self.file).as_ref() {
            Some(file) => file.events(log, Arc::clone(&self.closing)),
            None => Err(self.unusable(&"it is closed")),
        }
    }

    /// Works in a thread of its own, which is waited for when the store is closed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the system has no thread.
    pub(crate) fn beside(&self, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = thread::Builder::new().name("store".to_owned()).spawn(work);
        lock(&self.threads).push(thread.map_err(|error| self.unusable(&error))?);
        Ok(())
    }

    /// The error for what was read and makes no sense.
    pub(crate) fn unusable(&self, reason: &dyn fmt::Display) -> StoreError {
        StoreError::unusable(&self.folder, reason)
    }

    /// Whether something noted is not on the disk yet.
    pub(crate) fn is_behind(&self) -> bool {
        *self.shared.written.borrow() < self.shared.noted.load(Ordering::Acquire)
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

    /// Waits until so little waits to be written that there is room for more. For those who need no acknowledgement and would
    /// otherwise outrun the disk.
    pub(crate) async fn relieved(&self) {
        if self.shared.lock().noted.events.bytes > HEAVY {
            self.settled().await;
        }
    }
}

impl Store {
    /// Writes what has been noted and lets go of the file. What is noted from now on is not kept, and settles never.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.shared.lock().closing = true;
        self.shared.bell.notify_one();
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            // A panic in it has been reported by the thread itself.
            let _ = thread.join();
        }
        // The last of those who have it: this closes the file.
        *lock(&self.file) = None;
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        lock(&self.pending)
    }

    fn note(&self, note: impl FnOnce(&mut Noted)) {
        let mut pending = self.lock();
        note(&mut pending.noted);
        self.noted.fetch_add(1, Ordering::Release);
        drop(pending);
        self.bell.notify_one();
    }

    fn write_until_closed(&self, file: &File) {
        let (mut failing, mut tidy) = (false, true);
        loop {
            match self.take(tidy) {
                Task::Write(noted, until) => match file.write(&noted) {
                    Ok(()) => {
                        if failing {
                            tracing::info!("{}: can be written again", file.path().display());
                            failing = false;
                        }
                        tidy = false;
                        self.written.send_replace(until);
                    }
                    Err(error) => {
                        if !failing {
                            tracing::error!(
                                "{}: cannot be written: {error}; nothing is acknowledged that is not kept, so clients wait until it can",
                                file.path().display()
                            );
                            failing = true;
                        }
                        if !self.put_back(noted) {
                            return;
                        }
                    }
                },
                Task::Rest => {
                    // Without it the next start takes longer, and nothing else.
                    if let Err(error) = file.tidy() {
                        tracing::debug!("{}: cannot be tidied: {error}", file.path().display());
                    }
                    tidy = true;
                }
                Task::End => return,
            }
        }
    }

    /// Waits for something to write, or when nothing comes and the file is not tidy, for a while.
    fn take(&self, tidy: bool) -> Task {
        let idle = |pending: &mut Pending| pending.noted.is_empty() && !pending.closing;
        let mut pending = self.lock();
        if tidy {
            pending = self
                .bell
                .wait_while(pending, idle)
                .unwrap_or_else(PoisonError::into_inner);
        } else {
            let waited = self
                .bell
                .wait_timeout_while(pending, QUIET, idle)
                .unwrap_or_else(PoisonError::into_inner);
            pending = waited.0;
        }
        if pending.noted.is_empty() {
            return if pending.closing { Task::End } else { Task::Rest };
        }
        // Under the lock, so that it counts these rows and no others.
        let until = self.noted.load(Ordering::Acquire);
        Task::Write(std::mem::take(&mut pending.noted), until)
    }

    /// Keeps what could not be written for the next time, where nothing newer has been noted, and waits a moment; false when
    /// there is no next time.
    fn put_back(&self, noted: Noted) -> bool {
        let mut pending = self.lock();
        for (name, row) in noted.rows {
            pending.noted.rows.entry(name).or_insert(row);
        }
        pending.noted.events.put_before(noted.events);
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
