//! Writes a record, beside the device.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use chrono::{SecondsFormat, Utc};

use super::line::{Ending, Header, LONGEST, Line};
use crate::sandbox::{Event, Recorder};

/// Bytes kept for the next line when the last ones were many.
const KEPT: usize = 1 << 20;

/// A record in the making. Dropping it ends it.
///
/// The device only adds to what waits in memory; a thread of the tape's own writes it, as soon as it is there, line by line.
/// Where that does not keep up with the device, or fails, the recording ends with a warning and the device goes on.
pub struct Tape {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

struct State {
    /// Whole lines that wait to be written.
    waiting: Vec<u8>,
    instances: u64,
    calls: u64,
    ending: Option<Ending>,
}

impl Tape {
    /// A tape that keeps the first lines until it is told where to [write](Tape::write_to) them.
    pub fn new() -> Self {
        let state = State {
            waiting: Vec::new(),
            instances: 0,
            calls: 0,
            ending: None,
        };
        let shared = Shared {
            state: Mutex::new(state),
            news: Condvar::new(),
        };
        let header = Header::new(Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true));
        shared.lock().add(&Line::Record(header));
        Self {
            shared: Arc::new(shared),
            writer: Mutex::new(None),
        }
    }

    /// A tape that writes to a new file, which only the user may read: what the guest is given may be a secret.
    ///
    /// # Errors
    /// When the file exists or cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let tape = Self::new();
        tape.write_to(new_file(path)?)?;
        Ok(tape)
    }

    /// Writes to `out` from now on. It is flushed after each line, or after several that came while it was written to.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn write_to(&self, out: impl Write + Send + 'static) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name("record".to_owned());
        let writer = thread.spawn(move || shared.write_all(out))?;
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
        Ok(())
    }

    /// What takes down, for a [`Tap`](crate::sandbox::Tap).
    pub fn recorder(&self) -> Arc<dyn Recorder> {
        Arc::clone(&self.shared) as Arc<dyn Recorder>
    }

    /// Ends the record and waits until it is written.
    pub fn finish(self) -> Ending {
        self.end()
    }

    fn end(&self) -> Ending {
        self.shared.lock().end(None);
        self.shared.news.notify_all();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // A panic in it would have been reported by the thread itself.
            let _ = writer.join();
        }
        let ending = self.shared.lock().ending.clone();
        ending.unwrap_or(Ending {
            calls: 0,
            because: None,
        })
    }
}

impl Default for Tape {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.end();
    }
}

/// A file for a record: one that was not there, and that only its user may read.
///
/// # Errors
/// When it exists or cannot be made.
pub fn new_file(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes whatever comes, until the end has been written.
    fn write_all(&self, mut out: impl Write) {
        let mut lines = Vec::new();
        loop {
            let mut state = self.lock();
            while state.waiting.is_empty() && state.ending.is_none() {
                state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.waiting.is_empty() {
                return;
            }
            std::mem::swap(&mut state.waiting, &mut lines);
            drop(state);
            if let Err(error) = out.write_all(&lines).and_then(|()| out.flush()) {
                self.lock().lose(&format!("it cannot be written: {error}"));
                return;
            }
            lines.clear();
            lines.shrink_to(KEPT);
        }
    }
}

impl Recorder for Shared {
    fn number(&self) -> u64 {
        let mut state = self.lock();
        state.instances += 1;
        state.instances
    }

    fn record(&self, event: Event) {
        let mut state = self.lock();
        if state.ending.is_some() {
            return;
        }
        let call = u64::from(matches!(event, Event::Called(_)));
        if state.add(&Line::from(event)) {
            state.calls += call;
        } else {
            state.fail(&format!("more than {} MiB wait to be written", LONGEST >> 20));
        }
        self.news.notify_all();
    }

    fn give_up(&self, reason: &str) {
        self.lock().fail(reason);
        self.news.notify_all();
    }

    fn listens(&self) -> bool {
        self.lock().ending.is_none()
    }
}

impl State {
    /// False when there is no room for it.
    fn add(&mut self, line: &Line) -> bool {
        let before = self.waiting.len();
        let written = serde_json::to_writer(&mut self.waiting, line);
        self.waiting.push(b'\n');
        if written.is_err() || self.waiting.len() > LONGEST {
            self.waiting.truncate(before);
            return false;
        }
        true
    }

    /// It ends before its time.
    fn fail(&mut self, reason: &str) {
        if self.ending.is_none() {
            tracing::warn!("the recording ends here: {reason}");
            self.end(Some(reason.to_owned()));
        }
    }

    /// What waits is lost, also when it was thought to have ended well.
    fn lose(&mut self, reason: &str) {
        self.fail(reason);
        self.waiting.clear();
        if let Some(ending) = &mut self.ending
            && ending.because.is_none()
        {
            tracing::warn!("the end of the recording is lost: {reason}");
            ending.because = Some(reason.to_owned());
        }
    }

    fn end(&mut self, because: Option<String>) {
        if self.ending.is_some() {
            return;
        }
        let ending = Ending {
            calls: self.calls,
            because,
        };
        // When there is no room for it, the record has no end, which its reader will say.
        self.add(&Line::Ended(ending.clone()));
        self.ending = Some(ending);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Call, Called, Quota, Returned};
    use std::os::unix::fs::PermissionsExt;
    use std::sync::mpsc::{Receiver, Sender, channel};

    fn called(bytes: usize) -> Event {
        Event::Called(Called {
            instance: 1,
            at: "x".repeat(bytes),
            given: Vec::new(),
            call: Call::Save,
            quota: Quota::default(),
            drawn: Vec::new(),
            effects: Vec::new(),
            returned: Returned::Nothing,
        })
    }

    fn because(ending: &Ending) -> &str {
        ending.because.as_deref().unwrap_or_default()
    }

    /// Takes nothing until it is let.
    struct Stuck {
        entered: Sender<()>,
        let_go: Receiver<()>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // The test may have ended.
            let _ = self.entered.send(());
            let _ = self.let_go.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_cannot_be_written_fast_enough_ends_the_recording_and_waits_for_nobody() {
        let (entered, is_stuck) = channel();
        let (let_go, released) = channel();
        let tape = Tape::new();
        let stuck = Stuck {
            entered,
            let_go: released,
        };
        tape.write_to(stuck).unwrap();
        is_stuck.recv().unwrap();
        let recorder = tape.recorder();
        for _ in 0..33 {
            recorder.record(called(1 << 20));
        }
        assert!(!recorder.listens());
        drop(let_go);
        let ending = tape.finish();
        assert_eq!(because(&ending), "more than 32 MiB wait to be written");
        assert_eq!(ending.calls, 31, "each is a little over a MiB");
    }

    #[test]
    fn one_line_that_is_too_long_ends_the_recording() {
        let tape = Tape::new();
        tape.recorder().record(called(100));
        tape.recorder().record(called(LONGEST));
        let ending = tape.finish();
        assert_eq!((ending.calls, ending.because.is_some()), (1, true));
    }

    #[test]
    fn a_disk_that_fails_ends_the_recording() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let tape = Tape::new();
        tape.write_to(Full).unwrap();
        assert_eq!(because(&tape.finish()), "it cannot be written: no storage space");
    }

    #[test]
    fn a_record_is_a_new_file_that_only_its_user_reads() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new.jsonl");
        let tape = Tape::create(&file).unwrap();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        tape.recorder().record(called(1));
        tape.recorder().give_up("of a reason");
        tape.recorder().record(called(1));
        assert_eq!(tape.finish().calls, 1);
        let written = std::fs::read_to_string(&file).unwrap();
        let last = written.lines().last().unwrap();
        assert_eq!(last, r#"{"ended":{"calls":1,"because":"of a reason"}}"#);
        assert_eq!(Ending::read(last.as_bytes()).unwrap().calls, 1);
        let again = Tape::create(&file).err().unwrap();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    }
}
