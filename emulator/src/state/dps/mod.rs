//! The Device Provisioning Service: who may register, and what came of it.
//!
//! [`Enrollments`] holds enrolments of single devices and of groups ([`enrollment`]), in the shape of the service API as
//! JSON ([`document`]); [`records`] changes them. A device that registers ([`registration`]) is judged by what it proves
//! itself with ([`attestation`]); [`allocation`] chooses its hub among those that are [`linked`], [`assignment`] makes it there or moves it.
//! One lock, no I/O; who keeps what is here on a disk is told of each change ([`keeping`]).

mod allocation;
mod assignment;
mod attestation;
mod certificate_info;
mod document;
mod enrollment;
mod failure;
mod guid;
mod keeping;
mod linked;
mod records;
mod registration;
mod throttle;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use allocation::Allocation;
pub use attestation::{Attestation, EnrolledCertificate};
pub use certificate_info::CertificateInfo;
use enrollment::Stored;
pub use enrollment::{Enrollment, Group, InitialTwin, Reprovisioning, Terms};
pub use failure::DpsError;
pub(crate) use guid::guid;
pub(crate) use records::Record;
pub use records::{BULK_LIMIT, BulkMode};
pub use registration::{Applicant, Place, Registered};
pub use throttle::{DpsThrottles, Rate};

use super::{DpsFault, Faults, Hub};
use linked::Linked;
use throttle::Meters;

/// The enrolments of one local DPS, and what was registered through them. Shared as an `Arc`; one lock, no I/O.
pub struct Enrollments {
    id_scope: String,
    known: Mutex<Known>,
    meters: Mutex<Meters>,
    faults: Arc<Faults<DpsFault>>,
}

/// Everything inside the lock.
#[derive(Default)]
pub(crate) struct Known {
    /// By registration id in lower case.
    individual: BTreeMap<String, Stored<Enrollment>>,
    /// By name in lower case.
    groups: BTreeMap<String, Stored<Group>>,
    /// What came of registering, by registration id in lower case.
    registrations: BTreeMap<String, Registered>,
    linked: Linked,
    keeper: Option<super::Keeper>,
}

impl Enrollments {
    /// A DPS with this id scope that knows nobody.
    pub fn new(id_scope: impl Into<String>) -> Enrollments {
        Enrollments {
            id_scope: id_scope.into(),
            known: Mutex::default(),
            meters: Mutex::default(),
            faults: Arc::new(Faults::new(str::eq_ignore_ascii_case)),
        }
    }

    /// The id scope devices must name.
    pub fn id_scope(&self) -> &str {
        &self.id_scope
    }

    /// The faults in place; put more there, or take them away. Registration ids are the same in any case.
    pub fn faults(&self) -> &Arc<Faults<DpsFault>> {
        &self.faults
    }

    /// The names by which enrolments may list the emulator's own hub, the usual one first; `localhost` at the beginning.
    pub fn name_own_hub(&self, names: &[String]) {
        self.lock().linked.own = names.to_vec();
    }

    /// Links another hub, under the host name that devices are to find it by. One of the same name is replaced.
    pub fn link(&self, name: &str, hub: &Arc<Hub>) {
        self.lock()
            .linked
            .others
            .insert(name.to_ascii_lowercase(), Arc::clone(hub));
    }

    /// The linked hub of this name, `None` for the emulator's own and for names of none.
    pub fn linked(&self, name: &str) -> Option<Arc<Hub>> {
        self.lock().linked.others.get(&name.to_ascii_lowercase()).cloned()
    }

    /// Assigns a registration id to another hub from its next registration on, whatever its enrolment says: `endpoint` is what the
    /// device is told (a host name, or `{name}:{port}`), `hub` is the hub it is made in, with the enrolment's credentials. For the
    /// hub its enrolment says again, [`Enrollments::assign_here`].
    pub fn assign_to(&self, registration_id: &str, endpoint: &str, hub: &Arc<Hub>) {
        let elsewhere = (endpoint.to_owned(), Arc::clone(hub));
        self.lock()
            .linked
            .elsewhere
            .insert(canonical(registration_id), elsewhere);
    }

    /// Assigns a registration id as its enrolment says again.
    pub fn assign_here(&self, registration_id: &str) {
        self.lock().linked.elsewhere.remove(&canonical(registration_id));
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Every change is made whole before the lock is let go.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids of DPS are equal in any case (Microsoft: "DPS terminology").
fn canonical(id: &str) -> String {
    id.to_ascii_lowercase()
}
