//! For people: a line for each scenario, and below it what was not as expected.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use crate::printable;
use crate::scenario::moment::shown;
use crate::scenario::{Failure, Outcome};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const EXPECTED: Style = AnsiColor::Green.on_default();
const GOT: Style = AnsiColor::Red.on_default();
const FAINT: Style = Style::new().dimmed();

/// Writes one outcome, with the control sequences of a terminal's colours; a writer for another reader takes them out.
pub fn one(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let (style, word) = if outcome.passed() {
        (GOOD, "ok    ")
    } else {
        (BAD, "FAILED")
    };
    let Outcome { file, name, .. } = outcome;
    let (took, lasted) = (seconds(outcome.took), shown(outcome.lasted));
    let (file, name) = (printable(file), printable(name));
    writeln!(
        out,
        "{style}{word}{style:#} {file}: {name} {FAINT}({lasted} in {took}){FAINT:#}"
    )?;
    outcome
        .failures
        .iter()
        .try_for_each(|failure| one_failure(outcome, failure, out))
}

fn one_failure(outcome: &Outcome, failure: &Failure, out: &mut dyn Write) -> io::Result<()> {
    let Failure {
        place,
        at,
        reason,
        closest,
        instead,
        more,
    } = failure;
    let (file, at, reason) = (printable(&outcome.file), shown(*at), printable(reason));
    writeln!(out, "  {file}:{}:{}: at {at}: {reason}", place.line, place.column)?;
    if let Some(closest) = closest {
        writeln!(out, "    closest: {}", printable(&closest.what))?;
        for difference in &closest.differences {
            writeln!(out, "      {}", printable(&difference.path))?;
            writeln!(
                out,
                "        {EXPECTED}- {}{EXPECTED:#}",
                printable(&difference.expected)
            )?;
            writeln!(out, "        {GOT}+ {}{GOT:#}", printable(&difference.got))?;
        }
    }
    if instead.is_empty() {
        return Ok(());
    }
    writeln!(out, "    came:")?;
    if *more > 0 {
        writeln!(out, "      {FAINT}{more} more, then{FAINT:#}")?;
    }
    instead
        .iter()
        .try_for_each(|line| writeln!(out, "      {}", printable(line)))
}

/// Writes how many passed and failed, and how long they took.
pub fn summary(outcomes: &[Outcome], out: &mut dyn Write) -> io::Result<()> {
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    let passed = outcomes.len() - failed;
    let style = if failed == 0 { GOOD } else { BAD };
    let took: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    writeln!(
        out,
        "{style}{passed} passed, {failed} failed{style:#} in {}",
        seconds(took)
    )
}

fn seconds(took: Duration) -> String {
    format!("{:.3} s", took.as_secs_f64())
}
