//! What the service's answers mean.

use chrono::{DateTime, Utc};
use serde_json::Value;
use setpoint_protocol::dps::{Operation, Refusal, RegistrationState, Status};
use setpoint_protocol::endpoint::Endpoint;

use super::DpsProvisioner;
use crate::cloud::{Assignment, ConnectError, ProvisionError};

/// The status of a refusal that another token may help against.
const UNAUTHORIZED: u16 = 401;

/// How much of an answer that is no JSON an error shows, in characters.
const SHOWN: usize = 200;

/// Said where the service says nothing.
const NOT_SAID: &str = "none";

/// What came in answer to a request.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// In seconds.
    pub(super) retry_after: Option<u64>,
    pub(super) body: Vec<u8>,
}

/// What an answer asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Nothing more.
    Done(Assignment),
    /// To poll this operation.
    Poll(String),
    /// The same request again.
    Retry,
}

/// Why a registration does not go on.
#[derive(Debug)]
pub(super) enum Failure {
    /// The token was refused; with the service's time, when it said it.
    Unauthorized(ProvisionError, Option<DateTime<Utc>>),
    /// The connection broke, in the middle of it.
    Lost(ConnectError),
    /// It has come to its end.
    Final(ProvisionError),
}

impl From<ProvisionError> for Failure {
    fn from(error: ProvisionError) -> Failure {
        Failure::Final(error)
    }
}

impl DpsProvisioner {
    /// Answers of 429 and above are for now, those of 300 to 428 for good.
    pub(super) fn read(&self, answer: &Answer) -> Result<Step, Failure> {
        match answer.status {
            200..=299 => Ok(self.follow(&answer.body)?),
            status @ 300..=428 => Err(self.refused(status, &answer.body)),
            429.. => Ok(Step::Retry),
            status => Err(self.protocol(format!("status {status}")).into()),
        }
    }

    fn follow(&self, body: &[u8]) -> Result<Step, ProvisionError> {
        let operation: Operation = serde_json::from_slice(body).map_err(|error| self.protocol(error.to_string()))?;
        match (operation.status, operation.registration_state) {
            (Status::Assigning | Status::Unassigned, _) => Ok(Step::Poll(operation.operation_id)),
            (Status::Assigned, Some(state)) => self.assigned(state).map(Step::Done),
            (Status::Assigned, None) => Err(self.protocol("an assignment that does not say to which hub".to_owned())),
            (status @ (Status::Failed | Status::Disabled), state) => Err(ProvisionError::NotAssigned {
                registration_id: self.registration_id.as_str().into(),
                status: if status == Status::Failed { "failed" } else { "disabled" },
                error_code: state.as_ref().and_then(|state| state.error_code).unwrap_or(0),
                message: state
                    .and_then(|state| state.error_message)
                    .unwrap_or_else(|| "no reason given".to_owned())
                    .into(),
                tracking_id: tracking_id(body).unwrap_or_else(|| NOT_SAID.to_owned()).into(),
                operation_id: operation.operation_id.into(),
            }),
        }
    }

    fn assigned(&self, state: RegistrationState) -> Result<Assignment, ProvisionError> {
        let (Some(hub), Some(device_id)) = (state.assigned_hub, state.device_id) else {
            return Err(self.protocol("an assignment without hub or device id".to_owned()));
        };
        let hub: Endpoint = hub
            .parse()
            .map_err(|error| self.protocol(format!("the assigned hub: {error}")))?;
        let port = hub.port.or(self.endpoint.port);
        Ok(Assignment {
            hub: Endpoint { port, ..hub },
            device_id,
            payload: state.payload,
        })
    }

    fn refused(&self, status: u16, body: &[u8]) -> Failure {
        let refusal = serde_json::from_slice(body).unwrap_or_else(|_| Refusal {
            error_code: u32::from(status) * 1000,
            tracking_id: NOT_SAID.to_owned(),
            message: String::from_utf8_lossy(body).chars().take(SHOWN).collect(),
            timestamp_utc: String::new(),
        });
        let time = DateTime::parse_from_rfc3339(&refusal.timestamp_utc).ok();
        let error = ProvisionError::Refused {
            registration_id: self.registration_id.clone(),
            status,
            error_code: refusal.error_code,
            message: refusal.message,
            tracking_id: refusal.tracking_id,
        };
        match status {
            UNAUTHORIZED => Failure::Unauthorized(error, time.map(Into::into)),
            _ => Failure::Final(error),
        }
    }

    fn protocol(&self, what: String) -> ProvisionError {
        ProvisionError::Protocol {
            registration_id: self.registration_id.clone(),
            endpoint: self.endpoint.clone(),
            what,
        }
    }
}

/// Of a registration that came to nothing. The documents show none there; it is looked for where it would be.
fn tracking_id(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let found = ["/trackingId", "/registrationState/trackingId"]
        .into_iter()
        .find_map(|place| body.pointer(place)?.as_str())?;
    Some(found.to_owned())
}
