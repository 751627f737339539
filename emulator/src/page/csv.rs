//! Telemetry as CSV (RFC 4180): a line for each message, a column for each value.

use std::collections::HashMap;

use chrono::SecondsFormat;
use serde_json::Value;

use super::event::values;
use super::history::Kept;
use crate::state::EventKind;

/// Most columns of values; a device that invents names has no more.
const COLUMNS: usize = 256;

/// The telemetry among `events`. The first column is when the hub took it.
pub(super) fn write(events: &[Kept]) -> String {
    let mut columns: Vec<String> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut lines = Vec::new();
    let telemetry = events.iter().filter(|kept| kept.event.kind == EventKind::Telemetry);
    for kept in telemetry {
        let mut cells: Vec<(usize, Value)> = Vec::new();
        for (name, value) in values(&kept.event) {
            let place = match places.get(&name) {
                Some(place) => *place,
                None if columns.len() == COLUMNS => continue,
                None => {
                    places.insert(name.clone(), columns.len());
                    columns.push(name);
                    columns.len() - 1
                }
            };
            cells.push((place, value));
        }
        lines.push((kept.event.enqueued, cells));
    }
    let mut text = String::from("enqueuedTime");
    for name in &columns {
        text.push(',');
        text.push_str(&cell(name));
    }
    text.push_str("\r\n");
    for (enqueued, mut cells) in lines {
        text.push_str(&enqueued.to_rfc3339_opts(SecondsFormat::Millis, true));
        cells.sort_by_key(|(place, _)| *place);
        let mut at = 0;
        for (place, value) in cells {
            text.extend(std::iter::repeat_n(',', (place + 1).saturating_sub(at)));
            at = place + 1;
            match value {
                Value::String(value) => text.push_str(&cell(&value)),
                value => text.push_str(&value.to_string()),
            }
        }
        text.extend(std::iter::repeat_n(',', columns.len().saturating_sub(at)));
        text.push_str("\r\n");
    }
    text
}

/// A text as a cell. What a spreadsheet would take for a formula gets an apostrophe before it, as it is a device's word.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;

    use super::*;
    use crate::state::DeviceEvent;

    fn events(bodies: &[&str]) -> Vec<Kept> {
        let event = |(number, body): (usize, &&str)| Kept {
            number: number as u64,
            event: Arc::new(DeviceEvent {
                device_id: "d".to_owned(),
                module_id: None,
                enqueued: DateTime::from_timestamp_millis(number as i64).unwrap(),
                kind: EventKind::Telemetry,
                body: body.as_bytes().to_vec(),
                system: Vec::new(),
                application: Vec::new(),
            }),
        };
        bodies.iter().enumerate().map(event).collect()
    }

    #[test]
    fn every_value_stands_in_its_column() {
        let text = write(&events(&[
            r#"{"a": 1, "b": "x"}"#,
            r#"{"c": true, "a": -2.5}"#,
            r#"{"b": "y"}"#,
            "no json",
        ]));
        let wanted = "enqueuedTime,a,b,c\r\n1970-01-01T00:00:00.000Z,1,x,\r\n1970-01-01T00:00:00.001Z,-2.5,,true\r\n\
            1970-01-01T00:00:00.002Z,,y,\r\n1970-01-01T00:00:00.003Z,,,\r\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_device_writes_no_formula_and_no_second_cell() {
        let text = write(&events(&[r#"{"=HYPERLINK(\"x\")": "a,b", "q": "say \"hi\"\n"}"#]));
        let header = "enqueuedTime,\"'=HYPERLINK(\"\"x\"\")\",q\r\n";
        let line = "1970-01-01T00:00:00.000Z,\"a,b\",\"say \"\"hi\"\"\n\"\r\n";
        assert_eq!(text, format!("{header}{line}"));
    }

    #[test]
    fn columns_have_an_end() {
        let bodies: Vec<String> = (0..500).map(|number| format!(r#"{{"m{number}": 1}}"#)).collect();
        let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
        let text = write(&events(&bodies));
        assert!(text.lines().all(|line| line.matches(',').count() == COLUMNS));
    }
}
