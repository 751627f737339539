//! Reading what a caller sent.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{
        HeaderMap, StatusCode,
        header::{CONTENT_TYPE, IF_MATCH},
        request::Parts,
    },
    response::IntoResponse,
};
use serde_json::Value;

use super::failure::Refused;
use crate::state::{DpsError, HubError};

/// How long a body may take, so that one that never ends holds a connection for so long only.
const DEADLINE: Duration = Duration::from_secs(30);

/// The bytes of a body that says it is JSON.
pub(super) struct JsonBytes(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
        if !essence.trim().eq_ignore_ascii_case("application/json") {
            return Err(DpsError::MediaType.into());
        }
        let Ok(read) = tokio::time::timeout(DEADLINE, Bytes::from_request(request, state)).await else {
            let seconds = DEADLINE.as_secs();
            return Err(invalid(format!("the body did not arrive within {seconds} s")));
        };
        read.map(JsonBytes).map_err(|rejection| {
            if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
                DpsError::from(HubError::TooLarge("the body is too large".to_owned())).into()
            } else {
                invalid("the body did not arrive whole")
            }
        })
    }
}

/// A JSON object.
pub(super) struct JsonObject(pub(super) Value);

impl<S: Send + Sync> FromRequest<S> for JsonObject {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let JsonBytes(bytes) = JsonBytes::from_request(request, state).await?;
        match serde_json::from_slice(&bytes) {
            Ok(value @ Value::Object(_)) => Ok(JsonObject(value)),
            Ok(_) => Err(invalid("the body is not a JSON object")),
            // Where, and not what: there may be a key.
            Err(error) => Err(invalid(format!(
                "the body is not JSON at line {}, column {}",
                error.line(),
                error.column()
            ))),
        }
    }
}

/// The If-Match header as it came, if it came.
pub(super) struct IfMatch(pub(super) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        text_header(&parts.headers, IF_MATCH.as_str()).map(IfMatch)
    }
}

/// A header's text, if the header is there.
pub(super) fn text_header(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refused> {
    headers
        .get(name)
        .map(|value| value.to_str().map(str::to_owned))
        .transpose()
        .map_err(|_| invalid(format!("the header {name} is not text")))
}

pub(super) fn invalid(reason: impl Into<String>) -> Refused {
    Refused(DpsError::Invalid(reason.into()))
}
