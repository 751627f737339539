//! Many identities in one call: `POST /devices`, with what is to become of each.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::JsonBody;
use super::failure::Failure;
use super::identities::Written;
use crate::state::{Hub, HubError, identity_name};

/// Most identities in one call (IoT Hub: "Import and export IoT Hub device identities in bulk").
const LIMIT: usize = 100;

/// One identity of a bulk call. What is written as for a single one stands beside it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    id: String,
    #[serde(default)]
    import_mode: Option<ImportMode>,
    #[serde(rename = "eTag")]
    etag: Option<String>,
    #[serde(rename = "twinETag")]
    twin_etag: Option<String>,
    tags: Option<Value>,
    properties: Option<Value>,
    #[serde(flatten)]
    written: Written,
}

/// What is to become of an identity (Microsoft: "Import devices example: bulk operations").
#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "camelCase")]
enum ImportMode {
    Create,
    #[default]
    CreateOrUpdate,
    #[serde(rename = "createOrUpdateIfMatchETag")]
    CreateOrUpdateIfMatchEtag,
    Update,
    #[serde(rename = "updateIfMatchETag")]
    UpdateIfMatchEtag,
    UpdateTwin,
    #[serde(rename = "updateTwinIfMatchETag")]
    UpdateTwinIfMatchEtag,
    Delete,
    #[serde(rename = "deleteIfMatchETag")]
    DeleteIfMatchEtag,
}

/// Does with each identity what its mode says. Those that fail are listed and the call is answered with 400; the others are
/// done all the same.
pub(super) async fn update(
    State(hub): State<Arc<Hub>>,
    JsonBody(items): JsonBody<Vec<Item>>,
) -> Result<Response, Failure> {
    if items.len() > LIMIT {
        let found = items.len();
        return Err(
            HubError::TooManyDevices(format!("there are {found} identities: at most {LIMIT} are allowed")).into(),
        );
    }
    let mut errors = Vec::new();
    for item in items {
        let (device, module) = (item.id.clone(), item.written.module_id.clone());
        if let Err(failure) = apply(&hub, item) {
            let mut error = json!({
                "deviceId": device,
                "errorCode": failure.name(),
                "errorStatus": failure.text(),
            });
            if let (Some(module), Value::Object(error)) = (module, &mut error) {
                error.insert("moduleId".to_owned(), json!(module));
            }
            errors.push(error);
        }
    }
    let (status, successful) = match errors.is_empty() {
        true => (StatusCode::OK, true),
        false => (StatusCode::BAD_REQUEST, false),
    };
    let result = json!({"isSuccessful": successful, "errors": errors, "warnings": []});
    Ok((status, Json(result)).into_response())
}

fn apply(hub: &Hub, item: Item) -> Result<(), Failure> {
    let Item {
        id,
        import_mode,
        etag,
        twin_etag,
        tags,
        properties,
        written,
    } = item;
    let name = identity_name(&id, written.module_id.as_deref());
    let exists = hub.device(&name).is_ok();
    // A mode that matches ETags without giving one can match nothing.
    let required = |etag: Option<String>| Some(etag.unwrap_or_default());
    let twin = Map::from_iter(
        [("tags", tags), ("properties", properties)]
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?))),
    );
    match import_mode.unwrap_or_default() {
        ImportMode::Delete => return Ok(hub.delete(&name, None)?),
        ImportMode::DeleteIfMatchEtag => return Ok(hub.delete(&name, required(etag).as_deref())?),
        ImportMode::UpdateTwin => return Ok(hub.patch_twin(&name, &twin, None).map(drop)?),
        ImportMode::UpdateTwinIfMatchEtag => {
            return Ok(hub.patch_twin(&name, &twin, required(twin_etag).as_deref()).map(drop)?);
        }
        ImportMode::CreateOrUpdate | ImportMode::CreateOrUpdateIfMatchEtag if !exists => {
            hub.create(&name, written.change()?)?;
        }
        ImportMode::Create => {
            hub.create(&name, written.change()?)?;
        }
        ImportMode::CreateOrUpdate | ImportMode::Update => {
            hub.update(&name, written.change()?, None)?;
        }
        ImportMode::CreateOrUpdateIfMatchEtag | ImportMode::UpdateIfMatchEtag => {
            hub.update(&name, written.change()?, required(etag).as_deref())?;
        }
    }
    if !twin.is_empty() {
        hub.patch_twin(&name, &twin, None)?;
    }
    Ok(())
}
