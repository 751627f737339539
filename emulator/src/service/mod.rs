//! IoT Hub's service API over HTTPS: what an operator and the service SDKs call, version 2021-04-12, on the hub's state.
//!
//! [`router`] puts the routes together. Every request passes `authentication` first; `body` reads JSON within limits; whatever
//! goes wrong leaves as a `Failure`, in the shape the real hub gives it. `GET /setpoint/events` is this project's own: what
//! devices do, as server-sent events; so are `faults`, for tests.

mod authentication;
mod body;
mod bulk;
mod devices;
mod digital_twins;
mod events;
mod failure;
mod faults;
mod identities;
mod json_patch;
mod messages;
mod methods;
mod query;
mod throttling;
mod twins;
mod version;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware;
use axum::routing::{delete, get, post};

use crate::identity::Identity;
use crate::state::{Enrollments, Hub, METHOD_LIMIT};
pub use authentication::authorize;
pub(crate) use authentication::covers;
use failure::Failure;

/// The largest body read, in bytes: a method's payload and what JSON stands around it. Twins are smaller, and checked by the hub.
const BODY_LIMIT: usize = METHOD_LIMIT + 8 * 1024;

/// The service API of `hub`, for callers who sign with the key of one of `identity`'s policies. `enrollments` is what the DPS service API
/// will stand on.
pub fn router(hub: Arc<Hub>, enrollments: Arc<Enrollments>, identity: Arc<Identity>) -> Router {
    hub_api()
        .route("/setpoint/events", get(events::stream))
        .merge(faults::routes(Arc::clone(&hub), enrollments))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(Arc::clone(&hub), throttling::pace))
        .layer(middleware::from_fn_with_state(identity, authentication::require))
        .layer(middleware::map_response(failure::identify))
        .with_state(hub)
}

/// The calls that the real hub has, and that name the API's version.
fn hub_api() -> Router<Arc<Hub>> {
    Router::new()
        .route("/devices", get(devices::list).post(bulk::update))
        // As azure-iothub for Node has it.
        .route("/devices/", get(devices::list))
        .route(
            "/devices/{id}",
            get(devices::read).put(devices::write).delete(devices::delete),
        )
        .route("/devices/{id}/commands", delete(messages::purge))
        .route("/devices/{id}/modules", get(devices::list_modules))
        .route(
            "/devices/{id}/modules/{module}",
            get(devices::read_module)
                .put(devices::write_module)
                .delete(devices::delete_module),
        )
        .route("/devices/query", post(query::query))
        .route("/statistics/devices", get(devices::count_registered))
        .route("/statistics/service", get(devices::count_connected))
        .route("/configurations", get(devices::no_configurations))
        .route("/twins/{id}", get(twins::read).patch(twins::patch).put(twins::replace))
        .route(
            "/twins/{id}/modules/{module}",
            get(twins::read).patch(twins::patch).put(twins::replace),
        )
        .route("/twins/{id}/methods", post(methods::call))
        .route("/twins/{id}/modules/{module}/methods", post(methods::call))
        .route(
            "/digitaltwins/{id}",
            get(digital_twins::read).patch(digital_twins::patch),
        )
        .route("/digitaltwins/{id}/commands/{name}", post(digital_twins::command))
        .route(
            "/digitaltwins/{id}/components/{component}/commands/{name}",
            post(digital_twins::component_command),
        )
        .route("/messages/devicebound", post(messages::send))
        .route("/messages/serviceBound/feedback", get(messages::receive_feedback))
        .route(
            "/messages/serviceBound/feedback/{token}",
            delete(messages::complete_feedback),
        )
        .route(
            "/messages/serviceBound/feedback/{token}/abandon",
            post(messages::abandon_feedback),
        )
        .route_layer(middleware::from_fn(version::require))
}

async fn unknown(method: Method, uri: Uri) -> Failure {
    Failure::NotServed(format!("the emulator has no {method} {}", uri.path()))
}
