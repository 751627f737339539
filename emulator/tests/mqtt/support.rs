//! What several tests of the hub say.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};
use setpoint_emulator::state::{CloudMessage, DeviceEvent, EventKind};
use setpoint_protocol::PropertyBag;

/// Longer than anything here takes when it works.
pub(crate) const SOON: Duration = Duration::from_secs(30);

pub(crate) fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

pub(crate) fn to_device(text: &str) -> CloudMessage {
    CloudMessage {
        body: text.into(),
        properties: PropertyBag::parse("colour=red").unwrap(),
        expires: None,
    }
}

/// The next event of a kind.
pub(crate) async fn event(
    events: &mut tokio::sync::broadcast::Receiver<Arc<DeviceEvent>>,
    kind: EventKind,
) -> Arc<DeviceEvent> {
    loop {
        let event = tokio::time::timeout(SOON, events.recv()).await.unwrap().unwrap();
        if event.kind == kind {
            return event;
        }
    }
}
