//! Commands: payloads of every kind, none, and commands there are not.

use serde_json::{Value, json};
use setpoint_dtdl::{Command, Model, Payload};
use setpoint_protocol::twin::Document;

use super::lab::{Lab, free_name};
use super::report::{Case, Report, shown};
use super::reported::member;
use super::rule::Rule;
use super::trial::{Answer, Interrupted, Trial};
use crate::effect::Member;
use crate::testing::TestError;

/// The largest payload a hub passes on, in bytes. Source: "Direct method: maximum payload size 128 KB", IoT Hub quotas and
/// throttling.
const LARGEST: usize = 128 * 1024;

/// Tries every command, and commands there are not.
pub(super) fn check(lab: &mut Lab<'_>) -> Result<(), TestError> {
    let model = lab.model;
    for (component, contents) in model.all() {
        for command in &contents.commands {
            let of = member(component, &command.name);
            lab.trial(&format!("calling {of}"), Document::new(), |trial, report| {
                let mut caller = Caller {
                    trial,
                    report,
                    of: &of,
                    command,
                };
                caller.fitting()?;
                caller.without()?;
                caller.not_fitting()
            })?;
            lab.trial(
                &format!("calling {of} with large payloads"),
                Document::new(),
                |trial, report| {
                    Caller {
                        trial,
                        report,
                        of: &of,
                        command,
                    }
                    .large()
                },
            )?;
        }
    }
    lab.trial("calling unknown commands", Document::new(), |trial, report| {
        unknown(model, trial, report)
    })?;
    Ok(())
}

/// Calls one command.
struct Caller<'t> {
    trial: &'t mut Trial,
    report: &'t mut Report,
    of: &'t Member,
    command: &'t Command,
}

impl Caller<'_> {
    /// Payloads that fit; for a command without any, none.
    fn fitting(&mut self) -> Result<(), Interrupted> {
        let payloads = match &self.command.request {
            Some(request) => request.schema.valid().into_iter().map(Some).collect(),
            None => vec![None],
        };
        let mut statuses = Vec::new();
        for payload in payloads {
            statuses.extend(self.call(payload.as_ref())?.map(|answer| answer.status));
        }
        if statuses.is_empty() {
            return Ok(());
        }
        let subject = self.of.to_string();
        let case = Case::given(&subject, "payloads that fit");
        // A device may well refuse for another reason: there is nothing to report yet, say. But 400 means that the payload
        // is wrong, and not all of them are.
        let misunderstood = statuses.iter().all(|status| *status == 400);
        self.report.judge(
            Rule::CommandValid,
            &case,
            !misunderstood,
            "any answer but 400",
            "400 to all of them",
        );
        if !misunderstood {
            let taken = statuses.iter().any(|status| (200..300).contains(status));
            let got = format!("{statuses:?}");
            self.report.advise(
                Rule::CommandValid,
                &case,
                taken,
                "a status of 200 to 299 to one of them",
                got,
            );
        }
        Ok(())
    }

    /// No payload, or one for a command that takes none: it may be taken or refused.
    fn without(&mut self) -> Result<(), Interrupted> {
        match &self.command.request {
            Some(_) => self.call(None)?,
            None => self.call(Some(&json!({ "unexpected": true })))?,
        };
        Ok(())
    }

    fn not_fitting(&mut self) -> Result<(), Interrupted> {
        let Some(request) = &self.command.request else {
            return Ok(());
        };
        for payload in request.schema.invalid() {
            let Some(answer) = self.call(Some(&payload))? else {
                continue;
            };
            // A failure inside is told of by another rule.
            if answer.status < 500 {
                let subject = self.of.to_string();
                let case = Case::given(&subject, shown(&payload));
                let refused = answer.status >= 400;
                let got = answer.status.to_string();
                self.report
                    .judge(Rule::CommandInvalid, &case, refused, "a status of 400 to 499", got);
            }
        }
        Ok(())
    }

    /// Payloads as large and as deep as they come.
    fn large(&mut self) -> Result<(), Interrupted> {
        let deep = (0..100).fold(json!([]), |inner, _| json!([inner]));
        let wide = Value::Array(vec![json!(0); LARGEST / 2 - 2]);
        for payload in [json!("x".repeat(LARGEST - 2)), deep, wide] {
            self.call(Some(&payload))?;
        }
        Ok(())
    }

    /// One call, held against what is true of every call.
    fn call(&mut self, payload: Option<&Value>) -> Result<Option<Answer>, Interrupted> {
        let answer = self.trial.call(self.of, payload)?;
        let subject = self.of.to_string();
        let given = payload.map_or("no payload".to_owned(), shown);
        let case = Case::given(&subject, given);
        self.report.judge(
            Rule::CommandAnswered,
            &case,
            answer.is_some(),
            "an answer within 300 s",
            "none",
        );
        if let Some(answer) = &answer {
            let got = format!("{} with {}", answer.status, shown(&answer.payload));
            self.report.judge(
                Rule::CommandStatus,
                &case,
                answer.status < 500,
                "a status of 200 to 499",
                got,
            );
            if (200..300).contains(&answer.status) {
                response(self.report, &case, self.command.response.as_ref(), &answer.payload);
            }
        }
        Ok(answer)
    }
}

fn response(report: &mut Report, case: &Case<'_>, promised: Option<&Payload>, payload: &Value) {
    let Some(promised) = promised else {
        let nothing = payload.is_null();
        report.judge(
            Rule::CommandResponse,
            case,
            nothing,
            "no payload, as in the model",
            shown(payload),
        );
        return;
    };
    let mismatch = promised.schema.check(payload).err();
    let got = mismatch.as_ref().map(ToString::to_string).unwrap_or_default();
    report.judge(
        Rule::CommandResponse,
        case,
        mismatch.is_none(),
        "a response as the model has it",
        got,
    );
    if mismatch.is_none() {
        let omissions = promised.schema.omissions(payload);
        let got = format!("without {}", omissions.join(", "));
        report.advise(
            Rule::CommandResponseWhole,
            case,
            omissions.is_empty(),
            "every field of the model",
            got,
        );
    }
}

/// Names the model does not have, and those of one component in another.
fn unknown(model: &Model, trial: &mut Trial, report: &mut Report) -> Result<(), Interrupted> {
    for of in strangers(model) {
        let answer = trial.call(&of, None)?;
        let subject = of.to_string();
        let got = match &answer {
            Some(answer) => answer.status.to_string(),
            None => "no answer".to_owned(),
        };
        let refused = answer.is_some_and(|answer| (400..500).contains(&answer.status));
        let expected = "a status of 400 to 499, such as 404";
        report.judge(
            Rule::CommandUnknown,
            &Case::given(&subject, "no payload"),
            refused,
            expected,
            got,
        );
    }
    Ok(())
}

fn strangers(model: &Model) -> Vec<Member> {
    let components = model.components.iter().map(|component| component.name.as_str());
    let elsewhere = free_name("noSuchComponent", components);
    let mut strangers = vec![member(Some(&elsewhere), "anything")];
    for (component, contents) in model.all() {
        let names = contents.commands.iter().map(|command| command.name.as_str());
        strangers.push(member(component, &free_name("noSuchCommand", names)));
        for command in &contents.commands {
            strangers.push(member(Some(&elsewhere), &command.name));
            if component.is_some() && model.contents.command(&command.name).is_none() {
                strangers.push(member(None, &command.name));
            }
        }
    }
    strangers.sort_by_key(ToString::to_string);
    strangers.dedup();
    strangers
}
