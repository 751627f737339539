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

/// Names one answer; a refusal's is also in its body, as the tracking id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

/// Why a call was not served.
#[derive(Debug)]
pub(super) enum Failure {
    /// 401: no valid token. Says nothing more, so that nobody can probe.
    Unauthorized,
    /// 400: no api-version, or one that is none.
    ApiVersion(String),
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

impl Failure {
    fn status(&self) -> u16 {
        match self {
            Failure::Unauthorized => 401,
            Failure::ApiVersion(_) => 400,
            Failure::NotServed(_) => 404,
            Failure::Hub(error) => error.status(),
        }
    }

    /// The error's name, as in `DeviceNotFound`.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Failure::Unauthorized => "IotHubUnauthorizedAccess",
            Failure::ApiVersion(_) => "InvalidProtocolVersion",
            Failure::NotServed(_) => "ResourceNotFound",
            Failure::Hub(error) => error.name(),
        }
    }

    /// What went wrong.
    pub(super) fn text(&self) -> String {
        match self {
            Failure::Unauthorized => "Unauthorized".to_owned(),
            Failure::ApiVersion(text) | Failure::NotServed(text) => text.clone(),
            Failure::Hub(error) => error.to_string(),
        }
    }
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Failure {
        Failure::Hub(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let tracking_id = tracking_id();
        let body = ServiceError::new(self.name(), &self.text(), &tracking_id, &at);
        let code = HeaderValue::from_static(self.name());
        let headers = [(ERROR_CODE, code.clone()), (MS_ERROR_CODE, code)];
        (status, headers, [(REQUEST_ID, tracking_id)], Json(body)).into_response()
    }
}

/// Gives an answer an id, unless it has one.
pub(super) async fn identify(mut response: Response) -> Response {
    if let Ok(id) = tracking_id().parse() {
        response.headers_mut().entry(REQUEST_ID).or_insert(id);
    }
    response
}

/// Names this one answer, for whoever compares it with a log.
fn tracking_id() -> String {
    let mut bytes = [0; 16];
    // Without randomness the id is all zeros, which still is one.
    let _ = rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}
