//! Services that speak AMQP with the SDKs for Node: azure-iothub sends to devices and reads feedback, @azure/event-hubs reads what
//! devices sent. Those for Python are in `event_hubs.rs`.

use std::net::SocketAddr;

use serde_json::{Value, json};
use setpoint_emulator::{StartError, paste};

use super::Place;

const SCRIPT: &str = "amqp.js";

/// An emulator with AMQP at the one port that the SDK knows.
async fn place() -> Place {
    loop {
        let mut place = Place::new().await;
        let address = place.emulator.mqtt_address().ip();
        let address = SocketAddr::new(address, paste::DEFAULT_AMQP_PORT);
        match place.emulator.listen_amqp(address).await {
            // Another program's address: take another.
            Err(StartError::PortInUse { .. }) => {}
            listening => {
                listening.unwrap();
                return place;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_service_sdk_sends_and_reads_feedback() {
    let place = place().await;
    let seen = place.run_script(SCRIPT, "feedback", &place.device()).await;
    assert_eq!(
        (&seen["body"], &seen["deliveries"], &seen["type"]),
        (
            &json!("look"),
            &json!(2),
            &json!("application/vnd.microsoft.iothub.feedback.json")
        )
    );
    let record = &seen["records"][0];
    assert_eq!(
        (&record["originalMessageId"], &record["statusCode"], &record["deviceId"]),
        (&json!("m-1"), &json!("Success"), &json!(place.identity.device_id()))
    );
    assert_eq!(seen["records"].as_array().map(Vec::len), Some(1));
    // It was completed, and is nobody's any more.
    assert_eq!(place.emulator.hub().receive_feedback(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_event_hubs_sdk_reads_what_devices_sent() {
    let place = place().await;
    let hub = place.emulator.hub();
    let link = hub.connect(place.identity.device_id(), true, None).unwrap();
    for number in 0..5 {
        let properties = [("$.ct", "application/json"), ("colour", "red")].into_iter().collect();
        link.telemetry(properties, json!({ "number": number }).to_string().into_bytes())
            .unwrap();
    }
    let seen = place
        .run_script(SCRIPT, "events", &place.device().with("count", json!(5)))
        .await;
    let expected = |number: u64| {
        let device = place.identity.device_id();
        json!({"body": {"number": number}, "properties": {"colour": "red"}, "device": device, "sequence": number})
    };
    assert_eq!(seen, Value::from_iter((0..5).map(expected)));
}
