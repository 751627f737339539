//! What the hub and DPS know, free of any network: both the MQTT side and the service API stand on it.
//!
//! [`Hub`] holds devices and the modules on them, their twins, sessions, messages and calls behind one lock that is never held across an `await`.
//! A device's connection holds a [`Link`]; what the hub wants to say to the device arrives there as a [`Delivery`], through
//! bounded queues, so a device that does not read costs a fixed amount and is disconnected rather than waited for.
//! Everything a device does is told to listeners as a [`DeviceEvent`], and its telemetry kept in the [`EventLog`] of the
//! built-in [`endpoint`]. [`Enrollments`] holds what DPS knows and assigns devices to the hub (`dps/`). [`faults`] has either
//! misbehave on request, and [`Hub::telemetry_of`] keeps what devices sent for tests.

mod certificate;
mod credentials;
mod device;
mod dps;
pub mod endpoint;
mod error;
mod event;
pub mod faults;
mod feedback;
mod hub;
mod journal;
mod keeping;
mod limit;
mod link;
mod message;
mod method;
mod name;
mod registry;
mod session;
mod throttle;
mod twin;
mod twins;

pub use certificate::{CertificateError, ClientCertificate, TrustedAuthority};
pub use credentials::{Credentials, DeviceKeys, Thumbprint, ThumbprintError, Thumbprints};
pub(crate) use device::make_keys;
pub use device::{AuthError, Details, Device};
pub use dps::{
    Allocation, Applicant, Attestation, BULK_LIMIT, BulkMode, CertificateInfo, DpsError, DpsThrottles,
    EnrolledCertificate, Enrollment, Enrollments, Group, InitialTwin, Place, Rate, Registered, Reprovisioning, Terms,
};
pub(crate) use dps::{Record, guid};
pub use endpoint::EventLog;
pub use error::HubError;
pub use event::{DeviceEvent, EventKind};
pub use faults::{DpsFault, Faults, HubFault, Injection, Stored, TwinRequest, When, Whom};
pub use feedback::{Feedback, FeedbackBatch, Outcome};
pub use hub::Hub;
pub(crate) use hub::Told;

pub use journal::{ConnectAttempt, Telemetry};
pub(crate) use keeping::ENDPOINT;
pub use keeping::{Change, Keeper};
pub use limit::Limit;
pub use link::{CloseReason, Delivery, Link};
pub use message::{CloudMessage, MESSAGE_LIMIT, OutgoingMessage, QUEUE_LIMIT};
pub use method::{METHOD_LIMIT, MethodResult};
pub(crate) use name::identity_name;
pub use name::{module_name, split_name};
pub use registry::{IdentityChange, MODULE_LIMIT};
pub use session::Subscription;
pub(crate) use throttle::METHOD_METER;
pub use throttle::{Admission, Throttle, Throttles, UnknownThrottle};
