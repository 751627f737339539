//! Records in memory.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::Value;
use setpoint::record::{Cast, Difference, Record, RecordError, Replay, ReplayError, Summary, Tape};
use setpoint::sandbox::{Cache, Limits, Sandbox};
use setpoint::testing::{Setup, TestDevice};
use setpoint_tests::{COUNTER, ROGUE, TEMPERATURE_CONTROLLER};

/// What is written to one of its clones can be read from another.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A tape that writes to memory.
pub(crate) struct Recording {
    pub(crate) tape: Tape,
    page: Page,
}

impl Recording {
    pub(crate) fn new() -> Self {
        let (tape, page) = (Tape::new(), Page::default());
        tape.write_to(page.clone()).unwrap();
        Self { tape, page }
    }

    /// Ends it, and returns what was written.
    pub(crate) fn finish(self) -> String {
        let ending = self.tape.finish();
        assert_eq!(ending.because, None);
        let written = self.page.0.lock().unwrap().clone();
        String::from_utf8(written).unwrap()
    }
}

/// Guests that were compiled before: each replay has a sandbox of its own.
pub(crate) fn cache() -> Cache {
    Cache::open(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("recording")).unwrap()
}

/// A sandbox for all tests.
pub(crate) fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| Sandbox::new(Limits::default(), Some(cache())).unwrap())
}

/// Lives with a device that is set up like this, from power-on to its end, and returns the record of it.
pub(crate) fn record(guest: &[u8], set_up: impl FnOnce(Setup) -> Setup, live: impl FnOnce(&mut TestDevice)) -> String {
    let recording = Recording::new();
    let setup = TestDevice::load_into(sandbox(), guest).unwrap();
    let mut device = set_up(setup.recorder(recording.tape.recorder())).start().unwrap();
    live(&mut device);
    drop(device);
    recording.finish()
}

/// Every guest plays itself.
pub(crate) fn themselves() -> Cast {
    let cast = Cast::default().with("counter", COUNTER.to_vec());
    cast.with("rogue", ROGUE.to_vec())
        .with("temperature-controller", TEMPERATURE_CONTROLLER.to_vec())
}

/// Everything that differs.
pub(crate) fn replay(record: &str, cast: Cast) -> (Vec<Difference>, Summary) {
    try_replay(record, cast).unwrap()
}

pub(crate) fn try_replay(record: &str, cast: Cast) -> Result<(Vec<Difference>, Summary), ReplayError> {
    let mut record = read(record).unwrap();
    let mut replay = Replay::new(cast, Some(cache()));
    let mut differences = Vec::new();
    while let Some(entry) = record.next_entry().unwrap() {
        differences.extend(replay.play(&entry)?);
    }
    assert!(record.ending().is_some());
    Ok((differences, replay.summary()))
}

pub(crate) fn read(record: &str) -> Result<Record<&[u8]>, RecordError> {
    Record::new(Path::new("some.jsonl"), record.as_bytes())
}

/// The lines of a record, as JSON.
pub(crate) fn lines(record: &str) -> Vec<Value> {
    record.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The record with its lines changed.
pub(crate) fn edited(record: &str, mut edit: impl FnMut(&mut Value)) -> String {
    let mut lines = lines(record);
    lines.iter_mut().for_each(&mut edit);
    lines.iter().map(|line| format!("{line}\n")).collect()
}
