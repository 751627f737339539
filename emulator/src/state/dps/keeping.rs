//! What DPS holds, as JSON under names, for whoever keeps it beyond the process: `enrollments/{id}`, `enrollmentGroups/{id}` and
//! `registrations/{id}`, with the ids in lower case.

use serde_json::Value;

use super::{
    super::{Change, Keeper},
    Enrollment, Enrollments, Group, Known, Registered,
    document::Shown,
    records::Record,
};

const REGISTRATIONS: &str = "registrations";

impl Enrollments {
    /// Has a keeper told of each change from now on.
    pub fn keep_with(&self, keeper: Keeper) {
        self.lock().keeper = Some(keeper);
    }

    /// Everything there is, in no particular order.
    pub fn contents(&self) -> Vec<Change> {
        let known = self.lock();
        let individual = known.individual.keys().map(|id| known.change::<Enrollment>(id));
        let groups = known.groups.keys().map(|id| known.change::<Group>(id));
        let registrations = known.registrations.keys().map(|id| known.registration_change(id));
        individual.chain(groups).chain(registrations).collect()
    }

    /// Puts back what a keeper was told, without telling it again. Unknown names are passed over.
    ///
    /// # Errors
    ///
    /// What is wrong with the value; says nothing of what it holds.
    pub fn restore(&self, name: &str, value: &Value) -> Result<(), String> {
        let mut known = self.lock();
        let wrong = |error: &dyn std::fmt::Display| format!("{name}: {error}");
        match name.split_once('/') {
            Some((Enrollment::COLLECTION, id)) => {
                known.put_back::<Enrollment>(id, value).map_err(|error| wrong(&error))
            }
            Some((Group::COLLECTION, id)) => known.put_back::<Group>(id, value).map_err(|error| wrong(&error)),
            Some((REGISTRATIONS, id)) => {
                let registered: Registered =
                    serde_json::from_value(value.clone()).map_err(|_| wrong(&"it is no registration"))?;
                known.registrations.insert(id.to_owned(), registered);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Known {
    /// Tells the keeper of an enrolment or a group, by its id in lower case.
    pub(super) fn tell<R: Record>(&self, id: &str) {
        if let Some(keeper) = &self.keeper {
            keeper(&self.change::<R>(id));
        }
    }

    /// The same of a registration.
    pub(super) fn tell_registration(&self, id: &str) {
        if let Some(keeper) = &self.keeper {
            keeper(&self.registration_change(id));
        }
    }

    fn change<R: Record>(&self, id: &str) -> Change {
        let shown = |stored| R::show(stored, Shown::Whole);
        Change {
            name: format!("{}/{id}", R::COLLECTION),
            value: R::all(self).get(id).map(shown),
        }
    }

    fn registration_change(&self, id: &str) -> Change {
        let registered = self.registrations.get(id);
        Change {
            name: format!("{REGISTRATIONS}/{id}"),
            // It has nothing that JSON cannot express.
            value: registered.and_then(|registered| serde_json::to_value(registered).ok()),
        }
    }

    fn put_back<R: Record>(&mut self, id: &str, value: &Value) -> Result<(), super::DpsError> {
        let stored = R::restore(value, id)?;
        R::all_mut(self).insert(id.to_owned(), stored);
        Ok(())
    }
}
