//! JUnit XML, which build servers show: a suite for the guest, a case for each scenario.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::text;
use crate::scenario::Outcome;

/// The document. `guest` is the suite's name.
///
/// # Errors
///
/// When the writer of XML fails.
pub fn junit(guest: &str, outcomes: &[Outcome]) -> Result<String, SerializeError> {
    let mut suite = TestSuite::new(guest);
    suite.add_test_cases(outcomes.iter().map(case));
    let total: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    suite.set_time(total);
    let mut report = Report::new("setpoint test");
    report.set_time(total).add_test_suite(suite);
    report.to_string()
}

fn case(outcome: &Outcome) -> TestCase {
    let status = match outcome.failures.first() {
        None => TestCaseStatus::success(),
        Some(first) => {
            let kind = match outcome.started {
                true => NonSuccessKind::Failure,
                false => NonSuccessKind::Error,
            };
            let mut status = TestCaseStatus::non_success(kind);
            status
                .set_message(first.reason.as_str())
                .set_description(words(outcome));
            status
        }
    };
    let mut case = TestCase::new(outcome.name.as_str(), status);
    case.set_classname(outcome.file.as_str()).set_time(outcome.took);
    case
}

/// As people read it; control sequences, which XML does not take, are left out by its writer.
fn words(outcome: &Outcome) -> String {
    let mut text = Vec::new();
    // A vector takes everything.
    let _ = text::one(outcome, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
