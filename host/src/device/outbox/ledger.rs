//! What the store is to be told, and telling it: additions before anybody hears of them, removals when it is convenient.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store::{ASSIGNMENT, Kept, PropertyRow, STATE, Store, TelemetryRow};
use crate::cloud::{Assignment, Outgoing};
use crate::effect::Member;

/// What has left is taken out of the file with whatever comes next, after this long at the latest, ..
const LAZY: Duration = Duration::from_secs(1);
/// .. and when it is so much: this is how many messages a kill makes come twice at most, beside those in flight.
const REMOVALS: usize = 100;

/// What differs between the outbox and its store. Without a store it does nothing.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    store: Option<Store>,
    telemetry: BTreeMap<u64, Vec<u8>>,
    telemetry_gone: BTreeSet<u64>,
    /// None: it has left.
    reported: BTreeMap<String, Option<Vec<u8>>>,
    /// Which value of a property the store has, or is about to have.
    seqs: HashMap<Member, u64>,
    /// Since when something is to be removed.
    lazy_since: Option<Duration>,
    /// Whether the last attempt failed, which is said once.
    failing: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssignmentRow<'a> {
    hub: String,
    device_id: Cow<'a, str>,
    payload: Option<Cow<'a, Value>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StateRow<'a> {
    model_id: Cow<'a, str>,
    state: Cow<'a, [u8]>,
}

impl Ledger {
    pub(super) fn of(store: Store, kept: &Kept) -> Self {
        let seqs = kept
            .reported
            .iter()
            .map(|property| (property.member.clone(), property.seq));
        Self {
            seqs: seqs.collect(),
            store: Some(store),
            ..Self::default()
        }
    }

    pub(super) fn put_telemetry(&mut self, id: u64, outgoing: &Outgoing) {
        if self.store.is_none() {
            return;
        }
        if let Outgoing::Telemetry {
            component,
            body,
            properties,
        } = outgoing
        {
            let row = TelemetryRow {
                component: component.as_deref().map(Cow::Borrowed),
                body: Cow::Borrowed(body),
                properties: Cow::Borrowed(properties),
            };
            self.telemetry.insert(id, json(&row));
        }
    }

    pub(super) fn remove_telemetry(&mut self, id: u64) {
        if self.store.is_some() && self.telemetry.remove(&id).is_none() {
            self.telemetry_gone.insert(id);
        }
    }

    pub(super) fn put_property(&mut self, seq: u64, member: &Member, value: &Value) {
        if self.store.is_none() {
            return;
        }
        let value = Cow::Borrowed(value);
        self.reported
            .insert(key(member), Some(json(&PropertyRow { seq, value })));
        self.seqs.insert(member.clone(), seq);
    }

    /// Does nothing when there is a newer value.
    pub(super) fn remove_property(&mut self, seq: u64, member: &Member) {
        if self.seqs.get(member) == Some(&seq) {
            self.seqs.remove(member);
            self.reported.insert(key(member), None);
        }
    }

    pub(super) fn has_additions(&self) -> bool {
        !self.telemetry.is_empty() || self.reported.values().any(Option::is_some)
    }

    fn has_removals(&self) -> bool {
        !self.telemetry_gone.is_empty() || self.reported.values().any(Option::is_none)
    }

    /// When [`Ledger::flush`] is due for the sake of what has left.
    pub(super) fn next_flush(&mut self, now: Duration) -> Option<Duration> {
        if !self.has_removals() {
            return None;
        }
        let since = *self.lazy_since.get_or_insert(now);
        if self.telemetry_gone.len() >= REMOVALS {
            return Some(now);
        }
        Some(since.saturating_add(LAZY))
    }

    /// Tells the store everything, in one transaction, and waits until it is on the disk. What cannot be written now is
    /// written with what comes next; until then it is safe in memory alone.
    pub(super) fn flush(&mut self) {
        let Some(store) = &self.store else { return };
        if !self.has_additions() && !self.has_removals() {
            return;
        }
        let written = store.write(|tables| {
            for (id, row) in &self.telemetry {
                tables.telemetry.insert(id, row.as_slice())?;
            }
            for id in &self.telemetry_gone {
                tables.telemetry.remove(id)?;
            }
            for (member, row) in &self.reported {
                match row {
                    Some(row) => tables.reported.insert(member.as_str(), row.as_slice())?,
                    None => tables.reported.remove(member.as_str())?,
                };
            }
            Ok(())
        });
        self.lazy_since = None;
        match written {
            Ok(()) => {
                self.telemetry.clear();
                self.telemetry_gone.clear();
                self.reported.clear();
                if std::mem::take(&mut self.failing) {
                    tracing::info!("{} is written again", store.path().display());
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(
                        "{} cannot be written: {error}; until it can, a power cut loses what waits: look at the disk",
                        store.path().display()
                    );
                }
            }
        }
    }

    /// The assignment of the last time.
    pub(super) fn assignment(&self) -> Option<Assignment> {
        let row: AssignmentRow<'_> = self.store.as_ref()?.get(ASSIGNMENT)?;
        Some(Assignment {
            hub: row.hub.parse().ok()?,
            device_id: row.device_id.into_owned(),
            payload: row.payload.map(Cow::into_owned),
        })
    }

    pub(super) fn put_assignment(&mut self, assignment: &Assignment) {
        let row = AssignmentRow {
            hub: assignment.hub.to_string(),
            device_id: Cow::Borrowed(&assignment.device_id),
            payload: assignment.payload.as_ref().map(Cow::Borrowed),
        };
        self.put(ASSIGNMENT, Some(&json(&row)));
    }

    pub(super) fn put_state(&mut self, model_id: &str, state: &[u8]) {
        let row = StateRow {
            model_id: Cow::Borrowed(model_id),
            state: Cow::Borrowed(state),
        };
        self.put(STATE, Some(&json(&row)));
    }

    pub(super) fn take_state(&mut self, model_id: &str) -> Option<Vec<u8>> {
        let row: StateRow<'_> = self.store.as_ref()?.get(STATE)?;
        self.put(STATE, None);
        (row.model_id == model_id).then(|| row.state.into_owned())
    }

    fn put(&self, name: &str, row: Option<&[u8]>) {
        let Some(store) = &self.store else { return };
        let written = store.write(|tables| {
            match row {
                Some(row) => tables.device.insert(name, row)?,
                None => tables.device.remove(name)?,
            };
            Ok(())
        });
        if let Err(error) = written {
            tracing::error!(
                "{}: the {name} cannot be written: {error}; look at the disk",
                store.path().display()
            );
        }
    }
}

fn key(member: &Member) -> String {
    serde_json::to_string(member).unwrap_or_default()
}

/// Texts, numbers and JSON values always have a JSON text.
fn json(row: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(row).unwrap_or_default()
}
