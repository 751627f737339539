//! A report for people: a line for each rule, and under it what was not as it should be.

use std::fmt;

use super::report::{Finding, Report, Severity, Verdict};
use super::rule::Rule;
use crate::printable;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  {}", self.guest, self.model)?;
        let width = Rule::ALL.iter().map(|rule| rule.id().len()).max().unwrap_or_default();
        let mut group = None;
        for (rule, report) in self.rules() {
            if group.replace(rule.group()) != Some(rule.group()) {
                writeln!(f, "\n{}", rule.group())?;
            }
            let verdict = report.verdict().word();
            writeln!(f, "  {verdict:<7}  {:<width$}  {}", rule.id(), rule.meaning())?;
            report.findings.iter().try_for_each(|finding| line(f, finding))?;
        }
        let count = |verdict: Verdict| self.with(verdict).len();
        let kept = count(Verdict::Kept);
        let (warned, broken, untried) = (count(Verdict::Warned), count(Verdict::Broken), count(Verdict::Untried));
        write!(
            f,
            "\n{} rules: {kept} kept, {broken} broken, {warned} with warnings",
            Rule::ALL.len()
        )?;
        if untried > 0 {
            write!(f, ", {untried} without occasion")?;
        }
        writeln!(f)
    }
}

fn line(f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
    let Finding {
        severity,
        subject,
        given,
        expected,
        got,
        times,
    } = finding;
    let word = match severity {
        Severity::Breach => "breach",
        Severity::Warning => "warning",
    };
    write!(f, "           {word}: {}", printable(subject))?;
    if let Some(given) = given {
        write!(f, ", given {}", printable(given))?;
    }
    write!(f, ": expected {}, got {}", printable(expected), printable(got))?;
    if *times > 1 {
        write!(f, " (and {} more alike)", times - 1)?;
    }
    writeln!(f)
}

#[cfg(test)]
mod tests {
    use super::super::report::Case;
    use super::*;

    #[test]
    fn every_rule_has_a_line_and_every_finding_one_under_it() {
        let mut report = Report::new("guest", &"dtmi:a;1".parse().unwrap());
        report.judge(Rule::Starts, &Case::of("start"), true, "", "");
        for _ in 0..3 {
            report.judge(
                Rule::DesiredValid,
                &Case::given("x", "\u{1b}[2J"),
                false,
                "2xx",
                "400\n",
            );
        }
        let text = report.to_string();
        assert!(
            text.contains("\n  ok       starts                  starts with an empty twin\n"),
            "{text}"
        );
        assert!(
            text.contains("           breach: x, given \\u{1b}[2J: expected 2xx, got 400\\u{a} (and 2 more alike)\n"),
            "{text}"
        );
        assert!(text.contains("\nwritable properties\n"), "{text}");
        assert!(
            text.ends_with("30 rules: 1 kept, 1 broken, 0 with warnings, 28 without occasion\n"),
            "{text}"
        );
    }
}
