//! The device API: a device registers, and asks how far that is.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, HOST, LOCATION, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use setpoint_protocol::{
    Token,
    dps::{Operation, Status},
};

use super::{
    Dps,
    body::JsonBytes,
    failure::{REQUEST_ID, Refused, refusal},
};
use crate::{
    listener::Origin,
    mqtt::DPS_RETRY_AFTER,
    state::{Applicant, DpsError, faults::RequestFault, guid},
};

pub(super) async fn register(
    State(dps): State<Dps>,
    Path((scope, id)): Path<(String, String)>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Refused> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let location = format!(
        "https://{}/{scope}/registrations/{id}/register",
        host.unwrap_or(&origin.server_name)
    );
    let applicant = applicant(scope, id, &headers, origin);
    if let Some(refused) = fault(&dps, &applicant, None).await {
        return Ok(refused);
    }
    let operation = dps.enrollments.register(&dps.hub, &applicant, &body);
    let operation = logged(&applicant, operation)?;
    Ok(assigning(&operation, Some(DPS_RETRY_AFTER), location))
}

pub(super) async fn poll(
    State(dps): State<Dps>,
    Path((scope, id, operation_id)): Path<(String, String, String)>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let applicant = applicant(scope, id, &headers, origin);
    if let Some(refused) = fault(&dps, &applicant, Some(&operation_id)).await {
        return Ok(refused);
    }
    let operation = logged(&applicant, dps.enrollments.poll(&applicant, &operation_id))?;
    Ok(([(REQUEST_ID, guid())], Json(operation)).into_response())
}

pub(super) async fn look_up(
    State(dps): State<Dps>,
    Path((scope, id)): Path<(String, String)>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Refused> {
    let applicant = applicant(scope, id, &headers, origin);
    let state = dps.enrollments.look_up(&applicant, &body)?;
    Ok(([(REQUEST_ID, guid())], Json(state)).into_response())
}

fn applicant(id_scope: String, registration_id: String, headers: &HeaderMap, origin: Origin) -> Applicant {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    Applicant {
        id_scope,
        registration_id,
        token: header.and_then(|header| Token::parse(header).ok()),
        // A header that is no token proves nothing, and no certificate mends it.
        certificate: origin.certificate.filter(|_| header.is_none()),
        server_name: origin.server_name,
    }
}

/// The answer when a fault was asked for. What is never to be answered, or to be cut off, never is.
async fn fault(dps: &Dps, applicant: &Applicant, operation_id: Option<&str>) -> Option<Response> {
    let registration_id = &applicant.registration_id;
    let fault = dps
        .enrollments
        .faults()
        .on_request(registration_id, operation_id.is_some())?;
    match (fault, operation_id) {
        (
            RequestFault::Refuse {
                error_code,
                retry_after,
            },
            _,
        ) => Some(refusal(error_code, "This refusal was asked for.", retry_after)),
        (RequestFault::StayAssigning { retry_after }, Some(operation_id)) => {
            let operation = Operation {
                operation_id: operation_id.to_owned(),
                status: Status::Assigning,
                registration_state: None,
            };
            Some(assigning(&operation, retry_after, String::new()))
        }
        (RequestFault::StayAssigning { .. }, None) => None,
        (RequestFault::Ignore | RequestFault::Close, _) => std::future::pending().await,
    }
}

fn assigning(operation: &Operation, retry_after: Option<u64>, location: String) -> Response {
    let mut response = (StatusCode::ACCEPTED, [(REQUEST_ID, guid())], Json(operation)).into_response();
    let headers = [
        (RETRY_AFTER, retry_after.map(|seconds| seconds.to_string())),
        (LOCATION, Some(location).filter(|location| !location.is_empty())),
    ];
    for (name, value) in headers {
        // A host or an id that cannot stand in a header could not have come in one.
        if let Some(value) = value.and_then(|value| value.parse().ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn logged(applicant: &Applicant, result: Result<Operation, DpsError>) -> Result<Operation, DpsError> {
    let registration = &applicant.registration_id;
    match &result {
        Ok(operation) => tracing::debug!(registration, status = ?operation.status, "provisioning"),
        Err(error) => tracing::warn!(registration, code = error.code(), "provisioning refused: {error}"),
    }
    result
}
