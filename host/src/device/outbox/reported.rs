//! Reported properties that the hub has not taken yet. A property is a state and not an event: while it waits for a hub that is
//! away or busy only its latest value is kept, and however long that took it is sent once. A hub that listens is told every
//! value, as the guest reported it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};
use setpoint_protocol::twin::Document;

use super::super::report::is_component;
use crate::cloud::Outgoing;
use crate::effect::Member;

/// Patches handed over and not yet answered. What changes meanwhile is merged, which a hub that is slow needs most.
const WINDOW: usize = 16;

/// A patch is not made larger than this by adding to it; the hub takes 32 KB in all.
const PATCH_BYTES: usize = 16 << 10;

/// Properties that may wait. A twin of 32 KB has room for fewer that say anything.
const PROPERTIES: usize = 1_000;

/// Bytes of their values: a few twins full.
const BYTES: usize = 256 << 10;

/// A value that waits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Property {
    /// Orders values by when they were reported; that of a newer one is higher.
    pub(super) seq: u64,
    pub(super) member: Member,
    pub(super) value: Value,
    /// To be sent by itself, because a patch that it was part of was refused.
    alone: bool,
}

impl Property {
    pub(super) fn new(seq: u64, member: Member, value: Value) -> Self {
        Self {
            seq,
            member,
            value,
            alone: false,
        }
    }

    fn bytes(&self) -> usize {
        self.member.name.len() + size(&self.value)
    }
}

/// A patch, and the values that made it.
#[derive(Debug)]
pub(super) struct Patch {
    id: u64,
    pub(super) outgoing: Outgoing,
    /// How many properties it was made of.
    members: usize,
    /// Those of them that no later patch has overtaken.
    pub(super) properties: Vec<Property>,
}

/// The properties of one device.
#[derive(Debug, Default)]
pub(super) struct Reported {
    /// By their `seq`; each property once, unless the hub listens.
    pending: BTreeMap<u64, Property>,
    /// The newest of them for each property.
    seqs: HashMap<Member, u64>,
    /// Whether the hub listens.
    listened: bool,
    in_flight: VecDeque<Patch>,
    /// Of everything pending and in flight.
    bytes: usize,
    /// Nothing is handed over before.
    held_until: Option<Duration>,
}

impl Reported {
    /// Puts back what an earlier process had accepted.
    pub(super) fn restore(&mut self, kept: Vec<Property>) {
        for property in kept {
            self.insert(property);
        }
    }

    /// Free places, in properties and bytes.
    pub(super) fn room(&self) -> (usize, usize) {
        (PROPERTIES.saturating_sub(self.len()), BYTES.saturating_sub(self.bytes))
    }

    /// Sets a property's latest value.
    pub(super) fn set(&mut self, seq: u64, member: Member, value: Value) {
        let property = Property::new(seq, member, value);
        if self.listened && self.held_until.is_none() {
            self.seqs.insert(property.member.clone(), seq);
            self.bytes += property.bytes();
            self.pending.insert(seq, property);
        } else {
            self.insert(property);
        }
    }

    /// There is a connection.
    pub(super) fn connected(&mut self) {
        self.listened = true;
    }

    /// Only the latest value of each property is kept.
    fn merge(&mut self) {
        self.seqs.clear();
        for (_, property) in std::mem::take(&mut self.pending) {
            self.bytes -= property.bytes();
            self.insert(property);
        }
    }

    fn insert(&mut self, property: Property) {
        if let Some(old) = self.seqs.insert(property.member.clone(), property.seq)
            && let Some(old) = self.pending.remove(&old)
        {
            self.bytes -= old.bytes();
        }
        self.bytes += property.bytes();
        self.pending.insert(property.seq, property);
    }

    /// The `seq` of the property that the next patch begins with, while one may be handed over.
    pub(super) fn next_seq(&self, now: Duration) -> Option<u64> {
        if self.in_flight.len() >= WINDOW || self.held_until.is_some_and(|until| now < until) {
            return None;
        }
        self.pending.first_key_value().map(|(seq, _)| *seq)
    }

    /// Hands the next patch over: the oldest properties, as many as go into one, of those that were reported `before`.
    pub(super) fn take(&mut self, id: u64, before: Option<u64>) -> Option<&Outgoing> {
        self.held_until = None;
        let (mut document, mut properties, mut bytes) = (Document::new(), Vec::new(), 0);
        while let Some(next) = self.pending.first_entry() {
            let property = next.get();
            let first = properties.is_empty();
            let early = before.is_none_or(|before| property.seq < before);
            let fits = early
                && !has(&document, &property.member)
                && bytes + property.bytes() <= PATCH_BYTES
                && !property.alone;
            if !first && !fits {
                break;
            }
            let property = next.remove();
            if self.seqs.get(&property.member) == Some(&property.seq) {
                self.seqs.remove(&property.member);
            }
            bytes += property.bytes();
            put(&mut document, &property);
            let alone = property.alone;
            properties.push(property);
            if alone {
                break;
            }
        }
        self.in_flight.push_back(Patch {
            id,
            outgoing: Outgoing::Report(document),
            members: properties.len(),
            properties,
        });
        self.in_flight.back().map(|patch| &patch.outgoing)
    }

    /// The hub has answered this patch, and it is done with.
    pub(super) fn settle(&mut self, id: u64) -> Option<Patch> {
        let index = self.in_flight.iter().position(|patch| patch.id == id)?;
        let settled = self.in_flight.remove(index)?;
        self.bytes -= settled.properties.iter().map(Property::bytes).sum::<usize>();
        // Answers that come out of order: what was overtaken must not come back.
        for earlier in self.in_flight.iter_mut().take(index) {
            let overtaken =
                |property: &Property| settled.properties.iter().any(|newer| newer.member == property.member);
            let (gone, left) = std::mem::take(&mut earlier.properties).into_iter().partition(overtaken);
            earlier.properties = left;
            let gone: Vec<Property> = gone;
            self.bytes -= gone.iter().map(Property::bytes).sum::<usize>();
        }
        Some(settled)
    }

    /// A patch of several properties was refused: each is sent by itself. False when it was of one alone, or is not known.
    pub(super) fn divide(&mut self, id: u64) -> bool {
        let Some(index) = self.in_flight.iter().position(|patch| patch.id == id) else {
            return false;
        };
        if self.in_flight.get(index).is_none_or(|patch| patch.members <= 1) {
            return false;
        }
        self.put_back(index, |property| property.alone = true);
        true
    }

    /// The hub is too busy for this patch: its values wait again, and nothing is handed over before `until`.
    pub(super) fn hold(&mut self, id: u64, until: Duration) {
        if let Some(index) = self.in_flight.iter().position(|patch| patch.id == id) {
            self.put_back(index, |_| {});
        }
        self.held_until = self.held_until.max(Some(until));
        self.merge();
    }

    /// When the next patch may be handed over, while one waits for that.
    pub(super) fn held_until(&self) -> Option<Duration> {
        self.held_until.filter(|_| !self.pending.is_empty())
    }

    /// The connection is gone: what was in flight waits again, unless it has been overtaken.
    pub(super) fn connection_lost(&mut self) {
        while !self.in_flight.is_empty() {
            self.put_back(0, |_| {});
        }
        self.listened = false;
        self.merge();
    }

    /// Has the values of a patch wait again, but for those of which there is a newer one.
    fn put_back(&mut self, index: usize, mut change: impl FnMut(&mut Property)) {
        let Some(patch) = self.in_flight.remove(index) else {
            return;
        };
        for mut property in patch.properties {
            self.bytes -= property.bytes();
            let newer = |patch: &Patch| {
                let same = |other: &Property| other.member == property.member && other.seq > property.seq;
                patch.properties.iter().any(same)
            };
            if !self.seqs.contains_key(&property.member) && !self.in_flight.iter().any(newer) {
                change(&mut property);
                self.insert(property);
            }
        }
    }

    /// The id of the oldest patch in flight.
    pub(super) fn awaited(&self) -> Option<u64> {
        self.in_flight.front().map(|patch| patch.id)
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Properties that the hub has not taken.
    pub(super) fn len(&self) -> usize {
        let flying: usize = self.in_flight.iter().map(|patch| patch.properties.len()).sum();
        self.pending.len() + flying
    }
}

/// About as many bytes as its JSON has.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| size(item) + 1).sum::<usize>() + 2,
        Value::Object(members) => {
            members
                .iter()
                .map(|(name, value)| name.len() + 4 + size(value))
                .sum::<usize>()
                + 2
        }
    }
}

/// Whether a patch has a member already that this one would be merged with.
fn has(patch: &Document, property: &Member) -> bool {
    match &property.component {
        None => patch.contains_key(&property.name),
        Some(component) => match patch.get(component) {
            Some(Value::Object(members)) => !is_component(members) || members.contains_key(&property.name),
            other => other.is_some(),
        },
    }
}

fn put(patch: &mut Document, property: &Property) {
    let Property { member, value, .. } = property;
    match &member.component {
        None => {
            patch.insert(member.name.clone(), value.clone());
        }
        Some(component) => {
            let members = patch.entry(component.clone()).or_insert_with(|| json!({ "__t": "c" }));
            if let Value::Object(members) = members {
                members.insert(member.name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
#[path = "reported_tests.rs"]
mod tests;
