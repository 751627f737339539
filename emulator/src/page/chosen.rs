//! The hub that a call is about: the one named in its path, `/api/hub/{name}/..`, or the emulator's own.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::Shared;
use super::failure::Failure;
use super::history::History;
use crate::state::Hub;

/// A hub that is shown, under its name.
#[derive(Clone)]
pub(super) struct Chosen {
    pub(super) name: Arc<str>,
    pub(super) hub: Arc<Hub>,
    pub(super) history: Arc<History>,
}

impl Chosen {
    /// With nothing kept yet of what its devices did.
    pub(super) fn new(name: &str, hub: &Arc<Hub>) -> Chosen {
        Chosen {
            name: Arc::from(name),
            hub: Arc::clone(hub),
            history: Arc::default(),
        }
    }
}

impl FromRequestParts<Shared> for Chosen {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Chosen, Failure> {
        // A path without parameters has none that could be wrong.
        let params = RawPathParams::from_request_parts(parts, shared).await;
        let params = params.map_err(|error| Failure::invalid(error.body_text()))?;
        let name = params.iter().find(|(param, _)| *param == "hub").map(|(_, name)| name);
        let mut hubs = shared.hubs.iter();
        let found = match name {
            None => hubs.next(),
            Some(name) => hubs.find(|hub| hub.name.eq_ignore_ascii_case(name)),
        };
        found.cloned().ok_or_else(|| {
            let name = name.unwrap_or_default();
            Failure::new(StatusCode::NOT_FOUND, format!("the emulator has no hub {name:?}"))
        })
    }
}
