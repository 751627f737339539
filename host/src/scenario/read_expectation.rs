//! From what a file says is expected to [`Expectation`]s.

use std::time::Duration;

use serde_json::Value;
use serde_saphyr::Spanned;

use super::document::{Ack, Expect, Log, Response};
use super::expected::Expected;
use super::happening::{Kind, Stream};
use super::moment::span;
use super::read::{Wrong, checked};
use super::script::{BODY, Expectation, Place, VALUE, Wanted};
use crate::effect::Member;

type Part = (&'static str, Expected);

/// One for each property of a report, one for everything else. `calls` is the number of commands so far.
pub(super) fn expectations(expect: Spanned<Expect>, calls: usize) -> Result<Vec<Expectation>, Wrong> {
    let place = Place::of(expect.referenced);
    let within = match &expect.value.within {
        None => Duration::ZERO,
        Some(text) => checked(text, span(&text.value))?,
    };
    let count = expect.value.count.as_ref().map(count).transpose()?;
    let wanted = all_wanted(&expect, calls)?;
    let wanted = wanted.into_iter().map(|wanted| Expectation {
        place,
        within,
        wanted: match wanted {
            Wanted::Something { stream, parts, .. } => Wanted::Something {
                stream,
                parts,
                count: count.clone(),
            },
            nothing @ Wanted::Nothing(_) => nothing,
        },
    });
    Ok(wanted.collect())
}

fn all_wanted(expect: &Spanned<Expect>, calls: usize) -> Result<Vec<Wanted>, Wrong> {
    let Expect {
        telemetry,
        report,
        ack,
        response,
        log,
        nothing,
        component,
        properties,
        count,
        within: _,
    } = &expect.value;
    let component_name = component.as_ref().map(|name| name.value.clone());
    let member = |name: &str| Member {
        component: component_name.clone(),
        name: name.to_owned(),
    };
    let mut all = Vec::new();
    if let Some(body) = telemetry {
        let mut parts = vec![(BODY, expected(body)?)];
        parts.extend(part("properties", properties)?);
        all.push(vec![something(Stream::Telemetry(component_name.clone()), parts)]);
    } else if let Some(properties) = properties {
        return Err(Wrong::at(properties, "only telemetry has properties"));
    }
    if let Some(values) = report {
        if values.value.is_empty() {
            return Err(Wrong::at(values, "report takes properties, as in { maxTemp: 21 }"));
        }
        let values = values.value.iter().map(|(name, value)| {
            let parts = vec![(VALUE, expected(value)?)];
            Ok(something(Stream::Report(member(name)), parts))
        });
        all.push(values.collect::<Result<_, _>>()?);
    }
    if let Some(ack) = ack {
        all.push(vec![something(
            Stream::Acknowledgement(member(&ack.property)),
            ack_parts(ack)?,
        )]);
    }
    if let Some(Response { status, payload }) = response {
        if calls == 0 {
            return Err(Wrong::at(
                expect,
                "there is no command before this that it could be the response to",
            ));
        }
        let parts = [part("status", status)?, part("payload", payload)?];
        all.push(vec![something(
            Stream::Response(calls),
            parts.into_iter().flatten().collect(),
        )]);
    }
    if let Some(Log { level, message }) = log {
        let parts = [part("level", level)?, part("message", message)?];
        all.push(vec![something(Stream::Log, parts.into_iter().flatten().collect())]);
    }
    if let Some(kinds) = nothing {
        if let Some(count) = count {
            return Err(Wrong::at(count, "nothing cannot be counted"));
        }
        all.push(vec![Wanted::Nothing(nothing_of(kinds)?)]);
    }
    if let Some(component) = component
        && telemetry.is_none()
        && report.is_none()
        && ack.is_none()
    {
        return Err(Wrong::at(component, "only telemetry, report and ack have a component"));
    }
    match (all.pop(), all.is_empty()) {
        (Some(wanted), true) => Ok(wanted),
        _ => Err(Wrong::at(
            expect,
            "an expectation is one of telemetry, report, ack, response, log and nothing",
        )),
    }
}

fn something(stream: Stream, parts: Vec<Part>) -> Wanted {
    Wanted::Something {
        stream,
        parts,
        count: None,
    }
}

fn ack_parts(ack: &Ack) -> Result<Vec<Part>, Wrong> {
    let parts = [
        part("value", &ack.value)?,
        part("status", &ack.status)?,
        part("version", &ack.version)?,
        part("description", &ack.description)?,
    ];
    Ok(parts.into_iter().flatten().collect())
}

fn part(name: &'static str, value: &Option<Spanned<Value>>) -> Result<Option<Part>, Wrong> {
    let part = value.as_ref().map(|value| Ok((name, expected(value)?)));
    part.transpose()
}

fn expected(value: &Spanned<Value>) -> Result<Expected, Wrong> {
    checked(value, Expected::read(&value.value))
}

fn count(value: &Spanned<Value>) -> Result<Expected, Wrong> {
    match expected(value)? {
        Expected::Value(Value::Number(number)) if !number.is_u64() => Err(Wrong::at(value, "count is 0 or more")),
        count @ (Expected::Value(Value::Number(_)) | Expected::Bound(_)) => Ok(count),
        _ => Err(Wrong::at(
            value,
            "count takes a number, or a bound such as { atLeast: 3 }",
        )),
    }
}

fn nothing_of(kinds: &Spanned<Value>) -> Result<Vec<Kind>, Wrong> {
    let words = match &kinds.value {
        Value::Array(words) => words.iter().map(Value::as_str).collect(),
        word => vec![word.as_str()],
    };
    let kinds_of = words
        .iter()
        .map(|word| word.and_then(Kind::of))
        .collect::<Option<Vec<_>>>();
    kinds_of.filter(|kinds| !kinds.is_empty()).ok_or_else(|| {
        Wrong::at(
            kinds,
            "nothing takes telemetry, report, ack, response or log, or a list of them",
        )
    })
}
