//! Twins: each line of the input is a patch, by turns of the operator's and of the device's. Merging never panics, and what
//! the hub keeps stays within its limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use setpoint_emulator::Hub;
use setpoint_protocol::twin::{self, Document, LARGEST_SECTION, Properties, Twin, check};

const DEVICE: &str = "device";

/// A JSON text is at most this many times as long as the hub counts it.
const TEXT: usize = 4;

fn has_nulls(document: &Document) -> bool {
    document.values().any(|value| match value {
        Value::Null => true,
        Value::Object(inner) => has_nulls(inner),
        _ => false,
    })
}

/// A section as the hub has it.
fn section(twin: &Value, name: &str) -> Document {
    let mut section = twin["properties"][name]
        .as_object()
        .expect("a twin has both sections")
        .clone();
    section.remove("$version");
    section.remove("$metadata");
    section
}

fn apply(hub: &Hub, link: &setpoint_emulator::state::Link, number: usize, patch: &Document) {
    let before = hub.twin(DEVICE).expect("the device is there");
    let name = if number % 2 == 0 { "desired" } else { "reported" };
    let taken = if number % 2 == 0 {
        let patch = json!({ "properties": { "desired": patch } });
        hub.patch_twin(DEVICE, patch.as_object().expect("it is one"), None)
            .is_ok()
    } else {
        link.report(patch).is_ok()
    };
    let after = hub.twin(DEVICE).expect("the device is there");
    let (old, new) = (section(&before, name), section(&after, name));
    if !taken {
        assert_eq!(old, new);
        return;
    }
    // The hub's own members are its own, whatever a patch says of them.
    let mut patch = patch.clone();
    patch.retain(|name, _| !name.starts_with('$'));
    let mut merged = old.clone();
    twin::merge(&mut merged, &patch);
    assert_eq!(merged, new);
    assert!(!has_nulls(&new));
    assert_eq!(check(&new), Ok(()));
    assert!(twin::size(&new) <= LARGEST_SECTION);
    assert!(Value::Object(new.clone()).to_string().len() <= TEXT * LARGEST_SECTION + TEXT);
    // The way there is found again.
    let mut target = old.clone();
    twin::merge(&mut target, &twin::difference(&old, &new));
    assert_eq!(target, new);
}

fuzz_target!(|body: &[u8]| {
    if let Ok(twin) = Twin::parse(body) {
        assert_eq!(Twin::parse(twin.to_json().to_string().as_bytes()).ok(), Some(twin));
    }
    if let Ok(patch) = Properties::parse(body) {
        assert_eq!(
            Properties::parse(patch.to_json().to_string().as_bytes()).ok(),
            Some(patch)
        );
    }
    let hub = Hub::new();
    hub.create_device(DEVICE, None).expect("nobody has this name");
    let link = hub.connect(DEVICE, true, None).expect("the device is there");
    for (number, line) in body.split(|byte| *byte == b'\n').enumerate() {
        if let Ok(patch) = serde_json::from_slice::<Document>(line) {
            apply(&hub, &link, number, &patch);
        }
    }
});
