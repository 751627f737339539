//! What devices do, as listeners hear it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What kind of thing a device did.
// Kept by their places here, so one is only ever added at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// A device-to-cloud message; the body is what the device sent, of any format.
    Telemetry,
    /// A reported patch was taken; the body is a twin change, `{"version": .., "properties": {"reported": {.., "$version": n}}}`.
    Reported,
    /// The device connected; the body is empty.
    Connected,
    /// The device's connection ended, for any reason; the body is empty.
    Disconnected,
}

impl EventKind {
    /// The value of the system property `iothub-message-source`, as the real hub names it.
    pub fn source(self) -> &'static str {
        match self {
            EventKind::Telemetry => "Telemetry",
            EventKind::Reported => "twinChangeEvents",
            EventKind::Connected | EventKind::Disconnected => "deviceConnectionStateEvents",
        }
    }
}

/// One thing a device did. Cheap to share: listeners get an `Arc` of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceEvent {
    /// Which device.
    pub device_id: String,
    /// Which of its modules, when it was one.
    pub module_id: Option<String>,
    /// When the hub took it.
    pub enqueued: DateTime<Utc>,
    /// What it is.
    pub kind: EventKind,
    /// The body, at most 256 KB.
    pub body: Vec<u8>,
    /// System properties under the names that readers of the built-in endpoint see (`content-type`,
    /// `iothub-connection-device-id`, `dt-subject`, ..).
    pub system: Vec<(String, String)>,
    /// Application properties in the order sent; `None` is a name without a value.
    pub application: Vec<(String, Option<String>)>,
}

/// The name a telemetry system property has on the wire, and the one readers see
/// (Microsoft: "System properties of device-to-cloud IoT Hub messages").
const SYSTEM_NAMES: [(&str, &str); 11] = [
    ("$.mid", "message-id"),
    ("$.cid", "correlation-id"),
    ("$.uid", "user-id"),
    ("$.to", "to"),
    ("$.ct", "content-type"),
    ("$.ce", "content-encoding"),
    ("$.exp", "absolute-expiry-time"),
    ("$.ctime", "iothub-creation-time-utc"),
    ("$.ifid", "iothub-interface-id"),
    ("$.cdid", "iothub-connection-device-id"),
    ("$.sub", "dt-subject"),
];

/// The readers' name of a `$.` property, `None` for an application property.
pub(super) fn system_name(wire: &str) -> Option<&str> {
    SYSTEM_NAMES
        .iter()
        .find(|(short, _)| *short == wire)
        .map(|(_, long)| *long)
        .or_else(|| wire.strip_prefix("$."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_properties_get_the_names_readers_know() {
        assert_eq!(system_name("$.ct"), Some("content-type"));
        assert_eq!(system_name("$.unheard"), Some("unheard"));
        assert_eq!(system_name("colour"), None);
    }
}
