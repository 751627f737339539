//! A device as a line of the list.

use serde_json::{Value, json};

use crate::state::Device;

/// What the list shows of a device. No key is in it.
pub(super) fn row(device: &Device) -> Value {
    json!({
        "id": device.device_id,
        "generation": device.generation_id,
        "connected": device.connected,
        "enabled": device.enabled,
        "model": device.model_id,
        "activity": device.last_activity.map(|at| at.timestamp_millis()),
        "changed": device.connection_changed.map(|at| at.timestamp_millis()),
        "waiting": device.waiting_messages,
        "proof": device.credentials.kind(),
    })
}
