//! What the log says of a device in trouble, and how often.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::Level;

use super::identity::disabled;
use super::*;

/// What is written into it.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The warnings of the device with which `story` is told, one a line.
fn warnings(story: impl FnOnce(&mut TestDevice)) -> Vec<String> {
    let paper = Paper::default();
    let writer = paper.clone();
    let log = tracing_subscriber::fmt()
        .with_max_level(Level::WARN)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    tracing::subscriber::with_default(log, || story(&mut running()));
    let bytes = paper.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

fn count(warnings: &[String], part: &str) -> usize {
    warnings.iter().filter(|line| line.contains(part)).count()
}

#[test]
fn a_disabled_device_says_so_once() {
    let said = warnings(|device| {
        device.hub().set_refusing(true);
        device.hub().set_unassigned(Some(disabled()));
        device.hub().cut();
        device.advance(24 * HOUR).unwrap();
    });
    assert_eq!(count(&said, "the enrolment is disabled"), 1, "{said:#?}");
    assert_eq!(
        count(&said, "at last once an hour"),
        1 + count(&said, "refused"),
        "{said:#?}"
    );
}

#[test]
fn who_is_thrown_out_says_why_once() {
    let said = warnings(|device| {
        for _ in 0..3_600 {
            device.hub().close();
            device.advance(SECOND).unwrap();
        }
    });
    let why = "most likely because another client connects with the identity of device: give each its own";
    assert_eq!(count(&said, why), 1, "{said:#?}");
}
