//! What a check came to.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use setpoint_dtdl::Dtmi;

use super::rule::Rule;

/// How much of a value a finding shows.
const SHOWN: usize = 80;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// May be meant so: a person should look.
    Warning,
    /// The device breaks the rule.
    Breach,
}

/// Something that was not as it should be. Of several alike the first one is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The telemetry, property, command or export, components as `component*name`.
    pub subject: String,
    /// What was done: the value or payload, in words or as JSON.
    pub given: Option<String>,
    /// What should have come of it.
    pub expected: String,
    /// What came.
    pub got: String,
    /// How often, with other values.
    pub times: u64,
}

/// What became of one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleReport {
    /// How many things were held against it. None: the model gives no occasion.
    pub tried: u64,
    /// What was not as it should be.
    pub findings: Vec<Finding>,
}

/// The outcome of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was held against it.
    Untried,
    /// Everything was as it should be.
    Kept,
    /// Something may be meant so.
    Warned,
    /// The device breaks it.
    Broken,
}

impl RuleReport {
    /// Its outcome.
    pub fn verdict(&self) -> Verdict {
        let worst = self.findings.iter().map(|finding| finding.severity).max();
        match worst {
            Some(Severity::Breach) => Verdict::Broken,
            Some(Severity::Warning) => Verdict::Warned,
            None if self.tried == 0 => Verdict::Untried,
            None => Verdict::Kept,
        }
    }
}

impl Verdict {
    /// As reports say it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Untried => "-",
            Self::Kept => "ok",
            Self::Warned => "warning",
            Self::Broken => "breach",
        }
    }
}

/// What became of every rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The guest.
    pub guest: String,
    /// Its model.
    pub model: Dtmi,
    rules: BTreeMap<Rule, RuleReport>,
}

impl Report {
    pub(super) fn new(guest: &str, model: &Dtmi) -> Self {
        Self {
            guest: guest.to_owned(),
            model: model.clone(),
            rules: Rule::ALL
                .into_iter()
                .map(|rule| (rule, RuleReport::default()))
                .collect(),
        }
    }

    /// Every rule, in their order.
    pub fn rules(&self) -> impl Iterator<Item = (Rule, &RuleReport)> {
        self.rules.iter().map(|(rule, report)| (*rule, report))
    }

    /// The rules with this outcome.
    pub fn with(&self, verdict: Verdict) -> Vec<Rule> {
        let rules = self.rules().filter(|(_, report)| report.verdict() == verdict);
        rules.map(|(rule, _)| rule).collect()
    }

    /// Whether no rule is broken.
    pub fn passed(&self) -> bool {
        self.with(Verdict::Broken).is_empty()
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let finding = |finding: &Finding| {
            let severity = match finding.severity {
                Severity::Warning => "warning",
                Severity::Breach => "breach",
            };
            json!({
                "severity": severity, "subject": finding.subject, "given": finding.given, "expected": finding.expected,
                "got": finding.got, "times": finding.times,
            })
        };
        let rule = |(rule, report): (Rule, &RuleReport)| {
            json!({
                "id": rule.id(), "group": rule.group().to_string(), "meaning": rule.meaning(), "tried": report.tried,
                "verdict": match report.verdict() {
                    Verdict::Untried => "untried",
                    other => other.word(),
                },
                "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
            })
        };
        json!({
            "guest": self.guest, "model": self.model.as_str(), "passed": self.passed(),
            "rules": self.rules().map(rule).collect::<Vec<_>>(),
        })
    }

    /// Holds something against a rule.
    pub(super) fn judge(&mut self, rule: Rule, case: &Case<'_>, holds: bool, expected: &str, got: impl Into<String>) {
        self.count(rule);
        if !holds {
            self.find(rule, Severity::Breach, case, expected, got.into());
        }
    }

    /// The same, for what may be meant so.
    pub(super) fn advise(&mut self, rule: Rule, case: &Case<'_>, holds: bool, expected: &str, got: impl Into<String>) {
        self.count(rule);
        if !holds {
            self.find(rule, Severity::Warning, case, expected, got.into());
        }
    }

    fn count(&mut self, rule: Rule) {
        self.rules.entry(rule).or_default().tried += 1;
    }

    fn find(&mut self, rule: Rule, severity: Severity, case: &Case<'_>, expected: &str, got: String) {
        let findings = &mut self.rules.entry(rule).or_default().findings;
        let alike = |finding: &&mut Finding| {
            (finding.severity, finding.subject.as_str(), finding.expected.as_str())
                == (severity, case.subject, expected)
        };
        match findings.iter_mut().find(alike) {
            Some(finding) => finding.times += 1,
            None => findings.push(Finding {
                severity,
                subject: case.subject.to_owned(),
                given: case.given.clone(),
                expected: expected.to_owned(),
                got,
                times: 1,
            }),
        }
    }
}

/// What is held against a rule.
#[derive(Debug, Clone)]
pub(super) struct Case<'a> {
    pub(super) subject: &'a str,
    pub(super) given: Option<String>,
}

impl<'a> Case<'a> {
    /// Something the device did by itself.
    pub(super) fn of(subject: &'a str) -> Self {
        Self { subject, given: None }
    }

    /// Something it did when given this.
    pub(super) fn given(subject: &'a str, given: impl Into<String>) -> Self {
        Self {
            subject,
            given: Some(given.into()),
        }
    }
}

/// As JSON, shortened.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}..", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report::new("guest", &"dtmi:a;1".parse().unwrap())
    }

    #[test]
    fn a_rule_is_untried_kept_warned_or_broken() {
        let mut report = report();
        let case = Case::of("x");
        assert_eq!(report.with(Verdict::Untried).len(), Rule::ALL.len());
        report.judge(Rule::Starts, &case, true, "yes", "yes");
        assert_eq!(report.with(Verdict::Kept), [Rule::Starts]);
        report.advise(Rule::Starts, &case, false, "yes", "no");
        assert_eq!(report.with(Verdict::Warned), [Rule::Starts]);
        assert!(report.passed());
        report.judge(Rule::Starts, &case, false, "yes", "no");
        assert_eq!(report.with(Verdict::Broken), [Rule::Starts]);
        assert!(!report.passed());
    }

    #[test]
    fn alike_findings_are_one() {
        let mut report = report();
        for given in ["1", "2"] {
            report.judge(Rule::DesiredValid, &Case::given("x", given), false, "2xx", "400");
        }
        report.judge(Rule::DesiredValid, &Case::given("y", "1"), false, "2xx", "400");
        let json = report.to_json();
        let rule = json["rules"]
            .as_array()
            .unwrap()
            .iter()
            .find(|rule| rule["id"] == "desired-valid")
            .unwrap();
        assert_eq!(rule["tried"], 3);
        assert_eq!(
            rule["findings"],
            json!([
                { "severity": "breach", "subject": "x", "given": "1", "expected": "2xx", "got": "400", "times": 2 },
                { "severity": "breach", "subject": "y", "given": "1", "expected": "2xx", "got": "400", "times": 1 },
            ])
        );
        assert_eq!((&json["passed"], &rule["verdict"]), (&json!(false), &json!("breach")));
    }
}
