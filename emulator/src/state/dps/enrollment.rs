//! Who may register, and under what terms.

use chrono::{DateTime, Utc};
use serde_json::Value;
use setpoint_protocol::twin::Document;

use super::{Allocation, Attestation};

/// An individual enrolment: one device, known beforehand.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrollment {
    /// Which registration id it is for; ids differ in more than case.
    pub registration_id: String,
    /// The device's id in the hub; the registration id when `None`.
    pub device_id: Option<String>,
    /// What the device proves itself with, to DPS and then to the hub.
    pub attestation: Attestation,
    /// The rest.
    pub terms: Terms,
    /// Whatever the owner of the enrolment notes about the device; nobody else reads it.
    pub information: Option<Document>,
}

/// An enrolment group: any device that proves to belong to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The group's name; names differ in more than case.
    pub group_id: String,
    /// What its devices prove that with.
    pub attestation: Attestation,
    /// The rest.
    pub terms: Terms,
}

/// What becomes of a device that registers.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// Whether it may.
    pub enabled: bool,
    /// How its hub is chosen; hashed when `None`.
    pub allocation: Option<Allocation>,
    /// Names of the hubs it may belong to; any that is linked when there are none.
    pub hubs: Vec<String>,
    /// What happens when it registers again; when `None`, as [`Reprovisioning::MIGRATE`].
    pub reprovisioning: Option<Reprovisioning>,
    /// What its twin begins with.
    pub initial_twin: Option<InitialTwin>,
    /// Whether it is an IoT Edge device.
    pub iot_edge: bool,
    /// What it is given with its assignment, as a custom allocation function of the real service would return it; when `None`, the
    /// payload it sent comes back.
    pub payload: Option<Value>,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms {
            enabled: true,
            allocation: None,
            hubs: Vec::new(),
            reprovisioning: None,
            initial_twin: None,
            iot_edge: false,
            payload: None,
        }
    }
}

/// What happens when a device registers that was assigned before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reprovisioning {
    /// Whether its hub is chosen anew.
    pub update_hub_assignment: bool,
    /// Whether its twin stays or goes along; it begins again with the initial one otherwise.
    pub migrate_device_data: bool,
}

impl Reprovisioning {
    /// Its hub is chosen anew and its twin goes along. The real service's default.
    pub const MIGRATE: Reprovisioning = Reprovisioning {
        update_hub_assignment: true,
        migrate_device_data: true,
    };
    /// Its hub is chosen anew and its twin begins again.
    pub const RESET: Reprovisioning = Reprovisioning {
        update_hub_assignment: true,
        migrate_device_data: false,
    };
    /// It stays where it is.
    pub const NEVER: Reprovisioning = Reprovisioning {
        update_hub_assignment: false,
        migrate_device_data: false,
    };
}

/// What a device's twin begins with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InitialTwin {
    /// Tags.
    pub tags: Document,
    /// Desired properties.
    pub desired: Document,
}

/// An enrolment as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored<T> {
    /// What it says.
    pub entry: T,
    /// Changes with it; without quotes.
    pub etag: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it last changed.
    pub updated: DateTime<Utc>,
}

impl Enrollment {
    /// For a device of that id, under the usual terms.
    pub fn new(registration_id: impl Into<String>, attestation: impl Into<Attestation>) -> Enrollment {
        Enrollment {
            registration_id: registration_id.into(),
            device_id: None,
            attestation: attestation.into(),
            terms: Terms::default(),
            information: None,
        }
    }
}

impl Group {
    /// Under the usual terms.
    pub fn new(group_id: impl Into<String>, attestation: impl Into<Attestation>) -> Group {
        Group {
            group_id: group_id.into(),
            attestation: attestation.into(),
            terms: Terms::default(),
        }
    }
}
