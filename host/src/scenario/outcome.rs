//! What came of playing scenarios.

use std::time::Duration;

use super::expected::Difference;
use super::script::Place;

/// What came of one scenario.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its file.
    pub file: String,
    /// Its name.
    pub name: String,
    /// Everything that was not as expected, in order. Passed when there is nothing.
    pub failures: Vec<Failure>,
    /// Whether the device started.
    pub started: bool,
    /// How long it took, in real time.
    pub took: Duration,
    /// How long it was for the device.
    pub lasted: Duration,
}

impl Outcome {
    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Something that was not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where the expectation, or the step, stands in the file.
    pub place: Place,
    /// When, since the device's start.
    pub at: Duration,
    /// What was expected and what became of it, in one line.
    pub reason: String,
    /// What came closest, and where it differs.
    pub closest: Option<Closest>,
    /// What came instead, each in one line; the last few of it.
    pub instead: Vec<String>,
    /// How much more came before that.
    pub more: usize,
}

/// Something that is almost what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closest {
    /// In one line, with its time.
    pub what: String,
    /// Never empty.
    pub differences: Vec<Difference>,
}

impl Failure {
    /// One with a reason alone.
    pub(super) fn because(place: Place, at: Duration, reason: impl Into<String>) -> Self {
        Self {
            place,
            at,
            reason: reason.into(),
            closest: None,
            instead: Vec::new(),
            more: 0,
        }
    }
}
