//! The service's answers, as a device reads them, without a connection.

use rumqttc::Packet;

use super::DpsProvisioner;
use super::answer::{Failure, Step};
use super::line::answer_to;
use crate::cloud::fuzzing::publication;
use crate::cloud::{Assignment, ProvisionError};

/// What this answer to request 1 means to a device that provisions so: the end, or nothing when it is to ask again. Nothing
/// too when it is no answer to this request.
///
/// # Errors
/// When it ends the provisioning.
pub fn dps_answer(
    provisioner: &DpsProvisioner,
    topic: &[u8],
    body: &[u8],
) -> Result<Option<Assignment>, ProvisionError> {
    let Some(answer) = answer_to("1", &Packet::Publish(publication(topic, body))) else {
        return Ok(None);
    };
    match provisioner.read(&answer) {
        Ok(Step::Done(assignment)) => Ok(Some(assignment)),
        Ok(Step::Poll(_) | Step::Retry) => Ok(None),
        Err(Failure::Unauthorized(error, _) | Failure::Final(error)) => Err(error),
        Err(Failure::Lost(error)) => Err(error.into()),
    }
}
