//! Failures in words, with what came instead.

use std::time::Duration;

use super::happening::{Happening, Kind};
use super::judge::Record;
use super::moment::shown;
use super::outcome::{Closest, Failure};
use super::script::{Expectation, Place, Wanted};

/// How much of what came instead is shown: enough to see what went on, little enough to read.
const SHOWN: usize = 10;

/// Something expected has not come.
pub(super) fn missing(expectation: &Expectation, at: Duration, record: &Record) -> Failure {
    let reason = format!("expected {}{}", expectation.wanted, within(expectation));
    let failure = Failure::because(expectation.place, at, reason);
    let Wanted::Something { stream, .. } = &expectation.wanted else {
        return failure;
    };
    let open = || {
        record
            .since_mark()
            .filter(|(_, claimed)| !claimed)
            .map(|(happening, _)| happening)
    };
    let candidates = open().filter(|happening| happening.what.is_in(stream));
    let compared = candidates.map(|happening| (happening, expectation.wanted.differences(&happening.what)));
    // What is as expected and not claimed came before something that an earlier expectation took.
    let compared = compared.filter(|(_, differences)| !differences.is_empty());
    // Of those that are equally close the last: what came before it has been superseded.
    let closest = compared.rev().min_by_key(|(_, differences)| differences.len());
    let closest = closest.map(|(happening, differences)| Closest {
        what: line(happening),
        differences,
    });
    let of_kind = |kind: Kind| open().filter(move |happening| happening.what.kind() == kind);
    let kind = stream.kind();
    let instead = if of_kind(kind).next().is_some() {
        last(of_kind(kind))
    } else {
        last(open())
    };
    Failure { closest, ..failure }.with(instead)
}

/// Something came more or less often than expected.
pub(super) fn miscounted(expectation: &Expectation, at: Duration, found: usize, record: &Record) -> Failure {
    let reason = format!(
        "expected {}{}, but {found} came",
        expectation.wanted,
        within(expectation)
    );
    let failure = Failure::because(expectation.place, at, reason);
    let Wanted::Something { stream, .. } = &expectation.wanted else {
        return failure;
    };
    let others = record
        .since_mark()
        .filter(|(happening, claimed)| !claimed && happening.what.is_in(stream));
    failure.with(last(others.map(|(happening, _)| happening)))
}

/// Something came where nothing should.
pub(super) fn came(expectation: &Expectation, at: Duration, found: usize, record: &Record) -> Failure {
    let reason = format!(
        "expected {}{}, but {found} came",
        expectation.wanted,
        within(expectation)
    );
    let those = record.since_mark().map(|(happening, _)| happening);
    let those = those.filter(|happening| expectation.wanted.accepts(&happening.what));
    Failure::because(expectation.place, at, reason).with(last(those))
}

/// What nobody expected, when that is a failure.
pub(super) fn unexpected(place: Place, at: Duration, record: &Record) -> Option<Failure> {
    let open = record.since_mark().filter(|(_, claimed)| !claimed);
    let open = open.map(|(happening, _)| happening);
    let open: Vec<_> = open.filter(|happening| happening.what.kind() != Kind::Log).collect();
    let reason = format!("strict: {} came that no expectation of this step names", open.len());
    let failure = || Failure::because(place, at, reason).with(last(open.iter().copied()));
    (!open.is_empty()).then(failure)
}

impl Failure {
    fn with(self, (instead, more): (Vec<String>, usize)) -> Self {
        Self { instead, more, ..self }
    }
}

fn within(expectation: &Expectation) -> String {
    if expectation.within.is_zero() {
        return String::new();
    }
    format!(" within {}", shown(expectation.within))
}

fn line(happening: &Happening) -> String {
    format!("{} {}", shown(happening.at), happening.what)
}

/// The last few in order, and how many there were before.
fn last<'a>(happenings: impl DoubleEndedIterator<Item = &'a Happening>) -> (Vec<String>, usize) {
    let mut backwards = happenings.rev();
    let mut lines: Vec<_> = backwards.by_ref().take(SHOWN).map(line).collect();
    lines.reverse();
    (lines, backwards.count())
}

#[cfg(test)]
#[path = "complaint_tests.rs"]
mod tests;
