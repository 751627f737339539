//! The Plug and Play view of a device: `/digitaltwins/{id}` and its commands.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::{IfMatch, JsonBody, OptionalJson};
use super::failure::Failure;
use super::json_patch::{Operation, desired_change};
use super::methods::Timeouts;
use crate::state::Hub;

/// What the device answered, which is not the status of the HTTP answer.
const COMMAND_STATUS: HeaderName = HeaderName::from_static("x-ms-command-statuscode");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommandTimeouts {
    connect_timeout_in_seconds: Option<u64>,
    response_timeout_in_seconds: Option<u64>,
}

pub(super) async fn read(State(hub): State<Arc<Hub>>, Path(id): Path<String>) -> Result<Response, Failure> {
    let twin = hub.twin(&id)?;
    let half = |name: &str| {
        twin.pointer(&format!("/properties/{name}"))
            .and_then(Value::as_object)
            .cloned()
    };
    let mut shown = view(
        &half("desired").unwrap_or_default(),
        &half("reported").unwrap_or_default(),
    );
    shown.insert("$dtId".to_owned(), json!(id));
    if let Some(Value::Object(metadata)) = shown.get_mut("$metadata") {
        metadata.insert("$model".to_owned(), twin.get("modelId").cloned().unwrap_or_default());
    }
    Ok(([(ETAG, etag(&twin))], Json(Value::Object(shown))).into_response())
}

/// Changes what is wanted of a device, by a JSON patch; accepted, since the device has yet to act on it.
pub(super) async fn patch(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    IfMatch(if_match): IfMatch,
    JsonBody(operations): JsonBody<Vec<Operation>>,
) -> Result<Response, Failure> {
    let change = desired_change(&hub.twin(&id)?, operations)?;
    let twin = hub.patch_twin(&id, &change, if_match.as_deref())?;
    let location = [(LOCATION, format!("/digitaltwins/{id}"))];
    Ok((StatusCode::ACCEPTED, location, [(ETAG, etag(&twin))]).into_response())
}

fn etag(twin: &Value) -> String {
    format!("\"{}\"", twin.get("etag").and_then(Value::as_str).unwrap_or_default())
}

pub(super) async fn command(
    State(hub): State<Arc<Hub>>,
    Path((id, name)): Path<(String, String)>,
    Query(timeouts): Query<CommandTimeouts>,
    OptionalJson(payload): OptionalJson,
) -> Result<Response, Failure> {
    call(&hub, &id, &name, payload, &timeouts).await
}

pub(super) async fn component_command(
    State(hub): State<Arc<Hub>>,
    Path((id, component, name)): Path<(String, String, String)>,
    Query(timeouts): Query<CommandTimeouts>,
    OptionalJson(payload): OptionalJson,
) -> Result<Response, Failure> {
    call(&hub, &id, &format!("{component}*{name}"), payload, &timeouts).await
}

async fn call(
    hub: &Hub,
    id: &str,
    method: &str,
    payload: Option<Value>,
    given: &CommandTimeouts,
) -> Result<Response, Failure> {
    let timeouts = Timeouts::new(given.connect_timeout_in_seconds, given.response_timeout_in_seconds)?;
    let result = hub
        .call_method(id, method, payload, timeouts.connect, timeouts.response)
        .await?;
    Ok(([(COMMAND_STATUS, result.status.to_string())], Json(result.payload)).into_response())
}

/// Properties as the model has them: the value a device reported, and in `$metadata` what was asked for and how the device
/// acknowledged it. Components, marked `"__t": "c"`, are views of their own.
fn view(desired: &Map<String, Value>, reported: &Map<String, Value>) -> Map<String, Value> {
    let mut shown = Map::new();
    let mut metadata = Map::new();
    let empty = Map::new();
    let names = desired
        .keys()
        .chain(reported.keys().filter(|name| !desired.contains_key(*name)));
    for name in names.filter(|name| !name.starts_with('$') && *name != "__t") {
        let (wanted, told) = (desired.get(name), reported.get(name));
        let object = |value: Option<&Value>| value.and_then(Value::as_object).cloned();
        if [wanted, told]
            .iter()
            .flatten()
            .any(|value| value.get("__t").is_some_and(|mark| mark == "c"))
        {
            let component = component_view(desired, reported, name, object(wanted), object(told));
            shown.insert(name.clone(), Value::Object(component));
            continue;
        }
        let about_desired = desired.get("$metadata").and_then(|all| all.get(name));
        let about_reported = reported.get("$metadata").and_then(|all| all.get(name));
        let mut about = Map::new();
        if let Some(wanted) = wanted {
            about.insert("desiredValue".to_owned(), wanted.clone());
            if let Some(version) = about_desired.and_then(|about| about.get("$lastUpdatedVersion")) {
                about.insert("desiredVersion".to_owned(), version.clone());
            }
        }
        let acknowledgement = told.and_then(Value::as_object).filter(|told| told.contains_key("ac"));
        for (short, long) in [("ac", "ackCode"), ("av", "ackVersion"), ("ad", "ackDescription")] {
            if let Some(value) = acknowledgement.unwrap_or(&empty).get(short) {
                about.insert(long.to_owned(), value.clone());
            }
        }
        if let Some(at) = about_reported
            .or(about_desired)
            .and_then(|about| about.get("$lastUpdated"))
        {
            about.insert("lastUpdateTime".to_owned(), at.clone());
        }
        if let Some(value) = acknowledgement.map_or(told, |told| told.get("value")) {
            shown.insert(name.clone(), value.clone());
        }
        metadata.insert(name.clone(), Value::Object(about));
    }
    shown.insert("$metadata".to_owned(), Value::Object(metadata));
    shown
}

/// A component's own view: the twin keeps its metadata beside that of the root.
fn component_view(
    desired: &Map<String, Value>,
    reported: &Map<String, Value>,
    name: &str,
    wanted: Option<Map<String, Value>>,
    told: Option<Map<String, Value>>,
) -> Map<String, Value> {
    let with_metadata = |half: &Map<String, Value>, values: Option<Map<String, Value>>| {
        let mut values = values.unwrap_or_default();
        if let Some(about) = half.get("$metadata").and_then(|all| all.get(name)) {
            values.insert("$metadata".to_owned(), about.clone());
        }
        values
    };
    view(&with_metadata(desired, wanted), &with_metadata(reported, told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledged_property_shows_its_value_and_the_acknowledgement() {
        let desired = json!({"target": 2, "$version": 4, "$metadata": {"target": {"$lastUpdatedVersion": 4, "$lastUpdated": "t0"}}});
        let reported = json!({
            "target": {"value": 1, "ac": 202, "av": 3, "ad": "soon"}, "highest": 9, "$version": 2,
            "$metadata": {"target": {"$lastUpdated": "t1"}, "highest": {"$lastUpdated": "t2"}},
        });
        let shown = Value::Object(view(desired.as_object().unwrap(), reported.as_object().unwrap()));
        assert_eq!(
            shown,
            json!({
                "target": 1, "highest": 9,
                "$metadata": {
                    "target": {"desiredValue": 2, "desiredVersion": 4, "ackCode": 202, "ackVersion": 3, "ackDescription": "soon", "lastUpdateTime": "t1"},
                    "highest": {"lastUpdateTime": "t2"},
                },
            })
        );
    }

    #[test]
    fn a_component_is_a_view_of_its_own() {
        let reported =
            json!({"inner": {"__t": "c", "serial": "x"}, "$metadata": {"inner": {"serial": {"$lastUpdated": "t"}}}});
        let shown = view(&Map::new(), reported.as_object().unwrap());
        assert_eq!(
            shown["inner"],
            json!({"serial": "x", "$metadata": {"serial": {"lastUpdateTime": "t"}}})
        );
    }
}
