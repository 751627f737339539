//! The ports a device reaches its cloud through, and what stands behind them.
//!
//! A [`Provisioner`] says which hub a device belongs to; a [`Connector`] opens a [`Connection`] to it. The device session
//! knows these three traits and nothing of MQTT. Azure's implementations are [`DpsProvisioner`], [`ConnectionString`] and
//! [`AzureConnector`]; [`memory`] holds the ones that tests in virtual time use.
//!
//! Life of a connection: [`Connector::connect`] returns when the hub has accepted the device and every subscription, so
//! nothing that arrives later is missed. The session then calls [`Connection::send`] and [`Connection::next`] by turns from
//! one task. After the first error a connection is of no more use: drop it and connect again. What had not been
//! [`Event::Delivered`] by then may or may not have arrived, and is sent again.

mod access;
mod client_certificate;
mod connection_string;
mod credential;
mod dial;
mod dps;
mod exchange;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod hub;
pub mod memory;
mod mqtt;
mod private_key;
mod proxy;
mod token_clock;
mod trust;
mod tunnel;
mod websocket;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use setpoint_protocol::endpoint::Endpoint;
use setpoint_protocol::twin::{Document, Twin};

pub use access::Access;
pub use client_certificate::{CertificateError, ClientCertificate};
pub use connection_string::{ConnectionString, ModuleIdentity};
pub use credential::Credential;
pub use dps::DpsProvisioner;
pub use hub::AzureConnector;
pub use private_key::PassPhrase;
pub use proxy::{Proxies, Proxy, ProxyError, ProxyVariableError};
pub use token_clock::TokenClock;
pub use trust::{Trust, TrustError};

/// Says which hub a device belongs to.
#[async_trait]
pub trait Provisioner: Send + Sync {
    /// Registers the device under its model and waits for the answer.
    ///
    /// Dropping the future gives up; the registration may still go through at the service.
    async fn provision(&self, model_id: &str) -> Result<Assignment, ProvisionError>;
}

/// What provisioning assigned.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The hub's host name, with the port it is reached at when that is not 8883.
    pub hub: Endpoint,
    /// The identity in the hub; usually, not always, the registration id.
    pub device_id: String,
    /// Whatever the provisioning service returned for this device.
    pub payload: Option<Value>,
}

/// Opens connections for one device; keeps its credentials.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Connects and subscribes. Returns once the hub has accepted both.
    async fn connect(&self, to: &Assignment, model_id: &str) -> Result<Box<dyn Connection>, ConnectError>;
}

/// One session with the hub.
#[async_trait]
pub trait Connection: Send {
    /// Hands one message over without waiting.
    ///
    /// [`Event::Delivered`] with this `id` follows when the hub has taken it: PUBACK for telemetry, status 204 for a
    /// report. A [`Outgoing::GetTwin`] is answered by [`Event::Twin`], a response by nothing.
    fn send(&mut self, id: u64, outgoing: &Outgoing) -> Result<(), ConnectError>;

    /// What the hub did next. Cancel safe: an event is returned or kept, never lost. Asking for the next says that the one
    /// before has been handled: a cloud-to-device message is acknowledged then, not earlier.
    async fn next(&mut self) -> Result<Event, ConnectError>;

    /// When the hub ends it, because the token it was opened with expires, by this machine's clock, right or wrong: an
    /// implementation that signs with a corrected time converts back. None: never.
    fn expires(&self) -> Option<DateTime<Utc>> {
        None
    }

    /// Says goodbye (MQTT DISCONNECT), so that the hub sends no Will.
    async fn close(self: Box<Self>);
}

/// From the device to the hub.
#[derive(Debug, Clone, PartialEq)]
pub enum Outgoing {
    /// Asks for the whole twin.
    GetTwin,
    /// A device-to-cloud message.
    Telemetry {
        /// The component it belongs to; none means the default component.
        component: Option<String>,
        /// A JSON object.
        body: String,
        /// Application properties.
        properties: Vec<(String, String)>,
    },
    /// A patch of the reported properties.
    Report(Document),
    /// The answer to [`Event::Method`].
    Response {
        /// The request id that came with the method.
        rid: String,
        /// The method's status, as the caller sees it.
        status: u16,
        /// A JSON document.
        payload: String,
    },
}

impl Outgoing {
    /// What it is, in a few words, for logs: names but no values.
    pub fn summary(&self) -> String {
        match self {
            Outgoing::GetTwin => "the question for the twin".to_owned(),
            Outgoing::Telemetry { body, .. } => format!("telemetry of {} bytes", body.len()),
            Outgoing::Report(patch) => {
                let names: Vec<_> = patch.keys().map(String::as_str).collect();
                format!("the report of {}", names.join(", "))
            }
            Outgoing::Response { status, .. } => format!("a response with status {status}"),
        }
    }
}

/// From the hub to the device.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The hub has taken the message sent under this id.
    Delivered(u64),
    /// The hub refused it: for good, as a report over its limits (413), or for now (429, and 500 and above).
    Refused {
        /// The id it was sent under.
        id: u64,
        /// The hub's status, 400 to 599.
        status: u16,
        /// How long the hub wants not to be asked again, when it says so.
        retry_after: Option<Duration>,
    },
    /// The whole twin, as asked for.
    Twin(Twin),
    /// Desired properties have changed.
    Desired {
        /// What changed; null means removed.
        patch: Document,
        /// The desired properties' version after it.
        version: u64,
    },
    /// A direct method is called.
    Method {
        /// To be given back with the response.
        rid: String,
        /// `command`, or `component*command`.
        name: String,
        /// As it arrived: JSON by agreement, not by enforcement.
        payload: Vec<u8>,
    },
    /// A cloud-to-device message.
    Message {
        /// As it arrived.
        body: Vec<u8>,
        /// Application properties.
        properties: Vec<(String, String)>,
    },
}

/// Why a device was not provisioned.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProvisionError {
    /// The service could not be reached or spoken to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The service answered and said no.
    #[error(
        "{registration_id}: provisioning refused with status {status}, error {error_code}: {message} (tracking id {tracking_id}); check the id scope, the registration id and its key or certificate"
    )]
    Refused {
        /// Who asked.
        registration_id: String,
        /// MQTT status of the answer, 300 to 428.
        status: u16,
        /// The service's own code, for example 401002.
        error_code: u32,
        /// The service's own words.
        message: String,
        /// For a support request.
        tracking_id: String,
    },
    /// The registration ended, but in no hub.
    #[error(
        "{registration_id}: provisioning ended as {status}, error {error_code}: {message} (tracking id {tracking_id}, operation {operation_id}); look at the enrolment"
    )]
    NotAssigned {
        /// Who asked.
        registration_id: Box<str>,
        /// `failed` or `disabled`.
        status: &'static str,
        /// The service's own code, 0 when it gave none.
        error_code: u32,
        /// The service's own words.
        message: Box<str>,
        /// For a support request; `none` when the service gave none.
        tracking_id: Box<str>,
        /// The service's name for this registration, for a support request too.
        operation_id: Box<str>,
    },
    /// No end within the time given.
    #[error("{registration_id}: provisioning at {endpoint} did not end within {seconds} s; try again later")]
    TimedOut {
        /// Who asked.
        registration_id: String,
        /// Where.
        endpoint: Endpoint,
        /// How long it was waited for, in seconds.
        seconds: u64,
    },
    /// An answer that is not in the protocol.
    #[error("{registration_id}: {endpoint} gave an answer that provisioning does not have: {what}")]
    Protocol {
        /// Who asked.
        registration_id: String,
        /// Where.
        endpoint: Endpoint,
        /// What was wrong with it.
        what: String,
    },
}

/// Why there is no connection, or no longer one.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectError {
    /// Name resolution or TCP failed.
    #[error("{endpoint} cannot be reached: {reason}; check the host name, the port and the network")]
    Unreachable {
        /// Where.
        endpoint: Endpoint,
        /// The system's own words.
        reason: String,
    },
    /// The server's certificate is not trusted or is another host's.
    #[error(
        "{endpoint} shows a certificate that does not match: {reason}; trust its CA with --ca FILE or SSL_CERT_FILE"
    )]
    Certificate {
        /// Where.
        endpoint: Endpoint,
        /// The verifier's own words.
        reason: String,
    },
    /// CONNACK with a refusal. It stays refused until the credentials change.
    #[error(
        "{device}: {endpoint} refused the connection: {reason}; check the device's id, its key or certificate, and this machine's clock"
    )]
    Refused {
        /// Who.
        device: String,
        /// Where.
        endpoint: Endpoint,
        /// What the code means.
        reason: String,
    },
    /// The service ended a connection that it had accepted, and gave no reason: MQTT 3.1.1 has none.
    #[error("{device}: {endpoint} closed the connection")]
    Closed {
        /// Who.
        device: String,
        /// Where.
        endpoint: Endpoint,
    },
    /// The connection broke.
    #[error("{device}: the connection to {endpoint} was lost: {reason}")]
    Lost {
        /// Who.
        device: String,
        /// Where.
        endpoint: Endpoint,
        /// What the transport saw.
        reason: String,
    },
}
