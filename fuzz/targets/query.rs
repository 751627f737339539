//! Questions about twins: what is read is written as something that is read as the same, and any of them can be asked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use setpoint_emulator::query::parse;

fuzz_target!(|text: &str| {
    let Ok(query) = parse(text) else { return };
    assert_eq!(parse(&query.to_string()).as_ref(), Ok(&query), "{query}");
    let twin = json!({"deviceId": "d", "tags": {"site": "north", "floor": 3}, "properties": {"desired": {"on": true}}});
    query.matches(&twin);
    query.rows(&[twin.clone()]);
    query.row(twin);
});
