//! Enrolments, groups and registrations: made, read, changed, listed and removed.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Utc;
use serde_json::{Value, json};
use setpoint_protocol::{dps::RegistrationState, identifier::is_registration_id};

use super::{
    super::twins::matches_etag,
    Allocation, Attestation, DpsError, Enrollment, Enrollments, Group, Known, Stored, Terms, canonical,
    document::{self, Shown, Source},
    guid,
};

/// Most enrolments in one bulk operation (Microsoft: "Run bulk operation").
pub const BULK_LIMIT: usize = 10;

/// What a bulk operation does with each of its enrolments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkMode {
    /// Makes it; refused when it exists.
    Create,
    /// Changes it, whatever its ETag.
    Update,
    /// Changes it when the ETag it carries is the current one.
    UpdateIfMatchEtag,
    /// Removes it; only when the ETag it carries is the current one, if it carries one.
    Delete,
}

/// The two kinds of enrolment, which are kept and changed alike.
pub(crate) trait Record: Clone + PartialEq {
    /// The collection's name in paths.
    const COLLECTION: &'static str;
    /// The member that holds the id.
    const ID: &'static str;
    /// What a query says it found, in `x-ms-item-type`.
    const ITEM_TYPE: &'static str;

    fn id(&self) -> &str;
    fn attestation(&self) -> &Attestation;
    fn terms(&self) -> &Terms;
    fn all(known: &Known) -> &BTreeMap<String, Stored<Self>>;
    fn all_mut(known: &mut Known) -> &mut BTreeMap<String, Stored<Self>>;
    fn read(value: &Value, id: &str, source: &Source<'_>) -> Result<Self, DpsError>;
    fn show(stored: &Stored<Self>, shown: Shown) -> Value;

    /// One that was kept.
    fn restore(value: &Value, id: &str) -> Result<Stored<Self>, DpsError> {
        document::restored(value, Self::read(value, id, &Source::Kept)?)
    }
}

impl Record for Enrollment {
    const COLLECTION: &'static str = "enrollments";
    const ID: &'static str = "registrationId";
    const ITEM_TYPE: &'static str = "enrollment";

    fn id(&self) -> &str {
        &self.registration_id
    }
    fn attestation(&self) -> &Attestation {
        &self.attestation
    }
    fn terms(&self) -> &Terms {
        &self.terms
    }
    fn all(known: &Known) -> &BTreeMap<String, Stored<Self>> {
        &known.individual
    }
    fn all_mut(known: &mut Known) -> &mut BTreeMap<String, Stored<Self>> {
        &mut known.individual
    }
    fn read(value: &Value, id: &str, source: &Source<'_>) -> Result<Self, DpsError> {
        document::read_enrollment(value, id, source)
    }
    fn show(stored: &Stored<Self>, shown: Shown) -> Value {
        document::show_enrollment(stored, shown)
    }
}

impl Record for Group {
    const COLLECTION: &'static str = "enrollmentGroups";
    const ID: &'static str = "enrollmentGroupId";
    const ITEM_TYPE: &'static str = "enrollmentGroup";

    fn id(&self) -> &str {
        &self.group_id
    }
    fn attestation(&self) -> &Attestation {
        &self.attestation
    }
    fn terms(&self) -> &Terms {
        &self.terms
    }
    fn all(known: &Known) -> &BTreeMap<String, Stored<Self>> {
        &known.groups
    }
    fn all_mut(known: &mut Known) -> &mut BTreeMap<String, Stored<Self>> {
        &mut known.groups
    }
    fn read(value: &Value, id: &str, source: &Source<'_>) -> Result<Self, DpsError> {
        document::read_group(value, id, source)
    }
    fn show(stored: &Stored<Self>, shown: Shown) -> Value {
        document::show_group(stored, shown)
    }
}

/// An ETag as DPS writes them: the base64 of a quoted GUID.
pub(super) fn new_etag() -> String {
    STANDARD.encode(format!("\"{}\"", guid()))
}

fn missing<R: Record>(id: &str) -> DpsError {
    DpsError::NotEnrolled(format!("there is no {id:?} in {}", R::COLLECTION))
}

impl Known {
    fn find<R: Record>(&self, id: &str) -> Result<&Stored<R>, DpsError> {
        R::all(self).get(&canonical(id)).ok_or_else(|| missing::<R>(id))
    }

    fn put<R: Record>(&mut self, entry: R) -> &Stored<R> {
        let (key, now) = (canonical(entry.id()), Utc::now());
        let created = R::all(self).get(&key).map_or(now, |before| before.created);
        let stored = Stored {
            entry,
            etag: new_etag(),
            created,
            updated: now,
        };
        R::all_mut(self).insert(key.clone(), stored.clone());
        self.tell::<R>(&key);
        R::all_mut(self).entry(key).or_insert(stored)
    }

    fn remove<R: Record>(&mut self, id: &str) -> bool {
        let key = canonical(id);
        let removed = R::all_mut(self).remove(&key).is_some();
        if removed {
            self.tell::<R>(&key);
        }
        removed
    }

    /// With the registration's state, which belongs to an enrolment of one device.
    fn shown<R: Record>(&self, stored: &Stored<R>, shown: Shown) -> Value {
        let mut json = R::show(stored, shown);
        let Value::Object(members) = &mut json else { return json };
        let registered = self.registrations.get(&canonical(stored.entry.id()));
        if let Some(registered) = registered.filter(|_| R::ID == Enrollment::ID) {
            members.insert("registrationState".to_owned(), json!(registered.state));
        }
        if stored.entry.terms().allocation == Some(Allocation::Static) {
            members
                .entry("iotHubs")
                .or_insert_with(|| json!([self.linked.own_name()]));
        }
        json
    }
}

impl Enrollments {
    /// Adds an individual enrolment, in place of one for the same registration id.
    ///
    /// # Errors
    ///
    /// [`DpsError::Invalid`] when that is not a registration id.
    pub fn put(&self, enrollment: Enrollment) -> Result<(), DpsError> {
        check_id(&enrollment.registration_id)?;
        self.lock().put(enrollment);
        Ok(())
    }

    /// Adds a group, in place of one of the same name.
    ///
    /// # Errors
    ///
    /// [`DpsError::Invalid`] when the name is none.
    pub fn put_group(&self, group: Group) -> Result<(), DpsError> {
        check_id(&group.group_id)?;
        self.lock().put(group);
        Ok(())
    }

    /// The individual enrolment for a registration id.
    pub fn get(&self, registration_id: &str) -> Option<Enrollment> {
        let known = self.lock();
        known
            .find::<Enrollment>(registration_id)
            .map(|stored| stored.entry.clone())
            .ok()
    }

    /// A group by its name.
    pub fn group(&self, group_id: &str) -> Option<Group> {
        let known = self.lock();
        known.find::<Group>(group_id).map(|stored| stored.entry.clone()).ok()
    }

    /// All individual enrolments, ordered by registration id.
    pub fn individual(&self) -> Vec<Enrollment> {
        let known = self.lock();
        known.individual.values().map(|stored| stored.entry.clone()).collect()
    }

    /// All groups, ordered by name.
    pub fn groups(&self) -> Vec<Group> {
        let known = self.lock();
        known.groups.values().map(|stored| stored.entry.clone()).collect()
    }

    /// Removes an individual enrolment with its registration; false when there was none. The device stays in its hub.
    pub fn delete(&self, registration_id: &str) -> bool {
        let mut known = self.lock();
        known.forget_registration(registration_id);
        known.remove::<Enrollment>(registration_id)
    }

    /// Removes a group; false when there was none. The registrations of its devices stay, and the devices in their hubs.
    pub fn delete_group(&self, group_id: &str) -> bool {
        self.lock().remove::<Group>(group_id)
    }

    /// What came of a device's last registration, `None` when it never registered.
    pub fn registration(&self, registration_id: &str) -> Option<RegistrationState> {
        let known = self.lock();
        let registered = known.registrations.get(&canonical(registration_id));
        registered.map(|registered| registered.state.clone())
    }

    /// Removes a registration, as if the device had never registered; its enrolment stays, and the device in its hub.
    ///
    /// # Errors
    ///
    /// [`DpsError::NotFound`], [`DpsError::Precondition`].
    pub fn delete_registration(&self, registration_id: &str, if_match: Option<&str>) -> Result<(), DpsError> {
        let mut known = self.lock();
        let registered = known.registrations.get(&canonical(registration_id));
        let state = registered.map(|registered| &registered.state);
        let state = state.ok_or_else(|| DpsError::NotFound(format!("{registration_id:?} has not registered")))?;
        check_etag(if_match, state.etag.as_deref().unwrap_or_default(), registration_id)?;
        known.forget_registration(registration_id);
        Ok(())
    }

    /// Up to `top` registrations of a group's devices, ordered by id, from the one after `after`.
    ///
    /// # Errors
    ///
    /// [`DpsError::NotEnrolled`] when there is no such group.
    pub fn registrations(
        &self,
        group_id: &str,
        after: Option<&str>,
        top: usize,
    ) -> Result<Vec<RegistrationState>, DpsError> {
        let known = self.lock();
        known.find::<Group>(group_id)?;
        let belongs = |group: &Option<String>| {
            group
                .as_deref()
                .is_some_and(|group| group.eq_ignore_ascii_case(group_id))
        };
        let listed = known
            .registrations
            .iter()
            .filter(|(id, registered)| belongs(&registered.group) && after.is_none_or(|after| id.as_str() > after));
        Ok(listed
            .take(top)
            .map(|(_, registered)| registered.state.clone())
            .collect())
    }

    /// Makes or changes one, as the service API does: what exists is changed only with an If-Match header.
    pub(crate) fn write<R: Record>(&self, id: &str, value: &Value, if_match: Option<&str>) -> Result<Value, DpsError> {
        let mut known = self.lock();
        let before = R::all(&known).get(&canonical(id));
        match (before, if_match) {
            (Some(_), None) => return Err(DpsError::Exists(format!("{id:?}"))),
            (Some(before), Some(_)) => check_etag(if_match, &before.etag, id)?,
            (None, Some(_)) => return Err(missing::<R>(id)),
            (None, None) => {}
        }
        let source = Source::Service {
            before: before.map(|before| before.entry.attestation()),
            linked: &known.linked,
        };
        let entry = R::read(value, id, &source)?;
        let stored = known.put(entry).clone();
        Ok(known.shown(&stored, Shown::Keys))
    }

    /// Makes one or brings it to what is declared; one that is so already is left alone.
    pub(crate) fn declare<R: Record>(&self, id: &str, value: &Value) -> Result<(), DpsError> {
        let mut known = self.lock();
        let before = R::all(&known).get(&canonical(id)).map(|stored| stored.entry.clone());
        let source = Source::Service {
            before: before.as_ref().map(R::attestation),
            linked: &known.linked,
        };
        let entry = R::read(value, id, &source)?;
        if before.as_ref() != Some(&entry) {
            known.put(entry);
        }
        Ok(())
    }

    /// One as the service API shows it, without keys.
    pub(crate) fn read<R: Record>(&self, id: &str) -> Result<Value, DpsError> {
        let known = self.lock();
        known.find::<R>(id).map(|stored| known.shown(stored, Shown::Public))
    }

    /// What its devices prove themselves with, keys included.
    pub(crate) fn attestation<R: Record>(&self, id: &str) -> Result<Value, DpsError> {
        let known = self.lock();
        let stored = known.find::<R>(id)?;
        Ok(document::show_attestation(stored.entry.attestation(), Shown::Keys))
    }

    /// Removes one.
    pub(crate) fn erase<R: Record>(&self, id: &str, if_match: Option<&str>) -> Result<(), DpsError> {
        let mut known = self.lock();
        check_etag(if_match, &known.find::<R>(id)?.etag, id)?;
        known.remove::<R>(id);
        if R::ID == Enrollment::ID {
            known.forget_registration(id);
        }
        Ok(())
    }

    /// Up to `top` of them, ordered by id, from the one after `after`; without keys.
    pub(crate) fn page<R: Record>(&self, after: Option<&str>, top: usize) -> Vec<Value> {
        let known = self.lock();
        let listed = R::all(&known)
            .iter()
            .filter(|(id, _)| after.is_none_or(|after| id.as_str() > after));
        listed
            .take(top)
            .map(|(_, stored)| known.shown(stored, Shown::Public))
            .collect()
    }

    /// Does the same with several, each for itself: which failed, and why.
    pub(crate) fn bulk<R: Record>(&self, mode: BulkMode, values: &[Value]) -> Vec<(String, DpsError)> {
        let one = |value: &Value| {
            let id = value.get(R::ID).and_then(Value::as_str).unwrap_or_default();
            let etag = value
                .get("etag")
                .and_then(Value::as_str)
                .filter(|etag| !etag.is_empty());
            let done = match mode {
                BulkMode::Create => self.write::<R>(id, value, None).map(drop),
                BulkMode::Update => self.write::<R>(id, value, Some("*")).map(drop),
                BulkMode::UpdateIfMatchEtag => self.write::<R>(id, value, Some(etag.unwrap_or_default())).map(drop),
                BulkMode::Delete => self.erase::<R>(id, etag),
            };
            done.err().map(|error| (id.to_owned(), error))
        };
        values.iter().filter_map(one).collect()
    }
}

impl Known {
    fn forget_registration(&mut self, id: &str) {
        let key = canonical(id);
        if self.registrations.remove(&key).is_some() {
            self.tell_registration(&key);
        }
    }
}

fn check_id(id: &str) -> Result<(), DpsError> {
    if is_registration_id(id) {
        return Ok(());
    }
    Err(DpsError::Invalid(format!(
        "{id:?} is not a registration id: 1 to 128 characters of letters, digits and - . _ :"
    )))
}

fn check_etag(if_match: Option<&str>, etag: &str, what: &str) -> Result<(), DpsError> {
    if matches_etag(if_match, etag) {
        Ok(())
    } else {
        Err(DpsError::Precondition(format!("{what:?}")))
    }
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
