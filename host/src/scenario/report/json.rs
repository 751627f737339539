//! JSON, for programs.

use serde_json::{Value, json};

use crate::scenario::{Closest, Failure, Outcome};

/// The document: `guest`, `passed`, `failed`, and `scenarios` with every failure. Times are seconds.
pub fn json(guest: &str, outcomes: &[Outcome]) -> Value {
    let passed = outcomes.iter().filter(|outcome| outcome.passed()).count();
    json!({
        "guest": guest,
        "passed": passed,
        "failed": outcomes.len() - passed,
        "scenarios": outcomes.iter().map(scenario).collect::<Vec<_>>(),
    })
}

fn scenario(outcome: &Outcome) -> Value {
    json!({
        "file": outcome.file,
        "name": outcome.name,
        "passed": outcome.passed(),
        "started": outcome.started,
        "seconds": outcome.took.as_secs_f64(),
        "deviceSeconds": outcome.lasted.as_secs_f64(),
        "failures": outcome.failures.iter().map(failure).collect::<Vec<_>>(),
    })
}

fn failure(failure: &Failure) -> Value {
    json!({
        "line": failure.place.line,
        "column": failure.place.column,
        "at": failure.at.as_secs_f64(),
        "reason": failure.reason,
        "closest": failure.closest.as_ref().map(closest),
        "came": failure.instead,
        "cameBefore": failure.more,
    })
}

fn closest(closest: &Closest) -> Value {
    let differences = closest.differences.iter().map(|difference| {
        json!({
            "path": difference.path,
            "expected": difference.expected,
            "got": difference.got,
        })
    });
    json!({ "what": closest.what, "differences": differences.collect::<Vec<_>>() })
}
