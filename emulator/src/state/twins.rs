//! Twins as services read and write them.

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use setpoint_protocol::twin::Document;

use super::{
    Delivery, Hub, HubError, Subscription,
    device::{Entry, etag},
    name::split_name,
    session::Delivered,
    twin::{Change, TwinState},
};

/// What the hub shows for a time that has not come yet.
const NEVER: &str = "0001-01-01T00:00:00Z";

impl Hub {
    /// The whole twin: `deviceId`, `etag`, `version`, `connectionState`, `modelId`, `tags`, and `properties.desired` and
    /// `.reported`, each with `$version` and `$metadata`.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`].
    pub fn twin(&self, device_id: &str) -> Result<Value, HubError> {
        self.with(device_id, |entry| show(device_id, entry))
    }

    /// Merges `{"tags"?: {..}, "properties"?: {"desired"?: {..}}}` into the twin (null deletes), tells the device its new
    /// desired values, and gives the whole twin back. Other members, which services send back from an earlier read, are
    /// passed over. `if_match` is the If-Match header as it came: an ETag with or without quotes, `*`, `"*"` or nothing.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`], [`HubError::PreconditionFailed`], [`HubError::InvalidArgument`] and
    /// [`HubError::TooLarge`] for properties outside the limits; then nothing is changed.
    pub fn patch_twin(&self, device_id: &str, patch: &Document, if_match: Option<&str>) -> Result<Value, HubError> {
        let change = change_of(patch)?;
        self.change_twin(device_id, if_match, |twin| twin.patch(change, Utc::now()))
    }

    /// As [`Hub::patch_twin`], but what is given takes the place of what is there; a part that is left out stays.
    ///
    /// # Errors
    ///
    /// Those of [`Hub::patch_twin`].
    pub fn replace_twin(&self, device_id: &str, twin: &Document, if_match: Option<&str>) -> Result<Value, HubError> {
        let change = change_of(twin)?;
        self.change_twin(device_id, if_match, |twin| twin.replace(change, Utc::now()))
    }

    fn change_twin(
        &self,
        device_id: &str,
        if_match: Option<&str>,
        change: impl FnOnce(&mut TwinState) -> Result<Option<Document>, HubError>,
    ) -> Result<Value, HubError> {
        self.with(device_id, |entry| {
            if !matches_etag(if_match, &entry.twin.etag()) {
                return Err(HubError::PreconditionFailed(format!("the twin of {device_id}")));
            }
            if let Some(patch) = change(&mut entry.twin)? {
                let version = entry.twin.desired.properties.version;
                let news = Delivery::Desired { patch, version };
                let told =
                    entry.session.is_connected() && entry.session.subscriptions.get(Subscription::Desired).is_some();
                let lost = told && self.faults.on_desired(device_id);
                if !lost && entry.session.deliver(Subscription::Desired, news) == Delivered::TooSlow {
                    self.disconnect(device_id, entry, super::CloseReason::TooSlow);
                }
            }
            Ok(show(device_id, entry))
        })?
    }
}

/// The parts of a twin a service may write.
fn change_of(document: &Document) -> Result<Change, HubError> {
    let properties = object(document, "properties")?;
    let desired = properties
        .map(|properties| object(properties, "desired"))
        .transpose()?
        .flatten();
    let desired = desired.cloned().map(|mut desired| {
        // Services send these back from an earlier read; they are the hub's to set.
        desired.retain(|name, _| name != "$version" && name != "$metadata");
        desired
    });
    Ok(Change {
        tags: object(document, "tags")?.cloned(),
        desired,
    })
}

fn object<'a>(document: &'a Document, name: &str) -> Result<Option<&'a Document>, HubError> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(HubError::InvalidArgument(format!("{name} must be a JSON object"))),
    }
}

/// Whether an If-Match header, in whatever spelling, allows a change of what has the ETag `current` (without quotes).
pub(super) fn matches_etag(if_match: Option<&str>, current: &str) -> bool {
    let Some(wanted) = if_match else { return true };
    wanted
        .split(',')
        .map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'))
        .any(|tag| tag == "*" || tag == current)
}

fn show(name: &str, entry: &Entry) -> Value {
    let time = |at: Option<chrono::DateTime<Utc>>| {
        at.map_or_else(
            || NEVER.to_owned(),
            |at| at.to_rfc3339_opts(SecondsFormat::Micros, true),
        )
    };
    let (device_id, module_id) = split_name(name);
    let details = &entry.details;
    let connection_state = if entry.session.is_connected() {
        "Connected"
    } else {
        "Disconnected"
    };
    let shown = json!({
        "deviceId": device_id,
        "deviceEtag": etag(entry.identity_version),
        "status": if entry.enabled { "enabled" } else { "disabled" },
        "statusUpdateTime": time(details.status_changed),
        "connectionState": connection_state,
        "lastActivityTime": time(entry.last_activity),
        "cloudToDeviceMessageCount": entry.queue.len(),
        "authenticationType": entry.credentials.kind(),
        "x509Thumbprint": entry.credentials.thumbprints_json(),
        "modelId": entry.model_id,
    });
    let mut shown = match shown {
        Value::Object(shown) => shown,
        _ => Map::new(),
    };
    let mut add = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    if let Some(module_id) = module_id {
        add("moduleId", json!(module_id));
    } else {
        add("capabilities", json!({"iotEdge": details.edge}));
        // The real one leaves out what is not there.
        if let Some(scope) = &details.scope {
            add("deviceScope", json!(scope));
        }
        if !details.parent_scopes.is_empty() {
            add("parentScopes", json!(details.parent_scopes));
        }
    }
    if let Some(reason) = &details.status_reason {
        add("statusReason", json!(reason));
    }
    shown.append(&mut entry.twin.to_json());
    Value::Object(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(value: Value) -> Document {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn if_match_is_taken_in_every_spelling() {
        for accepted in [
            None,
            Some("*"),
            Some("\"*\""),
            Some("\"AAE=\""),
            Some("AAE="),
            Some("\"x\", \"AAE=\""),
        ] {
            assert!(matches_etag(accepted, "AAE="), "{accepted:?}");
        }
        for refused in [Some("\"x\""), Some("")] {
            assert!(!matches_etag(refused, "AAE="), "{refused:?}");
        }
    }

    #[test]
    fn a_twin_read_can_be_written_back() {
        let hub = Hub::new();
        hub.create_device("d", None).unwrap();
        let twin = hub
            .patch_twin("d", &patch(json!({"properties": {"desired": {"a": 1}}})), None)
            .unwrap();
        let etag = twin["etag"].as_str().unwrap().to_owned();
        let again = hub.patch_twin("d", twin.as_object().unwrap(), Some(&etag)).unwrap();
        assert_eq!(again["properties"]["desired"]["a"], 1);
        assert_eq!(again["properties"]["desired"]["$version"], 3);
        let stale = hub.patch_twin("d", twin.as_object().unwrap(), Some(&etag));
        assert!(matches!(stale, Err(HubError::PreconditionFailed(_))));
    }

    #[test]
    fn a_part_that_is_no_object_is_refused() {
        let hub = Hub::new();
        hub.create_device("d", None).unwrap();
        for bad in [
            json!({"tags": 1}),
            json!({"properties": []}),
            json!({"properties": {"desired": "x"}}),
        ] {
            assert!(matches!(
                hub.patch_twin("d", &patch(bad), None),
                Err(HubError::InvalidArgument(_))
            ));
        }
    }
}
