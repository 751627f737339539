//! Reading what a caller sent.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::BODY_LIMIT;
use super::failure::Failure;
use crate::state::{HubError, identity_name};

/// How long a body may take, so that one that never ends holds a connection for so long only.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// The body as JSON, whatever content type the caller gave it: the SDKs do not agree on one.
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = read(request, state).await?;
        serde_json::from_slice(&bytes)
            .map(JsonBody)
            .map_err(|error| Failure::invalid(format!("the body is not as it must be: {error}")))
    }
}

/// The body as JSON, or none when it is empty.
pub(super) struct OptionalJson(pub(super) Option<serde_json::Value>);

impl<S: Send + Sync> FromRequest<S> for OptionalJson {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(OptionalJson(None));
        }
        serde_json::from_slice(&bytes)
            .map(|value| OptionalJson(Some(value)))
            .map_err(|error| Failure::invalid(format!("the body is not JSON: {error}")))
    }
}

/// The body as it came.
pub(super) struct RawBody(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        read(request, state).await.map(RawBody)
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Failure> {
    let reading = Bytes::from_request(request, state);
    let Ok(read) = tokio::time::timeout(BODY_DEADLINE, reading).await else {
        let seconds = BODY_DEADLINE.as_secs();
        return Err(Failure::invalid(format!("the body did not arrive within {seconds} s")));
    };
    read.map_err(|rejection| {
        if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
            HubError::TooLarge(format!("the body has more than {BODY_LIMIT} bytes")).into()
        } else {
            Failure::invalid("the body did not arrive whole")
        }
    })
}

/// Whom the path is about: a device, or `device/module`.
pub(super) struct Name(pub(super) String);

#[derive(Deserialize)]
struct Ids {
    id: String,
    module: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(Ids { id, module }) = Path::from_request_parts(parts, state)
            .await
            .map_err(|_| Failure::invalid("the path is not as it must be"))?;
        Ok(Name(identity_name(&id, module.as_deref())))
    }
}

/// The If-Match header as it came, if it came.
pub(super) struct IfMatch(pub(super) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        text_header(&parts.headers, IF_MATCH.as_str()).map(IfMatch)
    }
}

/// A header's text, if the header is there.
pub(super) fn text_header(headers: &HeaderMap, name: &str) -> Result<Option<String>, Failure> {
    headers
        .get(name)
        .map(|value| value.to_str().map(str::to_owned))
        .transpose()
        .map_err(|_| Failure::invalid(format!("the header {name} is not text")))
}
