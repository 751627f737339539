//! Faults on request, for tests in other processes: `/setpoint/faults`, and `/setpoint/devices/{id}/..` for what is done once and
//! at once. Not of Azure; the rest of `/setpoint` is not either.
//!
//! docs/faults.md says what can be asked for. The faults themselves are those of [`crate::state::faults`].

mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{JsonBody, OptionalJson};
use super::failure::Failure;
use crate::state::{Enrollments, Hub, Injection};
use wire::{Ordered, Service};

/// Faults that were asked for and not taken away.
struct Control {
    hub: Arc<Hub>,
    enrollments: Arc<Enrollments>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    next: u64,
    faults: BTreeMap<u64, Fault>,
}

struct Fault {
    service: Service,
    /// As it was asked for.
    asked: Value,
    injection: Injection,
}

/// The routes, to be put among the others.
pub(super) fn routes(hub: Arc<Hub>, enrollments: Arc<Enrollments>) -> Router<Arc<Hub>> {
    let control = Arc::new(Control {
        hub,
        enrollments,
        kept: Mutex::default(),
    });
    Router::new()
        .route("/setpoint/faults", get(list).post(add).delete(clear))
        .route("/setpoint/faults/{id}", get(read).delete(remove))
        .layer(Extension(control))
        .route("/setpoint/devices/{id}/kick", post(kick))
        .route("/setpoint/devices/{id}/mute", post(mute))
        .route("/setpoint/devices/{id}/forget-session", post(forget_session))
        .route("/setpoint/devices/{id}/desired", post(send_desired))
}

impl Control {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn withdraw(&self, fault: &Fault) {
        match fault.service {
            Service::Hub => self.hub.faults().withdraw(&fault.injection),
            Service::Dps => self.enrollments.faults().withdraw(&fault.injection),
        }
    }
}

impl Fault {
    fn show(&self, id: u64) -> Value {
        let mut shown = self.asked.clone();
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("id".to_owned(), json!(id));
            shown.insert("struck".to_owned(), json!(self.injection.struck()));
        }
        shown
    }
}

async fn add(
    Extension(control): Extension<Arc<Control>>,
    JsonBody(asked): JsonBody<Value>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let ordered = Ordered::deserialize(&asked)
        .map_err(|error| Failure::invalid(format!("this is not a fault: {error}; docs/faults.md lists them")))?;
    let (whom, when) = (ordered.whom(), ordered.when());
    let (service, injection) = match ordered.fault {
        wire::Fault::Hub(fault) => (Service::Hub, control.hub.faults().inject(whom, fault.into(), when)),
        wire::Fault::Dps(fault) => (
            Service::Dps,
            control.enrollments.faults().inject(whom, fault.into(), when),
        ),
    };
    let fault = Fault {
        service,
        asked,
        injection,
    };
    let mut kept = control.lock();
    kept.next += 1;
    let id = kept.next;
    let shown = fault.show(id);
    kept.faults.insert(id, fault);
    Ok((StatusCode::CREATED, Json(shown)))
}

async fn list(Extension(control): Extension<Arc<Control>>) -> Json<Value> {
    let kept = control.lock();
    Json(kept.faults.iter().map(|(id, fault)| fault.show(*id)).collect())
}

async fn read(Extension(control): Extension<Arc<Control>>, Path(id): Path<u64>) -> Result<Json<Value>, Failure> {
    match control.lock().faults.get(&id) {
        Some(fault) => Ok(Json(fault.show(id))),
        None => Err(unknown(id)),
    }
}

async fn remove(Extension(control): Extension<Arc<Control>>, Path(id): Path<u64>) -> Result<StatusCode, Failure> {
    let fault = control.lock().faults.remove(&id).ok_or_else(|| unknown(id))?;
    control.withdraw(&fault);
    Ok(StatusCode::NO_CONTENT)
}

async fn clear(Extension(control): Extension<Arc<Control>>) -> StatusCode {
    let faults = std::mem::take(&mut control.lock().faults);
    faults.values().for_each(|fault| control.withdraw(fault));
    StatusCode::NO_CONTENT
}

fn unknown(id: u64) -> Failure {
    Failure::NotServed(format!(
        "there is no fault {id}: it was never asked for, or was taken away"
    ))
}

async fn kick(State(hub): State<Arc<Hub>>, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({"connected": hub.kick(&id)?})))
}

async fn mute(State(hub): State<Arc<Hub>>, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({"connected": hub.mute(&id)?})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Forgetting {
    #[serde(default)]
    disconnect: bool,
}

async fn forget_session(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    OptionalJson(body): OptionalJson,
) -> Result<StatusCode, Failure> {
    let forgetting = match body {
        Some(body) => Forgetting::deserialize(&body).map_err(|error| Failure::invalid(error.to_string()))?,
        None => Forgetting { disconnect: false },
    };
    hub.forget_session(&id, forgetting.disconnect)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Desired {
    patch: serde_json::Map<String, Value>,
    version: u64,
}

async fn send_desired(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    JsonBody(Desired { patch, version }): JsonBody<Desired>,
) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({"delivered": hub.send_desired(&id, patch, version)?})))
}
