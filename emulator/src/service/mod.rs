//! IoT Hub's service API over HTTPS: what an operator and the service SDKs call, version 2021-04-12, on the hub's state.
//!
//! [`router`] puts the routes together. Every request passes `authentication` first; `body` reads JSON within limits; whatever
//! goes wrong leaves as a `Failure`, in the shape the real hub gives it. `GET /setpoint/events` is this project's own: what
//! devices do, as server-sent events.

mod authentication;
mod body;
mod devices;
mod digital_twins;
mod events;
mod failure;
mod methods;
mod query;
mod twins;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware;
use axum::routing::{get, post};

use crate::identity::Identity;
use crate::state::{Enrollments, Hub, METHOD_LIMIT};
pub(crate) use authentication::covers;
use failure::Failure;

/// The largest body read, in bytes: a method's payload and what JSON stands around it. Twins are smaller, and checked by the hub.
const BODY_LIMIT: usize = METHOD_LIMIT + 8 * 1024;

/// The service API of `hub`, for callers who sign with `identity`'s service key. `enrollments` is what the DPS service API
/// will stand on.
pub fn router(hub: Arc<Hub>, _enrollments: Arc<Enrollments>, identity: Arc<Identity>) -> Router {
    Router::new()
        .route("/devices", get(devices::list))
        .route(
            "/devices/{id}",
            get(devices::read).put(devices::write).delete(devices::delete),
        )
        .route("/devices/query", post(query::query))
        .route("/twins/{id}", get(twins::read).patch(twins::patch).put(twins::replace))
        .route("/twins/{id}/methods", post(methods::call))
        .route("/digitaltwins/{id}", get(digital_twins::read))
        .route("/digitaltwins/{id}/commands/{name}", post(digital_twins::command))
        .route(
            "/digitaltwins/{id}/components/{component}/commands/{name}",
            post(digital_twins::component_command),
        )
        .route("/setpoint/events", get(events::stream))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(identity, authentication::require))
        .with_state(hub)
}

async fn unknown(method: Method, uri: Uri) -> Failure {
    Failure::NotServed(format!("the emulator has no {method} {}", uri.path()))
}
