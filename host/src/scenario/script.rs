//! A scenario that has been read: what is done when, and what is expected.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use setpoint_protocol::twin::Document;

use super::expected::{Difference, Expected};
use super::happening::{Kind, Stream, What};
use crate::sandbox::Random;

/// What a device is put through, and what is expected of it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it shows, in words; the file's name when it does not say.
    pub name: String,
    /// Where it was read from, for messages.
    pub file: String,
    /// The wall clock at the device's start.
    pub start: DateTime<Utc>,
    /// Values that the operator set.
    pub config: BTreeMap<String, String>,
    /// What the guest draws.
    pub random: Draws,
    /// Desired properties that are in the twin before the device starts.
    pub desired: Document,
    /// Whether everything that no expectation names is a failure. The log is not part of it.
    pub strict: bool,
    /// In the order of their times.
    pub steps: Vec<Step>,
}

/// What a guest gets when it asks for randomness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Draws {
    /// These, then from the first again. Never empty.
    Cycle(Vec<u64>),
    /// Whatever follows from this seed.
    Seed(u64),
}

impl Draws {
    /// A source that begins with the first of them.
    pub fn source(&self) -> impl Random + use<> {
        let (mut cycle, mut seeded) = match self {
            Self::Cycle(numbers) => (Some(numbers.clone().into_iter().cycle()), None),
            Self::Seed(seed) => (None, Some(StdRng::seed_from_u64(*seed))),
        };
        move || {
            let drawn = cycle.as_mut().and_then(Iterator::next);
            drawn.or(seeded.as_mut().map(Rng::next_u64)).unwrap_or(0)
        }
    }
}

/// A place in the scenario's file, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

/// One thing that is done, and what is expected to have happened then.
#[derive(Debug, Clone)]
pub struct Step {
    /// Where it stands.
    pub place: Place,
    /// When.
    pub moment: Moment,
    /// What is done; nothing when it is only looked.
    pub action: Option<Action>,
    /// In the order of the file.
    pub expect: Vec<Expectation>,
}

/// When a step takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// This long after the device's start.
    At(Duration),
    /// This long after the step before it has ended.
    After(Duration),
}

/// What is done to a device, or to the world around it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Desired properties are changed; null removes one.
    Desire(Document),
    /// A command is called.
    Call {
        /// `command`, or `component*command`.
        name: String,
        /// None when the caller sends nothing.
        payload: Option<Value>,
    },
    /// A message is sent to the device.
    Message {
        /// Its bytes.
        body: Vec<u8>,
        /// Application properties.
        properties: Vec<(String, String)>,
    },
    /// Something becomes of the cloud.
    Cloud(Weather),
    /// The wall clock is set.
    Clock(DateTime<Utc>),
    /// Another instance of the same guest replaces the one that runs, and takes over its state.
    Replace,
}

/// What can become of the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// The connection breaks. The device may connect again.
    Cut,
    /// The connection breaks, and none can be made.
    Unreachable,
    /// Connections can be made again.
    Reachable,
    /// The hub receives, and acknowledges nothing.
    Silent,
    /// The hub acknowledges again.
    Responsive,
    /// The hub refuses the next report, or question for the twin, with this status.
    Refuse(u16),
}

impl Weather {
    /// Those that a word is enough for.
    pub(super) const WORDS: [(&str, Self); 5] = [
        ("cut", Self::Cut),
        ("unreachable", Self::Unreachable),
        ("reachable", Self::Reachable),
        ("silent", Self::Silent),
        ("responsive", Self::Responsive),
    ];
}

/// Something that must have happened when a step ends.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Where it stands.
    pub place: Place,
    /// What.
    pub wanted: Wanted,
    /// How long after the step's time it may happen.
    pub within: Duration,
}

/// What an expectation looks for.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// Something in a stream.
    Something {
        /// Where it is looked for.
        stream: Stream,
        /// Its parts, by name; those that are not named may be anything.
        parts: Vec<(&'static str, Expected)>,
        /// How often. None: the next that fits, whatever comes before it.
        count: Option<Expected>,
    },
    /// Nothing of these kinds.
    Nothing(Vec<Kind>),
}

impl Wanted {
    /// Where something is not as expected. None of it when `what` is what was wanted.
    pub(super) fn differences(&self, what: &What) -> Vec<Difference> {
        let mut differences = Vec::new();
        if let Self::Something { parts, .. } = self {
            for (name, expected) in parts {
                let at = if matches!(*name, BODY | VALUE) { "$" } else { *name };
                expected.differences(at, what.part(name).as_deref(), &mut differences);
            }
        }
        differences
    }

    /// Whether `what` is what was wanted.
    pub(super) fn accepts(&self, what: &What) -> bool {
        match self {
            Self::Something { stream, parts, .. } => {
                what.is_in(stream)
                    && parts
                        .iter()
                        .all(|(name, expected)| expected.accepts(what.part(name).as_deref()))
            }
            Self::Nothing(kinds) => kinds.contains(&what.kind()),
        }
    }
}

/// The part that is a telemetry message's content.
pub(super) const BODY: &str = "body";
/// The part that is a reported value.
pub(super) const VALUE: &str = "reported";

impl fmt::Display for Wanted {
    /// In one line, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing(kinds) => {
                let words: Vec<_> = kinds.iter().map(|kind| kind.word()).collect();
                write!(f, "no {}", words.join(", no "))
            }
            Self::Something { stream, parts, count } => {
                if let Some(count) = count {
                    write!(f, "{count} times ")?;
                }
                write!(f, "{stream}")?;
                for (index, (name, expected)) in parts.iter().enumerate() {
                    match *name {
                        BODY | VALUE => write!(f, " {expected}")?,
                        name => write!(f, "{} {name} {expected}", if index == 0 { " with" } else { "," })?,
                    }
                }
                Ok(())
            }
        }
    }
}
