//! What a hub says to a device: topic and body by turns, each up to a null character. A topic `!` and a number is PUBACK.
#![no_main]

use libfuzzer_sys::fuzz_target;
use setpoint::cloud::Event;
use setpoint::cloud::fuzzing::HubAnswers;

fuzz_target!(|data: &[u8]| {
    let mut hub = HubAnswers::default();
    let mut parts = data.split(|byte| *byte == 0);
    let (mut twins, mut delivered) = (0, Vec::new());
    while let Some(topic) = parts.next() {
        let packet_id = topic
            .strip_prefix(b"!")
            .and_then(|id| std::str::from_utf8(id).ok()?.parse().ok());
        let said = match packet_id {
            Some(id) => hub.acknowledge(id),
            None => hub.publish(topic, parts.next().unwrap_or_default()),
        };
        // An answer that no hub gives ends the connection.
        let Ok(events) = said else { break };
        for event in events {
            match event {
                Event::Twin(_) => twins += 1,
                Event::Delivered(id) => delivered.push(id),
                _ => {}
            }
        }
    }
    // What was asked for once is answered once.
    assert!(twins <= 1);
    delivered.sort_unstable();
    assert!(matches!(delivered.as_slice(), [] | [2] | [3] | [2, 3]), "{delivered:?}");
});
