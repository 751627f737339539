//! What leaves when a call fails: status, code and body as DPS's.

use axum::{
    Json,
    http::{HeaderName, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use chrono::{SecondsFormat, Utc};
use setpoint_protocol::dps::Refusal;

use crate::state::{DpsError, guid};

/// The error's number, as the Azure REST guidelines have it.
const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");

/// Names one answer; also in the body, as the tracking id.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

/// Why a call was not served.
#[derive(Debug)]
pub(super) struct Refused(pub(super) DpsError);

impl From<DpsError> for Refused {
    fn from(error: DpsError) -> Refused {
        Refused(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Refused(error) = self;
        refusal(error.code(), &error.to_string(), error.retry_after())
    }
}

/// An answer of 400 and above.
pub(super) fn refusal(error_code: u32, message: &str, retry_after: Option<u64>) -> Response {
    let status = u16::try_from(error_code / 1000).ok();
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    let tracking_id = guid();
    let body = Refusal {
        error_code,
        tracking_id: tracking_id.clone(),
        message: message.to_owned(),
        timestamp_utc: Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true),
    };
    let headers = [(ERROR_CODE, error_code.to_string()), (REQUEST_ID, tracking_id)];
    let wait = retry_after.map(|seconds| [(RETRY_AFTER, seconds.to_string())]);
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match wait {
        Some(wait) => (status, headers, wait, Json(body)).into_response(),
        None => (status, headers, Json(body)).into_response(),
    }
}
