//! Holds what a device did against what a step expects.
//!
//! A step is about what has come since the step before it ended. Its expectations are looked for in the order of the file
//! and, within one [`Stream`], in the order of coming; between streams the order is free.

use std::time::Duration;

use serde_json::Value;

use super::complaint;
use super::expected::Expected;
use super::happening::{Happening, Stream};
use super::outcome::Failure;
use super::script::{Expectation, Step, Wanted};

/// What a device did, and which of it was expected.
#[derive(Debug, Default)]
pub(super) struct Record {
    happenings: Vec<Happening>,
    claimed: Vec<bool>,
    /// Where the step begins that is being judged.
    mark: usize,
}

impl Record {
    /// What has come since the step before, each with whether it was expected.
    pub(super) fn since_mark(&self) -> impl DoubleEndedIterator<Item = (&Happening, bool)> {
        let claimed = self.claimed.iter().copied();
        self.happenings.iter().zip(claimed).skip(self.mark)
    }

    fn push(&mut self, happenings: Vec<Happening>) {
        self.happenings.extend(happenings);
        self.claimed.resize(self.happenings.len(), false);
    }

    fn claim(&mut self, index: usize) {
        if let Some(claimed) = self.claimed.get_mut(index) {
            *claimed = true;
        }
    }

    /// Those from `index` on that are what is wanted.
    fn wanted_from<'a>(&'a self, index: usize, wanted: &'a Wanted) -> impl Iterator<Item = usize> + 'a {
        let later = self.happenings.iter().enumerate().skip(index);
        later
            .filter(|(_, happening)| wanted.accepts(&happening.what))
            .map(|(index, _)| index)
    }
}

/// An expectation of the step that is being judged.
struct Pending<'a> {
    expectation: &'a Expectation,
    /// What comes before this has been looked at.
    looked_at: usize,
    decided: bool,
}

impl Pending<'_> {
    fn stream(&self) -> Option<&Stream> {
        match &self.expectation.wanted {
            Wanted::Something { stream, .. } => Some(stream),
            Wanted::Nothing(_) => None,
        }
    }
}

/// Judges one step after the other.
pub(super) struct Judge<'a> {
    record: Record,
    slack: Duration,
    at: Duration,
    pending: Vec<Pending<'a>>,
    /// Everything up to this time is in the record.
    reached: Option<Duration>,
    failures: Vec<Failure>,
}

impl<'a> Judge<'a> {
    /// `slack` is how much later than expected something may arrive.
    pub(super) fn new(slack: Duration) -> Self {
        Self {
            record: Record::default(),
            slack,
            at: Duration::ZERO,
            pending: Vec::new(),
            reached: None,
            failures: Vec::new(),
        }
    }

    pub(super) fn record(&mut self, happenings: Vec<Happening>) {
        self.record.push(happenings);
    }

    /// From now on it is about this step, which takes place at `at`.
    pub(super) fn begin(&mut self, step: &'a Step, at: Duration) {
        self.at = at;
        self.reached = None;
        let looked_at = self.record.mark;
        let pending = step.expect.iter().map(|expectation| Pending {
            expectation,
            looked_at,
            decided: false,
        });
        self.pending = pending.collect();
    }

    /// Until when to wait for what may still decide something; None when all is decided.
    pub(super) fn undecided_until(&self) -> Option<Duration> {
        let open = self.pending.iter().filter(|pending| !pending.decided);
        let until = open.map(|pending| {
            let end = self.end(pending.expectation);
            if self.reached.is_none_or(|reached| reached < end) {
                end
            } else {
                end.saturating_add(self.slack)
            }
        });
        until.min()
    }

    fn end(&self, expectation: &Expectation) -> Duration {
        self.at.saturating_add(expectation.within)
    }

    /// Decides what can be decided. `reached` is the time up to which everything is in the record, if any.
    pub(super) fn look(&mut self, reached: Option<Duration>) {
        self.reached = reached.or(self.reached);
        let mut pending = std::mem::take(&mut self.pending);
        let mut before: Vec<Pending<'a>> = Vec::with_capacity(pending.len());
        for mut one in pending.drain(..) {
            let stream = one.stream();
            // What an earlier expectation still waits for is not for a later one to take.
            let blocked = before
                .iter()
                .any(|earlier| !earlier.decided && stream.is_some() && earlier.stream() == stream);
            if !one.decided && !blocked {
                let taken = before.iter().filter(|earlier| earlier.stream() == stream);
                let from = taken.map(|earlier| earlier.looked_at).max();
                one.looked_at = one.looked_at.max(from.unwrap_or_default());
                self.decide(&mut one);
            }
            before.push(one);
        }
        self.pending = before;
    }

    fn decide(&mut self, pending: &mut Pending<'_>) {
        let expectation = pending.expectation;
        let end = self.end(expectation);
        let over = self.reached.is_some_and(|reached| reached >= end);
        let too_late = self
            .reached
            .is_some_and(|reached| reached >= end.saturating_add(self.slack));
        match &expectation.wanted {
            Wanted::Nothing(_) if !over => {}
            Wanted::Nothing(_) => {
                pending.decided = true;
                let came = self.record.wanted_from(self.record.mark, &expectation.wanted).count();
                if came > 0 {
                    self.failures
                        .push(complaint::came(expectation, self.at, came, &self.record));
                }
            }
            Wanted::Something { count: None, .. } => {
                let found = self.record.wanted_from(pending.looked_at, &expectation.wanted).next();
                if let Some(found) = found {
                    self.record.claim(found);
                    (pending.looked_at, pending.decided) = (found + 1, true);
                } else if too_late {
                    // What it was looked for in is still there for the next one.
                    (pending.looked_at, pending.decided) = (self.record.mark, true);
                    self.failures
                        .push(complaint::missing(expectation, self.at, &self.record));
                } else {
                    pending.looked_at = self.record.happenings.len();
                }
            }
            Wanted::Something { count: Some(count), .. } if over => {
                let found: Vec<_> = self
                    .record
                    .wanted_from(pending.looked_at, &expectation.wanted)
                    .collect();
                let enough = accepts(count, found.len());
                if enough || too_late {
                    pending.decided = true;
                    pending.looked_at = found.last().map_or(pending.looked_at, |last| last + 1);
                    found.iter().for_each(|index| self.record.claim(*index));
                }
                if !enough && too_late {
                    self.failures
                        .push(complaint::miscounted(expectation, self.at, found.len(), &self.record));
                }
            }
            Wanted::Something { .. } => {}
        }
    }

    /// The step has ended. With `strict`, what was not expected is a failure.
    pub(super) fn end_step(&mut self, step: &Step, strict: bool) {
        self.pending.clear();
        if strict {
            self.failures
                .extend(complaint::unexpected(step.place, self.at, &self.record));
        }
        self.record.mark = self.record.happenings.len();
    }

    /// A failure of another kind.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.failures.push(failure);
    }

    pub(super) fn into_failures(self) -> Vec<Failure> {
        self.failures
    }
}

fn accepts(count: &Expected, found: usize) -> bool {
    count.accepts(Some(&Value::from(found)))
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
