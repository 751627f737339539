//! DPS over HTTPS: the device API, with which devices register ([`devices`]), and the service API, with which their owners enroll them
//! ([`enrollments`], [`registrations`]).
//!
//! Both are on the hub's HTTPS port, under paths of their own. Devices sign with their own keys or present certificates;
//! services sign with the key of the policy `provisioningserviceowner` ([`authentication`]). Whatever goes wrong leaves as a
//! [`failure::Refused`], in the shape the real service gives it.
//!
//! Source: Microsoft, "Device Provisioning Service REST API", 2021-10-01. The API's older versions are served alike.

mod authentication;
mod body;
mod devices;
mod enrollments;
mod failure;
mod paging;
mod registrations;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{Method, Uri},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};

use crate::{
    identity::Identity,
    state::{DpsError, Enrollment, Enrollments, Group, Hub},
};
use failure::Refused;

/// The largest body a device may send, in bytes (DPS limits: "Maximum size of message", 96 KB).
const DEVICE_BODY_LIMIT: usize = 96 * 1024;

/// The largest body of a service, in bytes: ten enrolments, each with a twin and certificates.
const SERVICE_BODY_LIMIT: usize = 1024 * 1024;

/// What every call is served from.
#[derive(Clone)]
struct Dps {
    /// The emulator's own hub.
    hub: Arc<Hub>,
    enrollments: Arc<Enrollments>,
    identity: Arc<Identity>,
}

/// Both APIs. Requests carry their [`Origin`](crate::listener::Origin) as an extension.
pub(crate) fn router(hub: Arc<Hub>, enrollments: Arc<Enrollments>, identity: Arc<Identity>) -> Router {
    let dps = Dps {
        hub,
        enrollments,
        identity,
    };
    let services = Router::new()
        .merge(enrollments::routes::<Enrollment>())
        .merge(enrollments::routes::<Group>())
        .route(
            "/registrations/{id}",
            get(registrations::read).delete(registrations::delete),
        )
        .route("/registrations/{id}/query", post(registrations::query))
        .layer(DefaultBodyLimit::max(SERVICE_BODY_LIMIT))
        .route_layer(middleware::from_fn(require_version))
        .route_layer(middleware::from_fn_with_state(dps.clone(), authentication::require));
    let devices = Router::new()
        .route("/{scope}/registrations/{id}/register", put(devices::register))
        .route("/{scope}/registrations/{id}/operations/{operation}", get(devices::poll))
        .route("/{scope}/registrations/{id}", post(devices::look_up))
        .layer(DefaultBodyLimit::max(DEVICE_BODY_LIMIT))
        .route_layer(middleware::from_fn(require_version));
    services
        .merge(devices)
        .method_not_allowed_fallback(not_allowed)
        .with_state(dps)
}

/// Every call names the version of the API it means; which one does not matter here.
async fn require_version(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let named = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("api-version="))
        .any(|version| !version.is_empty());
    if named {
        return next.run(request).await;
    }
    Refused(DpsError::Invalid(
        "the query has no api-version: add ?api-version=2021-10-01".to_owned(),
    ))
    .into_response()
}

async fn not_allowed(method: Method, uri: Uri) -> Refused {
    Refused(DpsError::Method(format!("there is no {method} {}", uri.path())))
}
