//! What of an event a browser is shown: the beginning of its text, and the numbers in it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::history::Kept;
use crate::state::{DeviceEvent, EventKind};

/// How much of a body is shown, in bytes. The rest can be asked for.
const SHOWN: usize = 2 * 1024;

/// How much of a property's name or value is shown, in bytes.
const PROPERTY_SHOWN: usize = 256;

/// How many properties are shown.
const PROPERTIES: usize = 32;

/// How many values are taken out of one message.
const VALUES: usize = 64;

/// The longest name of a value, in bytes; one that is longer is passed over.
const NAME: usize = 256;

/// The event as a browser gets it.
pub(super) fn show(kept: &Kept) -> Value {
    let event = &kept.event;
    let text = String::from_utf8_lossy(&event.body);
    let shown = beginning(&text, SHOWN);
    let mut entry = Map::from_iter([
        ("n".to_owned(), json!(kept.number)),
        ("at".to_owned(), json!(event.enqueued.timestamp_millis())),
        ("kind".to_owned(), json!(kind(event.kind))),
        ("size".to_owned(), json!(event.body.len())),
        ("text".to_owned(), json!(shown)),
    ]);
    let mut add = |name: &str, value: Value| entry.insert(name.to_owned(), value);
    if shown.len() < text.len() {
        add("cut", json!(true));
    }
    if let Some(module) = &event.module_id {
        add("module", json!(module));
    }
    let properties = properties(event);
    if !properties.is_empty() {
        add("properties", Value::Object(properties));
    }
    if let Some(numbers) = numbers(event) {
        add("numbers", numbers);
    }
    Value::Object(entry)
}

/// What of an event that is long past a plot is made of; none without numbers.
pub(super) fn show_numbers(kept: &Kept) -> Option<Value> {
    let numbers = numbers(&kept.event)?;
    Some(json!({"n": kept.number, "at": kept.event.enqueued.timestamp_millis(), "numbers": numbers}))
}

fn numbers(event: &DeviceEvent) -> Option<Value> {
    if event.kind != EventKind::Telemetry {
        return None;
    }
    let values = values(event).into_iter();
    let numbers: Map<_, _> = values.filter(|(_, value)| value.is_number()).collect();
    (!numbers.is_empty()).then_some(Value::Object(numbers))
}

/// The name of a kind of event.
pub(super) fn kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Telemetry => "telemetry",
        EventKind::Reported => "reported",
        EventKind::Connected => "connected",
        EventKind::Disconnected => "disconnected",
    }
}

/// The single values of a telemetry message by name: `temperature`, `position.x`, `samples[0]`; those of a component begin with its
/// name, and those of a module with the module's: `module/component/temperature`. At most [`VALUES`], in the message's order.
pub(super) fn values(event: &DeviceEvent) -> Vec<(String, Value)> {
    let Ok(body) = serde_json::from_slice::<Value>(&event.body) else {
        return Vec::new();
    };
    let component = event.system.iter().find(|(name, _)| name == "dt-subject");
    let component = component
        .map(|(_, component)| component.as_str())
        .filter(|name| !name.is_empty());
    let prefix: String = [event.module_id.as_deref(), component]
        .into_iter()
        .flatten()
        .map(|part| format!("{part}/"))
        .collect();
    let mut found = Vec::new();
    // A message that is a number alone has no name to go by.
    let name = if body.is_object() { "" } else { "value" };
    collect(&prefix, name, &body, &mut found);
    found
}

fn collect(prefix: &str, name: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    if found.len() >= VALUES || prefix.len() + name.len() > NAME {
        return;
    }
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                let dot = if name.is_empty() { "" } else { "." };
                collect(prefix, &format!("{name}{dot}{member}"), value, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate().take(VALUES) {
                collect(prefix, &format!("{name}[{index}]"), item, found);
            }
        }
        Value::Null => {}
        single => found.push((format!("{prefix}{name}"), single.clone())),
    }
}

/// Application properties, and what readers of the system properties look for.
fn properties(event: &DeviceEvent) -> Map<String, Value> {
    let told = [
        "content-type",
        "content-encoding",
        "message-id",
        "correlation-id",
        "dt-subject",
    ];
    let system = event.system.iter().filter(|(name, _)| told.contains(&name.as_str()));
    let system = system.map(|(name, value)| (name.as_str(), value.as_str()));
    let application = event.application.iter();
    let application = application.map(|(name, value)| (name.as_str(), value.as_deref().unwrap_or_default()));
    let all: BTreeMap<_, _> = system.chain(application).take(PROPERTIES).collect();
    let short = |text: &str| beginning(text, PROPERTY_SHOWN).to_owned();
    all.into_iter()
        .map(|(name, value)| (short(name), json!(short(value))))
        .collect()
}

/// At most `limit` bytes of a text, in whole characters.
fn beginning(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::Utc;

    use super::*;

    fn event(body: &str, system: &[(&str, &str)]) -> DeviceEvent {
        let system = system
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        DeviceEvent {
            device_id: "d".to_owned(),
            module_id: None,
            enqueued: Utc::now(),
            kind: EventKind::Telemetry,
            body: body.as_bytes().to_vec(),
            system: system.collect(),
            application: vec![
                ("colour".to_owned(), Some("red".to_owned())),
                ("plain".to_owned(), None),
            ],
        }
    }

    fn shown(event: DeviceEvent) -> Value {
        show(&Kept {
            number: 7,
            event: Arc::new(event),
        })
    }

    #[test]
    fn numbers_have_the_names_of_where_they_stand() {
        let body = r#"{"t": 21.5, "p": {"x": 1, "y": [2, 3]}, "s": "text", "b": true, "n": null}"#;
        let shown = shown(event(body, &[("dt-subject", "thermostat1")]));
        let wanted =
            json!({"thermostat1/t": 21.5, "thermostat1/p.x": 1, "thermostat1/p.y[0]": 2, "thermostat1/p.y[1]": 3});
        assert_eq!(shown["numbers"], wanted);
        let properties = json!({"dt-subject": "thermostat1", "colour": "red", "plain": ""});
        assert_eq!((&shown["n"], &shown["properties"]), (&json!(7), &properties));
    }

    #[test]
    fn what_is_no_json_has_no_numbers_and_a_bare_number_has_a_name() {
        assert_eq!(shown(event("12,5;", &[])).get("numbers"), None);
        assert_eq!(
            shown(event("1e999", &[])).get("numbers"),
            None,
            "no number that there is"
        );
        assert_eq!(shown(event("42", &[]))["numbers"], json!({"value": 42}));
        assert_eq!(shown(event(r#"{"a": 1e308}"#, &[]))["numbers"], json!({"a": 1e308}));
    }

    #[test]
    fn a_message_has_no_end_but_what_is_shown_of_it_has() {
        let long = format!(r#"{{"a": "{}"}}"#, "ä".repeat(100_000));
        let shown = shown(event(&long, &[]));
        let text = shown["text"].as_str().unwrap();
        assert!(text.len() <= SHOWN && text.len() > SHOWN - 4 && long.starts_with(text));
        assert_eq!((&shown["cut"], &shown["size"]), (&json!(true), &json!(long.len())));

        let many: Map<_, _> = (0..1000).map(|number| (format!("m{number}"), json!(number))).collect();
        assert_eq!(
            self::shown(event(&json!(many).to_string(), &[]))["numbers"]
                .as_object()
                .unwrap()
                .len(),
            VALUES
        );
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(self::shown(event(&deep, &[])).get("numbers"), None);
        let named = json!({"x".repeat(300): 1, "y": 2}).to_string();
        assert_eq!(self::shown(event(&named, &[]))["numbers"], json!({"y": 2}));
    }
}
