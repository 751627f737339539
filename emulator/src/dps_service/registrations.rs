//! `/registrations`: what came of registering.

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header::ETAG},
    response::{IntoResponse, Response},
};

use super::{Dps, body::IfMatch, failure::Refused, paging::Page};
use crate::state::DpsError;

pub(super) async fn read(State(dps): State<Dps>, Path(id): Path<String>) -> Result<Response, Refused> {
    let state = dps.enrollments.registration(&id);
    let state = state.ok_or_else(|| DpsError::NotFound(format!("{id:?} has not registered")))?;
    let etag = state.etag.clone().unwrap_or_default();
    Ok(([(ETAG, format!("\"{etag}\""))], Json(state)).into_response())
}

pub(super) async fn delete(
    State(dps): State<Dps>,
    Path(id): Path<String>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Refused> {
    dps.enrollments.delete_registration(&id, if_match.as_deref())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Those of a group's devices.
pub(super) async fn query(
    State(dps): State<Dps>,
    Path(group_id): Path<String>,
    page: Page,
) -> Result<Response, Refused> {
    let items = dps
        .enrollments
        .registrations(&group_id, page.after.as_deref(), page.wanted())?;
    Ok(page.answer(items, "deviceRegistration", |state| state.registration_id.clone()))
}
