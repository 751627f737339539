//! Properties and acknowledgements as they stand in the twin.
//!
//! Source: "IoT Plug and Play conventions": a writable property is answered by
//! `{"name": {"value": .., "ac": 200, "av": 2, "ad": ".."}}`; a component is an object with `"__t": "c"`.

use serde_json::{Value, json};
use setpoint_protocol::twin::Document;

/// A writable property's answer, as it stands in the twin.
pub(super) fn acknowledgement(value: Value, status: u16, version: u64, description: Option<String>) -> Value {
    // A null description removes an older one, which would otherwise stay and be wrong.
    json!({ "value": value, "ac": status, "av": version, "ad": description })
}

/// Whether an object in a twin is a component rather than a value.
pub(super) fn is_component(members: &Document) -> bool {
    members.get("__t").and_then(Value::as_str) == Some("c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_stands_as_the_conventions_say() {
        let ack = acknowledgement(json!(42.5), 200, 2, Some("done".into()));
        assert_eq!(ack, json!({ "value": 42.5, "ac": 200, "av": 2, "ad": "done" }));
    }
}
