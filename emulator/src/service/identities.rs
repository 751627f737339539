//! Devices and modules as the registry's callers write and see them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use setpoint_protocol::Key;

use super::failure::Failure;
use crate::state::{Credentials, Device, IdentityChange, Thumbprint, Thumbprints};

/// What the hub shows for a time that has not come yet.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// A device or module as a caller writes it. Members that are the hub's to set, which SDKs send back from an earlier read, are
/// passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written {
    pub(super) device_id: Option<String>,
    pub(super) module_id: Option<String>,
    pub(super) status: Option<Status>,
    status_reason: Option<String>,
    authentication: Option<Authentication>,
    capabilities: Option<Capabilities>,
    device_scope: Option<String>,
    parent_scopes: Option<Vec<String>>,
    managed_by: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Capabilities {
    iot_edge: Option<bool>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(super) enum Status {
    Enabled,
    Disabled,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authentication {
    #[serde(rename = "type")]
    kind: Option<String>,
    symmetric_key: Option<SymmetricKey>,
    #[serde(rename = "x509Thumbprint")]
    thumbprints: Option<WrittenThumbprints>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SymmetricKey {
    primary_key: Option<String>,
    secondary_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenThumbprints {
    primary_thumbprint: Option<String>,
    secondary_thumbprint: Option<String>,
}

impl Written {
    /// What it changes. A PUT is of the whole identity: a status reason that is left out is gone.
    pub(super) fn change(self) -> Result<IdentityChange, Failure> {
        Ok(IdentityChange {
            credentials: self.credentials()?,
            enabled: self.status.map(|status| status == Status::Enabled),
            status_reason: Some(self.status_reason.unwrap_or_default()),
            edge: self.capabilities.and_then(|capabilities| capabilities.iot_edge),
            scope: self.device_scope,
            parent_scopes: self.parent_scopes,
            managed_by: self.managed_by,
        })
    }

    /// Whether it says that the device has keys.
    pub(super) fn wants_keys(&self) -> bool {
        let kind = self.authentication.as_ref().and_then(|given| given.kind.as_deref());
        kind == Some("sas")
    }

    /// The credentials given; none without keys, which means: make them.
    fn credentials(&self) -> Result<Option<Credentials>, Failure> {
        let Some(authentication) = &self.authentication else {
            return Ok(None);
        };
        match authentication.kind.as_deref() {
            None | Some("sas") => authentication.keys(),
            Some("selfSigned") => authentication.thumbprints().map(Some),
            Some("certificateAuthority") => Ok(Some(Credentials::Authority)),
            Some(kind) => Err(Failure::invalid(format!(
                "authentication is sas, selfSigned or certificateAuthority, not {kind:?}"
            ))),
        }
    }
}

/// Empty texts stand for nothing.
fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

impl Authentication {
    fn keys(&self) -> Result<Option<Credentials>, Failure> {
        let Some(keys) = &self.symmetric_key else {
            return Ok(None);
        };
        match (given(&keys.primary_key), given(&keys.secondary_key)) {
            (None, None) => Ok(None),
            (Some(primary), Some(secondary)) => {
                let read = |name: &str, text: &str| {
                    Key::from_base64(text).map_err(|error| Failure::invalid(format!("{name}: {error}")))
                };
                let keys = [read("primaryKey", primary)?, read("secondaryKey", secondary)?];
                Ok(Some(keys.into()))
            }
            _ => Err(Failure::invalid(
                "symmetricKey has one key: give both, or neither to have them made",
            )),
        }
    }

    fn thumbprints(&self) -> Result<Credentials, Failure> {
        let read = |name: &str, text: &str| -> Result<Thumbprint, Failure> {
            text.parse()
                .map_err(|error| Failure::invalid(format!("{name}: {error}")))
        };
        let texts = self.thumbprints.as_ref();
        let primary = texts
            .and_then(|texts| given(&texts.primary_thumbprint))
            .ok_or_else(|| Failure::invalid("x509Thumbprint has no primaryThumbprint, which selfSigned needs"))?;
        let secondary = texts.and_then(|texts| given(&texts.secondary_thumbprint));
        let thumbprints = Thumbprints {
            primary: read("primaryThumbprint", primary)?,
            secondary: secondary.map(|text| read("secondaryThumbprint", text)).transpose()?,
        };
        Ok(thumbprints.into())
    }
}

/// The identity as the registry shows it to its owner, keys included.
pub(super) fn show(identity: &Device) -> Value {
    let time = |at: Option<DateTime<Utc>>| {
        at.map_or_else(
            || NEVER.to_owned(),
            |at| at.to_rfc3339_opts(SecondsFormat::Micros, true),
        )
    };
    let key = |index: usize| identity.credentials.keys()?.get(index).map(Key::to_base64);
    let details = &identity.details;
    let mut shown = json!({
        "deviceId": identity.device_id,
        "generationId": identity.generation_id,
        "etag": identity.etag,
        "connectionState": if identity.connected { "Connected" } else { "Disconnected" },
        "connectionStateUpdatedTime": time(identity.connection_changed),
        "lastActivityTime": time(identity.last_activity),
        "cloudToDeviceMessageCount": identity.waiting_messages,
        "authentication": {
            "symmetricKey": {"primaryKey": key(0), "secondaryKey": key(1)},
            "x509Thumbprint": identity.credentials.thumbprints_json(),
            "type": identity.credentials.kind(),
        },
    });
    let more = match &identity.module_id {
        Some(module_id) => json!({"moduleId": module_id, "managedBy": details.managed_by}),
        None => json!({
            "status": if identity.enabled { "enabled" } else { "disabled" },
            "statusReason": details.status_reason,
            "statusUpdatedTime": time(details.status_changed),
            "capabilities": {"iotEdge": details.edge},
        }),
    };
    let scopes = match (&identity.module_id, &details.scope) {
        (None, Some(scope)) => json!({"deviceScope": scope, "parentScopes": details.parent_scopes}),
        _ => json!({}),
    };
    if let Value::Object(shown) = &mut shown {
        for part in [more, scopes] {
            if let Value::Object(part) = part {
                shown.extend(part);
            }
        }
    }
    shown
}
