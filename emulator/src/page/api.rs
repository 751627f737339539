//! `/api/..`: what the page asks for and has done, as JSON.
//!
//! What is about a hub is there for the emulator's own as it stands, and for any of them below `hub/{name}`. A device's id stands in the
//! query, since a path would take `.` and `..` for something else. What is set or called by a model's names is held against the model
//! here, whatever the page has checked before.

use std::time::Duration;

use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, SET_COOKIE};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use setpoint_dtdl::{Contents, Dtmi, Model};
use setpoint_protocol::{DeviceConnectionString, Document, Endpoint, PropertyBag};

use super::chosen::Chosen;
use super::failure::Failure;
use super::rows::row;
use super::{Shared, csv, model};
use crate::keeping::settle;
use crate::paste::DEFAULT_MQTT_PORT;
use crate::state::CloudMessage;

/// How long a method may take, in seconds, when the page does not say, and at most (IoT Hub's limit).
const ANSWER: u64 = 30;
const LONGEST_ANSWER: u64 = 300;

/// The routes, with the cookie asked for at each but the one that gives it.
pub(super) fn router(shared: Shared) -> Router {
    let guarded = Router::new()
        .merge(of_hub())
        .nest("/hub/{hub}", of_hub())
        .route("/model/{id}", get(read_model))
        .route_layer(middleware::from_fn_with_state(shared.keeping.clone(), settle))
        .route_layer(middleware::from_fn_with_state(shared.clone(), require));
    let open = Router::new().route("/session", post(open_session));
    guarded.merge(open).fallback(unknown).with_state(shared)
}

/// What is about one hub.
fn of_hub() -> Router<Shared> {
    Router::new()
        .route("/about", get(about))
        .route("/device", get(read).put(create).patch(change).delete(delete))
        .route("/device/connection-string", post(connection_string))
        .route("/device/desired", axum::routing::patch(patch_desired))
        .route("/device/property", put(set_property))
        .route("/device/command", post(call_command))
        .route("/device/method", post(call_method))
        .route("/device/message", post(send_message))
        .route("/device/event", get(event))
        .route("/device/telemetry.csv", get(telemetry_csv))
}

/// Lets those through who have the cookie.
pub(super) async fn require(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if shared.access.allows(request.headers()) {
        return next.run(request).await;
    }
    let text = "open the link that the emulator prints when it starts: it lets this browser in";
    Failure::new(StatusCode::UNAUTHORIZED, text).into_response()
}

async fn unknown() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "the page has no such call")
}

/// A body of JSON, and called so: a form of another page cannot send one.
struct Body<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let json = Json::from_request(request, state).await;
        json.map(|Json(body)| Body(body))
            .map_err(|error| Failure::new(error.status(), error.body_text()))
    }
}

#[derive(Deserialize)]
struct Of {
    id: String,
}

#[derive(Deserialize)]
struct Opening {
    access: String,
}

async fn open_session(State(shared): State<Shared>, Body(opening): Body<Opening>) -> Result<Response, Failure> {
    match shared.access.admit(&opening.access) {
        Some(cookie) => Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response()),
        None => Err(Failure::forbidden(
            "this link is not, or no longer, the emulator's: open the one it printed when it started",
        )),
    }
}

async fn about(State(shared): State<Shared>, of: Chosen) -> Json<Value> {
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "hubs": names(&shared),
        "host": &*of.name,
        "mqttPort": shared.mqtt.port(),
        "idScope": shared.identity.id_scope(),
        "caFile": shared.identity.ca_path().and_then(|path| std::path::absolute(path).ok()),
    }))
}

/// The names of all hubs, the emulator's own first.
pub(super) fn names(shared: &Shared) -> Vec<&str> {
    shared.hubs.iter().map(|hub| &*hub.name).collect()
}

async fn read(chosen: Chosen, Query(of): Query<Of>) -> Result<Json<Value>, Failure> {
    let device = chosen.hub.device(&of.id)?;
    let twin = chosen.hub.twin(&of.id)?;
    Ok(Json(json!({"row": row(&device), "twin": twin})))
}

async fn create(chosen: Chosen, Query(of): Query<Of>) -> Result<Json<Value>, Failure> {
    Ok(Json(row(&chosen.hub.create_device(&of.id, None)?)))
}

#[derive(Deserialize)]
struct Change {
    enabled: bool,
}

async fn change(chosen: Chosen, Query(of): Query<Of>, Body(change): Body<Change>) -> Result<Json<Value>, Failure> {
    Ok(Json(row(&chosen.hub.update_device(
        &of.id,
        None,
        Some(change.enabled),
    )?)))
}

async fn delete(chosen: Chosen, Query(of): Query<Of>) -> Result<StatusCode, Failure> {
    chosen.hub.delete_device(&of.id)?;
    chosen.history.forget(&of.id);
    Ok(StatusCode::NO_CONTENT)
}

/// A secret, on demand: it is in no list and no stream.
async fn connection_string(
    State(shared): State<Shared>,
    chosen: Chosen,
    Query(of): Query<Of>,
) -> Result<Json<Value>, Failure> {
    let device = chosen.hub.device(&of.id)?;
    let key = device.credentials.keys().map(|[primary, _]| primary.clone());
    let string = DeviceConnectionString {
        host: Endpoint {
            host: (*chosen.name).to_owned(),
            port: Some(shared.mqtt.port()).filter(|port| *port != DEFAULT_MQTT_PORT),
        },
        device_id: of.id,
        module_id: None,
        key,
        gateway: None,
    };
    Ok(Json(json!({ "connectionString": string.to_text() })))
}

async fn patch_desired(
    chosen: Chosen,
    Query(of): Query<Of>,
    Body(patch): Body<Document>,
) -> Result<Json<Value>, Failure> {
    set_desired(&chosen, &of.id, patch)
}

fn set_desired(chosen: &Chosen, id: &str, desired: Document) -> Result<Json<Value>, Failure> {
    let patch = Map::from_iter([("properties".to_owned(), json!({ "desired": desired }))]);
    Ok(Json(chosen.hub.patch_twin(id, &patch, None)?))
}

#[derive(Deserialize)]
struct Property {
    component: Option<String>,
    name: String,
    value: Value,
}

async fn set_property(
    State(shared): State<Shared>,
    chosen: Chosen,
    Query(of): Query<Of>,
    Body(wanted): Body<Property>,
) -> Result<Json<Value>, Failure> {
    let model = model_of(&shared, &chosen, &of.id).await?;
    let contents = contents(&model, wanted.component.as_deref())?;
    let property = contents.property(&wanted.name);
    let property = property.ok_or_else(|| Failure::invalid(format!("the model has no property {:?}", wanted.name)))?;
    if !property.writable {
        return Err(Failure::invalid(format!(
            "{} cannot be set: the device alone reports it",
            wanted.name
        )));
    }
    // Null takes the wish back.
    if !wanted.value.is_null() {
        let checked = property.schema.check(&wanted.value);
        checked.map_err(|mismatch| Failure::invalid(format!("{}: {mismatch}", wanted.name)))?;
    }
    let mut desired = Map::from_iter([(wanted.name, wanted.value)]);
    if let Some(component) = wanted.component {
        // The mark of a component (IoT Plug and Play conventions).
        desired.insert("__t".to_owned(), json!("c"));
        desired = Map::from_iter([(component, Value::Object(desired))]);
    }
    set_desired(&chosen, &of.id, desired)
}

#[derive(Deserialize)]
struct Call {
    component: Option<String>,
    name: String,
    #[serde(default, deserialize_with = "given")]
    payload: Option<Value>,
    seconds: Option<u64>,
}

/// Tells a payload of null from none.
fn given<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

async fn call_command(
    State(shared): State<Shared>,
    chosen: Chosen,
    Query(of): Query<Of>,
    Body(call): Body<Call>,
) -> Result<Json<Value>, Failure> {
    let model = model_of(&shared, &chosen, &of.id).await?;
    let contents = contents(&model, call.component.as_deref())?;
    let command = contents.command(&call.name);
    let command = command.ok_or_else(|| Failure::invalid(format!("the model has no command {:?}", call.name)))?;
    if let Some(payload) = &call.payload {
        let request = command.request.as_ref();
        let request = request.ok_or_else(|| Failure::invalid(format!("{} takes no payload", call.name)))?;
        let checked = request.schema.check(payload);
        checked.map_err(|mismatch| Failure::invalid(format!("{}: {mismatch}", request.name)))?;
    }
    let name = match &call.component {
        Some(component) => format!("{component}*{}", call.name),
        None => call.name.clone(),
    };
    let answer = invoke(&chosen, &of.id, &name, call.payload, call.seconds).await?;
    // What the device answered is told whatever it is; that it is not what the model says is told beside it.
    let response = command.response.as_ref().filter(|_| answer.status < 300);
    let mismatch = response.and_then(|response| response.schema.check(&answer.payload).err());
    Ok(Json(json!({
        "status": answer.status,
        "payload": answer.payload,
        "mismatch": mismatch.map(|mismatch| mismatch.to_string()),
    })))
}

async fn call_method(chosen: Chosen, Query(of): Query<Of>, Body(call): Body<Call>) -> Result<Json<Value>, Failure> {
    let answer = invoke(&chosen, &of.id, &call.name, call.payload, call.seconds).await?;
    Ok(Json(json!({"status": answer.status, "payload": answer.payload})))
}

async fn invoke(
    chosen: &Chosen,
    id: &str,
    name: &str,
    payload: Option<Value>,
    seconds: Option<u64>,
) -> Result<crate::state::MethodResult, Failure> {
    let seconds = seconds.unwrap_or(ANSWER);
    if !(1..=LONGEST_ANSWER).contains(&seconds) {
        return Err(Failure::invalid(format!(
            "a device has from 1 to {LONGEST_ANSWER} s to answer, not {seconds}"
        )));
    }
    let answer = chosen
        .hub
        .call_method(id, name, payload, Duration::ZERO, Duration::from_secs(seconds));
    Ok(answer.await?)
}

#[derive(Deserialize)]
struct Message {
    body: String,
    #[serde(default)]
    properties: Vec<(String, String)>,
}

async fn send_message(
    chosen: Chosen,
    Query(of): Query<Of>,
    Body(message): Body<Message>,
) -> Result<StatusCode, Failure> {
    if message.properties.iter().any(|(name, _)| name.is_empty()) {
        return Err(Failure::invalid("a property has no name"));
    }
    let properties = message.properties.into_iter();
    let properties = properties.map(|(name, value)| (name, Some(value))).collect();
    let message = CloudMessage {
        body: message.body.into_bytes(),
        properties: PropertyBag(properties),
        expires: None,
    };
    chosen.hub.send_to_device(&of.id, message)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct OneEvent {
    id: String,
    n: u64,
}

/// The whole body of an event of which the page was shown the beginning, as text, whatever it is.
async fn event(chosen: Chosen, Query(of): Query<OneEvent>) -> Result<Response, Failure> {
    let kept = chosen.history.one(&of.id, of.n);
    let kept = kept.ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, "this event is no longer kept"))?;
    let text = String::from_utf8_lossy(&kept.event.body).into_owned();
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

async fn telemetry_csv(chosen: Chosen, Query(of): Query<Of>) -> Result<Response, Failure> {
    chosen.hub.device(&of.id)?;
    let events = chosen.history.of(&of.id, 0, usize::MAX);
    let text = tokio::task::spawn_blocking(move || csv::write(&events)).await;
    let text = text.map_err(|_| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the file could not be written"))?;
    // The browser names the file: a device's id may hold what a header may not.
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment"),
    ];
    Ok((headers, text).into_response())
}

async fn read_model(State(shared): State<Shared>, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    find_model(&shared, id).await.map(|found| Json(model::show(&found)))
}

async fn model_of(shared: &Shared, chosen: &Chosen, device_id: &str) -> Result<Model, Failure> {
    let id = chosen.hub.device(device_id)?.model_id;
    if id.is_empty() {
        return Err(Failure::invalid(format!("device {device_id} has announced no model")));
    }
    find_model(shared, id).await
}

async fn find_model(shared: &Shared, id: String) -> Result<Model, Failure> {
    let missing = |reason: String| Failure::new(StatusCode::NOT_FOUND, reason);
    let id: Dtmi = id
        .parse()
        .map_err(|error: setpoint_dtdl::NotDtmi| missing(error.to_string()))?;
    let models = shared.models.clone();
    // It may lie in files.
    let read = tokio::task::spawn_blocking(move || models(&id)).await;
    let read = read.map_err(|_| missing("the model could not be read".to_owned()))?;
    read.map_err(|error| missing(error.to_string()))
}

fn contents<'a>(model: &'a Model, component: Option<&str>) -> Result<&'a Contents, Failure> {
    let contents = model.component(component);
    contents.ok_or_else(|| {
        Failure::invalid(format!(
            "the model has no component {:?}",
            component.unwrap_or_default()
        ))
    })
}
