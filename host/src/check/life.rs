//! One instance after another: failure, save and resume, states that are not the guest's own, and an outbox that is full.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use setpoint_protocol::twin::Document;

use super::instance::{Instance, clock};
use super::lab::{Lab, is_carried, writable};
use super::report::{Case, shown};
use super::reported::{Ack, member, same};
use super::rule::Rule;
use crate::effect::{Member, StartReason};
use crate::sandbox::GuestError;
use crate::testing::TestError;

/// Between two events of an instance.
const WHILE: Duration = Duration::from_secs(60);

type Desired = Vec<(Member, Option<Value>)>;
type Answers = BTreeMap<String, Ack>;

/// Whether the guest starts at all: without that there is nothing to try.
pub(super) fn starts(lab: &mut Lab<'_>) -> bool {
    let doing = "an empty twin";
    let started = Instance::start(lab, &clock(), StartReason::PowerOn, None).and_then(|mut it| it.update(&[], 1));
    match started {
        Ok(_) => lab
            .report
            .judge(Rule::Starts, &Case::given("start", doing), true, "", ""),
        Err(error) => {
            lab.failed(Rule::Starts, doing, &error);
            return false;
        }
    }
    true
}

/// Everything that happens between instances.
pub(super) fn check(lab: &mut Lab<'_>) -> Result<(), TestError> {
    let examples = lab.writable_examples().into_iter();
    let examples: Desired = examples.map(|(of, value)| (of, Some(value))).collect();
    // A guest that fails at this fails in the trials of its properties, too, where it is told.
    let Ok(after_power_on) = lives(lab, StartReason::PowerOn, None, &examples) else {
        return Ok(());
    };
    match lives(lab, StartReason::Failure, None, &examples) {
        Ok(answers) => compare(lab, Rule::Restarts, "a failure", &after_power_on, &answers),
        Err(error) => lab.failed(Rule::Restarts, "a failure", &error),
    }
    full_outbox(lab, &examples, &after_power_on);
    if let Some(state) = saved(lab, &examples) {
        for (reason, given) in [(StartReason::Resumed, "resumed"), (StartReason::Replaced, "replaced")] {
            match lives(lab, reason, Some(&state), &examples) {
                Ok(answers) => compare(lab, Rule::Resumes, given, &after_power_on, &answers),
                Err(error) => lab.failed(Rule::Resumes, given, &error),
            }
        }
        keeps_state(lab, &examples);
        garbage(lab, &examples, &state);
    }
    over_sized_messages(lab)
}

/// A short life: start, every desired value, a minute.
fn lives(lab: &Lab<'_>, reason: StartReason, state: Option<&[u8]>, desired: &Desired) -> Result<Answers, GuestError> {
    let mut instance = Instance::start(lab, &clock(), reason, state)?;
    let answers = instance.update(desired, 2)?;
    instance.pass(WHILE)?;
    Ok(answers)
}

/// The same values are answered alike.
fn compare(lab: &mut Lab<'_>, rule: Rule, given: &str, wanted: &Answers, answers: &Answers) {
    lab.report.judge(rule, &Case::given("start", given), true, "", "");
    for (property, wanted) in wanted {
        let found = answers.get(property);
        let alike = found.is_some_and(|found| found.status == wanted.status && same(&found.value, &wanted.value));
        let text = |ack: &Ack| format!("{} with {}", ack.status, shown(&ack.value));
        let got = found.map_or("no acknowledgement".to_owned(), text);
        let expected = format!("{}, as after power-on", text(wanted));
        lab.report
            .judge(rule, &Case::given(property, given), alike, &expected, got);
    }
}

/// What a guest that has done something saves.
fn saved(lab: &mut Lab<'_>, examples: &Desired) -> Option<Vec<u8>> {
    let saved = Instance::start(lab, &clock(), StartReason::PowerOn, None).and_then(|mut instance| {
        instance.update(examples, 2)?;
        instance.pass(WHILE)?;
        instance.save()
    });
    let case = Case::of("save");
    match saved {
        Ok(state) => {
            let is_some = state.is_some();
            lab.report.advise(
                Rule::Saves,
                &case,
                is_some,
                "a state",
                "none: it cannot be put aside or swapped",
            );
            state
        }
        Err(error) => {
            lab.failed(Rule::StaysUp, "saving", &error);
            None
        }
    }
}

/// A desired value that was refused leaves the one before it in force, and only the state tells the next instance which.
fn keeps_state(lab: &mut Lab<'_>, examples: &Desired) {
    let refused = refusable(lab);
    let before = |lab: &Lab<'_>, at: &_| -> Result<_, GuestError> {
        let mut first = Instance::start(lab, at, StartReason::PowerOn, None)?;
        first.update(examples, 2)?;
        let refusals = first.update(&refused, 3)?;
        Ok((refusals, first.save()?))
    };
    let at = clock();
    let Ok((refusals, Some(state))) = before(lab, &at) else {
        return;
    };
    at.advance(WHILE);
    let next = Instance::start(lab, &at, StartReason::Resumed, Some(&state)).and_then(|mut it| it.update(&refused, 3));
    // One that does not start is told of by another rule.
    let Ok(next) = next else { return };
    for (of, example) in examples {
        let (name, Some(example)) = (of.to_string(), example) else {
            continue;
        };
        let in_force = |answers: &Answers| {
            answers
                .get(&name)
                .filter(|ack| ack.is_refused())
                .map(|ack| ack.value.clone())
        };
        // Only of a property that behaves before it is saved can it be told whether it does after.
        if in_force(&refusals).is_none_or(|value| !same(&value, example)) {
            continue;
        }
        if let Some(value) = in_force(&next) {
            let case = Case::given(&name, "save, resume, a value that does not fit");
            let expected = format!("{} still in force", shown(example));
            lab.report
                .judge(Rule::KeepsState, &case, same(&value, example), &expected, shown(&value));
        }
    }
}

/// A value for each writable property that does not fit.
fn refusable(lab: &Lab<'_>) -> Desired {
    let all = lab
        .model
        .all()
        .flat_map(|(component, contents)| writable(component, contents));
    let wrong = all.filter_map(|(of, property)| {
        let mut values = property.schema.invalid().into_iter();
        let value = values.find(|value| is_carried(&of, value))?;
        Some((of, Some(value)))
    });
    wrong.collect()
}

/// States that no instance of this guest has saved: damaged, of another device, of another version.
fn garbage(lab: &mut Lab<'_>, examples: &Desired, state: &[u8]) {
    let half = state.get(..state.len() / 2).unwrap_or_default();
    let flipped: Vec<u8> = state.iter().map(|byte| byte ^ 0x55).collect();
    let trailing = [state, b"trailing"].concat();
    let states: [(&str, &[u8]); 9] = [
        ("nothing", b""),
        ("half of its state", half),
        ("its state with every byte changed", &flipped),
        ("its state and more", &trailing),
        ("a word", b"garbage"),
        ("an empty object", b"{}"),
        ("null", b"null"),
        ("zeros", &[0; 64]),
        ("a mebibyte", &[0xff; 1 << 20]),
    ];
    for (given, state) in states {
        let case = Case::given("start", given);
        match lives(lab, StartReason::Resumed, Some(state), examples) {
            Ok(_) => lab.report.judge(Rule::SurvivesGarbage, &case, true, "", ""),
            // It says what is wrong, and does not run.
            Err(GuestError::Refused { reason, .. }) => {
                lab.report
                    .advise(Rule::SurvivesGarbage, &case, false, "it starts without", reason);
            }
            Err(error) => lab.failed(Rule::SurvivesGarbage, given, &error),
        }
    }
}

/// While nothing can be sent everything happens, and afterwards it goes on as if nothing had been.
fn full_outbox(lab: &mut Lab<'_>, examples: &Desired, after_power_on: &Answers) {
    let given = "a full outbox";
    let removed: Desired = examples.iter().map(|(of, _)| (of.clone(), None)).collect();
    let lived = |lab: &Lab<'_>| -> Result<Answers, GuestError> {
        let mut instance = Instance::start_silenced(lab, &clock())?;
        instance.update(examples, 2)?;
        instance.pass(WHILE)?;
        instance.update(&removed, 3)?;
        for (component, contents) in lab.model.all() {
            for command in &contents.commands {
                let payload = command.request.as_ref().map(|request| request.schema.example());
                instance.invoke(&member(component, &command.name), payload)?;
            }
        }
        instance.receive(b"message")?;
        instance.pass(WHILE)?;
        instance.open_outbox();
        let answers = instance.update(examples, 4)?;
        instance.pass(WHILE)?;
        Ok(answers)
    };
    match lived(lab) {
        Ok(answers) => compare(lab, Rule::SurvivesFullOutbox, given, after_power_on, &answers),
        Err(error) => lab.failed(Rule::SurvivesFullOutbox, given, &error),
    }
}

/// Messages and desired values as large as they come.
fn over_sized_messages(lab: &mut Lab<'_>) -> Result<(), TestError> {
    /// The largest cloud-to-device message. Source: "Cloud-to-device messaging: maximum message size 64 KB".
    const LARGEST_MESSAGE: usize = 64 * 1024;
    let of = member(None, "noSuchProperty");
    // Four texts of the longest there is, ten objects deep.
    let texts = Value::Array(vec![Value::from("x".repeat(4096)); 4]);
    let deep = (0..8).fold(texts, |inner, _| serde_json::json!({ "in": inner }));
    lab.trial(
        "messages and desired values of any size",
        Document::new(),
        |trial, _| {
            trial.message(b"", Vec::new())?;
            trial.message(&[0xff; LARGEST_MESSAGE], Vec::new())?;
            let properties = (0..100).map(|n| (format!("property{n}"), "é".repeat(100)));
            trial.message(b"{}", properties.collect())?;
            trial.desire(&of, Some(&deep))?;
            Ok(())
        },
    )?;
    Ok(())
}
