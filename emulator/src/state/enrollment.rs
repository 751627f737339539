//! Who may provision: what DPS knows.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use setpoint_protocol::{dps::RegistrationState, identifier::is_registration_id};

use super::{Credentials, DeviceKeys, DpsFault, Faults, Hub, HubError, TrustedAuthority};

/// An individual enrolment: one device, known beforehand, with its own keys or certificates.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrollment {
    /// Which registration id it is for; ids differ in more than case.
    pub registration_id: String,
    /// The device's id in the hub; the registration id when `None`.
    pub device_id: Option<String>,
    /// What the device proves itself with, to DPS and then to the hub.
    pub credentials: Credentials,
    /// Whether the device may provision.
    pub enabled: bool,
}

/// An enrolment group: any device that proves to belong to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The group's name.
    pub group_id: String,
    /// What its devices prove that with.
    pub attestation: Attestation,
    /// Whether its devices may provision.
    pub enabled: bool,
}

/// What a group's devices prove themselves with.
#[derive(Debug, Clone, PartialEq)]
pub enum Attestation {
    /// Symmetric keys, primary and secondary: a device's key is the HMAC of its registration id with one of them. Secret.
    Keys(DeviceKeys),
    /// X.509: a certificate that this authority signed, with the registration id as its common name.
    Authority(TrustedAuthority),
}

#[derive(Default)]
pub(super) struct Known {
    /// By registration id in lower case.
    pub(super) individual: BTreeMap<String, Enrollment>,
    pub(super) groups: BTreeMap<String, Group>,
    /// What came of registering, by registration id in lower case.
    pub(super) registrations: BTreeMap<String, Registered>,
    /// Which are assigned elsewhere, by registration id in lower case.
    pub(super) elsewhere: BTreeMap<String, Elsewhere>,
}

/// Another hub that devices are assigned to.
#[derive(Clone)]
pub(super) struct Elsewhere {
    pub(super) endpoint: String,
    pub(super) hub: Arc<Hub>,
}

pub(super) struct Registered {
    pub(super) operation_id: String,
    pub(super) state: RegistrationState,
}

/// The enrolments of one local DPS, and what was registered through them. Shared as an `Arc`; one lock, no I/O.
pub struct Enrollments {
    id_scope: String,
    known: Mutex<Known>,
    numbers: AtomicU64,
    pub(super) faults: Arc<Faults<DpsFault>>,
}

impl Enrollments {
    /// A DPS with this id scope that knows nobody.
    pub fn new(id_scope: impl Into<String>) -> Enrollments {
        Enrollments {
            id_scope: id_scope.into(),
            known: Mutex::default(),
            numbers: AtomicU64::new(1),
            faults: Arc::new(Faults::new(str::eq_ignore_ascii_case)),
        }
    }

    /// The id scope devices must name.
    pub fn id_scope(&self) -> &str {
        &self.id_scope
    }

    /// Adds an individual enrolment, in place of one for the same registration id.
    ///
    /// # Errors
    ///
    /// [`HubError::InvalidArgument`] when that is not a registration id.
    pub fn put(&self, enrollment: Enrollment) -> Result<(), HubError> {
        if !is_registration_id(&enrollment.registration_id) {
            let id = &enrollment.registration_id;
            return Err(HubError::InvalidArgument(format!(
                "{id:?} is not a registration id: 1 to 128 characters of letters, digits and - . _ :"
            )));
        }
        self.lock()
            .individual
            .insert(canonical(&enrollment.registration_id), enrollment);
        Ok(())
    }

    /// Adds a group, in place of one of the same name.
    pub fn put_group(&self, group: Group) {
        self.lock().groups.insert(group.group_id.clone(), group);
    }

    /// The individual enrolment for a registration id.
    pub fn get(&self, registration_id: &str) -> Option<Enrollment> {
        self.lock().individual.get(&canonical(registration_id)).cloned()
    }

    /// A group by its name.
    pub fn group(&self, group_id: &str) -> Option<Group> {
        self.lock().groups.get(group_id).cloned()
    }

    /// All individual enrolments, ordered by registration id.
    pub fn individual(&self) -> Vec<Enrollment> {
        self.lock().individual.values().cloned().collect()
    }

    /// All groups, ordered by name.
    pub fn groups(&self) -> Vec<Group> {
        self.lock().groups.values().cloned().collect()
    }

    /// Removes an individual enrolment; false when there was none. A device assigned through it stays in the hub.
    pub fn delete(&self, registration_id: &str) -> bool {
        self.lock().individual.remove(&canonical(registration_id)).is_some()
    }

    /// Removes a group; false when there was none. Devices assigned through it stay in the hub.
    pub fn delete_group(&self, group_id: &str) -> bool {
        self.lock().groups.remove(group_id).is_some()
    }

    /// Assigns a registration id to another hub from its next registration on: `endpoint` is what the device is told (a host
    /// name, or `{name}:{port}`), `hub` is the hub it is made in, with the enrolment's credentials. For the hub of this emulator
    /// again, [`Enrollments::assign_here`].
    pub fn assign_to(&self, registration_id: &str, endpoint: &str, hub: &Arc<Hub>) {
        let elsewhere = Elsewhere {
            endpoint: endpoint.to_owned(),
            hub: Arc::clone(hub),
        };
        self.lock().elsewhere.insert(canonical(registration_id), elsewhere);
    }

    /// Assigns a registration id to this emulator's hub again.
    pub fn assign_here(&self, registration_id: &str) {
        self.lock().elsewhere.remove(&canonical(registration_id));
    }

    /// What came of a device's last registration, `None` when it never registered.
    pub fn registration(&self, registration_id: &str) -> Option<RegistrationState> {
        self.lock()
            .registrations
            .get(&canonical(registration_id))
            .map(|registered| registered.state.clone())
    }

    pub(super) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Known> {
        // Every change is made whole before the lock is let go.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Registration ids are equal in any case (Microsoft: "DPS terminology").
pub(super) fn canonical(registration_id: &str) -> String {
    registration_id.to_ascii_lowercase()
}
