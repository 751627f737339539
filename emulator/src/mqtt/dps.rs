//! What a client may do with DPS: subscribe to answers, register, poll.

use std::sync::Arc;

use serde::Serialize;
use setpoint_protocol::{
    CloudTopic, DeviceTopic, Filter,
    dps::{Operation, Refusal, Status},
};

use super::{
    packet::{Publish, Violation},
    session::{Ended, Outgoing, Service},
};
use crate::state::{Applicant, DpsError, Enrollments, Hub, faults::RequestFault};

/// Seconds to wait before the next poll. The real DPS says 3; here the assignment is done by the time of the answer, and
/// a device under development should start at once. Zero rather than nothing: without the member SDKs wait 2 seconds and
/// more of their own accord.
pub(crate) const RETRY_AFTER: u64 = 0;

pub(super) struct DpsService {
    pub(super) hub: Arc<Hub>,
    pub(super) enrollments: Arc<Enrollments>,
    pub(super) applicant: Applicant,
    pub(super) subscribed: bool,
}

impl Service for DpsService {
    fn publish(&mut self, publish: Publish) -> Result<Option<Outgoing>, Ended> {
        let (rid, poll) = match DeviceTopic::parse(&publish.topic) {
            Ok(DeviceTopic::DpsRegister { rid }) => (rid, None),
            Ok(DeviceTopic::DpsPoll { rid, operation_id }) => (rid, Some(operation_id)),
            _ => return Err(Violation::Topic.into()),
        };
        let registration_id = &self.applicant.registration_id;
        let fault = self.enrollments.faults().on_request(registration_id, poll.is_some());
        let (result, retry_after) = match (fault, poll) {
            (Some(RequestFault::Ignore), _) => return Ok(None),
            (Some(RequestFault::Close), _) => return Err(Ended::Fault),
            (
                Some(RequestFault::Refuse {
                    error_code,
                    retry_after,
                }),
                _,
            ) => {
                let refusal = self.enrollments.refuse(error_code, "This refusal was asked for.");
                (Err(refusal), retry_after)
            }
            (Some(RequestFault::StayAssigning { retry_after }), Some(operation_id)) => {
                (Ok(assigning(operation_id)), retry_after)
            }
            (_, None) => {
                let result = self.enrollments.register(&self.hub, &self.applicant, &publish.body);
                self.told(result, Some(RETRY_AFTER))
            }
            (_, Some(operation_id)) => self.told(self.enrollments.poll(&self.applicant, &operation_id), None),
        };
        log(&self.applicant, &result);
        Ok(self.subscribed.then(|| answer(rid, result, retry_after)))
    }

    fn subscribe(&mut self, filter: Filter, qos: u8) -> Option<u8> {
        let granted = (filter == Filter::Dps).then(|| qos.min(1));
        self.subscribed |= granted.is_some();
        granted
    }

    fn unsubscribe(&mut self, filter: Filter) {
        self.subscribed &= filter != Filter::Dps;
    }

    fn acknowledge(&mut self, _packet_id: u16) {}

    async fn next(&mut self) -> Result<Outgoing, Ended> {
        // DPS speaks only when asked.
        std::future::pending().await
    }

    fn lost(&mut self) {}
}

impl DpsService {
    /// What is told, and after how many seconds to ask again: `retry_after` when all is well.
    fn told(
        &self,
        result: Result<Operation, DpsError>,
        retry_after: Option<u64>,
    ) -> (Result<Operation, Refusal>, Option<u64>) {
        match result {
            Ok(operation) => (Ok(operation), retry_after),
            Err(error) => {
                let refusal = self.enrollments.refuse(error.code(), &error.to_string());
                (Err(refusal), error.retry_after())
            }
        }
    }
}

fn assigning(operation_id: String) -> Operation {
    Operation {
        operation_id,
        status: Status::Assigning,
        registration_state: None,
    }
}

fn answer(rid: String, result: Result<Operation, Refusal>, retry_after: Option<u64>) -> Outgoing {
    let (status, body) = match result {
        Ok(operation) if operation.status == Status::Assigning => (202, json(&operation)),
        Ok(operation) => (200, json(&operation)),
        Err(refusal) => (u16::try_from(refusal.error_code / 1000).unwrap_or(500), json(&refusal)),
    };
    Outgoing::new(
        CloudTopic::DpsResponse {
            status,
            rid,
            retry_after,
        },
        body,
    )
}

fn json(body: &impl Serialize) -> Vec<u8> {
    // Neither type has anything JSON cannot express: no maps with other keys than texts, no fallible serialization.
    serde_json::to_vec(body).unwrap_or_default()
}

fn log(applicant: &Applicant, result: &Result<Operation, Refusal>) {
    let registration = &applicant.registration_id;
    match result {
        Ok(operation) => tracing::debug!(registration, status = ?operation.status, "provisioning"),
        Err(refusal) => {
            tracing::warn!(
                registration,
                code = refusal.error_code,
                "provisioning refused: {}",
                refusal.message
            );
        }
    }
}
