//! What a device did, as a scenario sees it: what reached the hub, and what went to the log.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use setpoint_protocol::twin::Document;

use super::script;
use crate::cloud::Outgoing;
use crate::effect::{Level, Member};

/// One thing that a device did, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// Since the device's start.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// Something that a device did.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The hub received a message.
    Telemetry {
        /// None means the default component.
        component: Option<String>,
        /// As it was sent, when it was JSON; else as a text.
        body: Value,
        /// Application properties, all texts.
        properties: Value,
    },
    /// The hub received the value of a read-only property.
    Report {
        /// Which.
        property: Member,
        /// Null removes it.
        value: Value,
    },
    /// The hub received the answer to a desired value, or a default.
    Acknowledgement {
        /// Which.
        property: Member,
        /// `value`, `status`, `version`, `description`.
        answer: Value,
    },
    /// A caller got its answer.
    Response {
        /// The scenario's how-manieth command it answers, from 1.
        call: usize,
        /// As the caller sees it.
        status: u16,
        /// Null when there was none.
        payload: Value,
    },
    /// A line for the operator's log.
    Log {
        /// How much it matters.
        level: Level,
        /// The guest's words.
        message: String,
    },
}

/// The kinds of things that a device does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "those of `What`")]
pub enum Kind {
    Telemetry,
    Report,
    Acknowledgement,
    Response,
    Log,
}

impl Kind {
    /// As a scenario names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Telemetry => "telemetry",
            Self::Report => "report",
            Self::Acknowledgement => "ack",
            Self::Response => "response",
            Self::Log => "log",
        }
    }

    /// The one of that name.
    pub(super) fn of(word: &str) -> Option<Self> {
        let all = [
            Self::Telemetry,
            Self::Report,
            Self::Acknowledgement,
            Self::Response,
            Self::Log,
        ];
        all.into_iter().find(|kind| kind.word() == word)
    }
}

/// Things that a device does one after the other, so that scenarios may rely on their order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Stream {
    /// The telemetry of a component.
    Telemetry(Option<String>),
    /// The values of one read-only property.
    Report(Member),
    /// The answers of one writable property.
    Acknowledgement(Member),
    /// The answer to a command.
    Response(usize),
    /// The log.
    Log,
}

impl Stream {
    /// What flows in it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Telemetry(_) => Kind::Telemetry,
            Self::Report(_) => Kind::Report,
            Self::Acknowledgement(_) => Kind::Acknowledgement,
            Self::Response(_) => Kind::Response,
            Self::Log => Kind::Log,
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Telemetry(None) => f.write_str("telemetry"),
            Self::Telemetry(Some(component)) => write!(f, "telemetry of {component}"),
            Self::Report(property) => write!(f, "report of {property}"),
            Self::Acknowledgement(property) => write!(f, "ack of {property}"),
            Self::Response(_) => f.write_str("response"),
            Self::Log => f.write_str("log"),
        }
    }
}

impl What {
    /// What the hub makes of what it received, with the number of the command that a request id belongs to.
    pub fn received(outgoing: &Outgoing, call: impl FnOnce(&str) -> Option<usize>) -> Vec<Self> {
        match outgoing {
            Outgoing::GetTwin => Vec::new(),
            Outgoing::Telemetry {
                component,
                body,
                properties,
            } => {
                let properties = properties.iter().map(|(name, value)| (name.clone(), json!(value)));
                vec![Self::Telemetry {
                    component: component.clone(),
                    body: json_or_text(body.as_bytes()),
                    properties: Value::Object(properties.collect()),
                }]
            }
            Outgoing::Report(patch) => Self::reported(patch),
            Outgoing::Response { rid, status, payload } => call(rid)
                .map(|call| Self::Response {
                    call,
                    status: *status,
                    payload: json_or_text(payload.as_bytes()),
                })
                .into_iter()
                .collect(),
        }
    }

    /// What a patch of the reported properties says, property by property.
    ///
    /// Source: "IoT Plug and Play conventions": an answer to a desired value has `ac` and `av`, a component `"__t": "c"`.
    pub fn reported(patch: &Document) -> Vec<Self> {
        let mut all = Vec::new();
        for (name, value) in patch.iter().filter(|(name, _)| !name.starts_with('$')) {
            match value.as_object() {
                Some(members) if members.get("__t").is_some_and(|mark| mark == "c") => {
                    let properties = members.iter().filter(|(inner, _)| *inner != "__t");
                    all.extend(properties.map(|(inner, value)| {
                        let component = Some(name.clone());
                        let property = Member {
                            component,
                            name: inner.clone(),
                        };
                        Self::property(property, value)
                    }));
                }
                _ => all.push(Self::property(Member::named(name.as_str()), value)),
            }
        }
        all
    }

    fn property(property: Member, value: &Value) -> Self {
        let answer = value
            .as_object()
            .and_then(|members| members.get("ac").zip(members.get("av")).map(|found| (members, found)));
        match answer {
            Some((members, (status, version))) => {
                let answer = json!({
                    "value": members.get("value"),
                    "status": status,
                    "version": version,
                    "description": members.get("ad"),
                });
                Self::Acknowledgement { property, answer }
            }
            None => Self::Report {
                property,
                value: value.clone(),
            },
        }
    }

    /// Where it belongs.
    pub fn stream(&self) -> Stream {
        match self {
            Self::Telemetry { component, .. } => Stream::Telemetry(component.clone()),
            Self::Report { property, .. } => Stream::Report(property.clone()),
            Self::Acknowledgement { property, .. } => Stream::Acknowledgement(property.clone()),
            Self::Response { call, .. } => Stream::Response(*call),
            Self::Log { .. } => Stream::Log,
        }
    }

    /// A part of it, by the name that expectations have for it.
    pub(super) fn part(&self, name: &str) -> Option<Cow<'_, Value>> {
        match (self, name) {
            (Self::Telemetry { body, .. }, script::BODY) => Some(Cow::Borrowed(body)),
            (Self::Telemetry { properties, .. }, "properties") => Some(Cow::Borrowed(properties)),
            (Self::Report { value, .. }, script::VALUE) => Some(Cow::Borrowed(value)),
            (Self::Acknowledgement { answer, .. }, part) => answer.get(part).map(Cow::Borrowed),
            (Self::Response { status, .. }, "status") => Some(Cow::Owned(json!(status))),
            (Self::Response { payload, .. }, "payload") => Some(Cow::Borrowed(payload)),
            (Self::Log { level, .. }, "level") => Some(Cow::Owned(json!(level_name(*level)))),
            (Self::Log { message, .. }, "message") => Some(Cow::Owned(json!(message))),
            _ => None,
        }
    }

    /// Whether it belongs there, without making a [`Stream`] of it.
    pub(super) fn is_in(&self, stream: &Stream) -> bool {
        match (self, stream) {
            (Self::Telemetry { component, .. }, Stream::Telemetry(wanted)) => component == wanted,
            (Self::Report { property, .. }, Stream::Report(wanted))
            | (Self::Acknowledgement { property, .. }, Stream::Acknowledgement(wanted)) => property == wanted,
            (Self::Response { call, .. }, Stream::Response(wanted)) => call == wanted,
            (Self::Log { .. }, Stream::Log) => true,
            _ => false,
        }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Telemetry { .. } => Kind::Telemetry,
            Self::Report { .. } => Kind::Report,
            Self::Acknowledgement { .. } => Kind::Acknowledgement,
            Self::Response { .. } => Kind::Response,
            Self::Log { .. } => Kind::Log,
        }
    }
}

/// JSON that arrived as bytes.
pub fn json_or_text(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into())
}

/// A log level, as scenarios and people write it.
pub(super) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

impl fmt::Display for What {
    /// In one line: the stream, then JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.stream())?;
        match self {
            Self::Telemetry { body, properties, .. } => {
                write!(f, "{body}")?;
                match properties.as_object().is_some_and(|properties| !properties.is_empty()) {
                    true => write!(f, " with properties {properties}"),
                    false => Ok(()),
                }
            }
            Self::Report { value, .. } => write!(f, "{value}"),
            Self::Acknowledgement { answer, .. } => write!(f, "{answer}"),
            Self::Response { status, payload, .. } => write!(f, "{}", json!({ "status": status, "payload": payload })),
            Self::Log { level, message } => write!(f, "{} {message:?}", level_name(*level)),
        }
    }
}
