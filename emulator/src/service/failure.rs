//! What leaves when a call fails: status, code and body as the real hub's.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{SecondsFormat, Utc};
use setpoint_protocol::service::ServiceError;

use crate::state::HubError;

/// The error's name, as the service SDKs of IoT Hub look for it.
const ERROR_CODE: HeaderName = HeaderName::from_static("iothub-errorcode");

/// The same, as the Azure REST guidelines have it and the digital twins API sends it.
const MS_ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");

/// Why a call was not served.
#[derive(Debug)]
pub(super) enum Failure {
    /// 401: no valid token. Says nothing more, so that nobody can probe.
    Unauthorized,
    /// 404: the emulator does not have this part of the API.
    NotServed(String),
    /// What the hub said.
    Hub(HubError),
}

impl Failure {
    /// A request that the hub would not take, and why.
    pub(super) fn invalid(reason: impl Into<String>) -> Failure {
        Failure::Hub(HubError::InvalidArgument(reason.into()))
    }
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Failure {
        Failure::Hub(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, name, text) = match self {
            Failure::Unauthorized => (401, "IotHubUnauthorizedAccess", "Unauthorized".to_owned()),
            Failure::NotServed(text) => (404, "ResourceNotFound", text),
            Failure::Hub(error) => (error.status(), error.name(), error.to_string()),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let body = ServiceError::new(name, &text, &tracking_id(), &at);
        let code = HeaderValue::from_static(name);
        (status, [(ERROR_CODE, code.clone()), (MS_ERROR_CODE, code)], Json(body)).into_response()
    }
}

/// Names this one answer, for whoever compares it with a log.
fn tracking_id() -> String {
    let mut bytes = [0; 16];
    // Without randomness the id is all zeros, which still is one.
    let _ = rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}
