//! The hub's throttles, when they are on.

use std::time::{Duration, Instant};

use setpoint_emulator::state::{Limit, Throttle};
use setpoint_protocol::Token;

use crate::client::{Azure, CONNECTED, Client, Connect, TWIN_RESPONSES, publish};

/// So low that nothing is left of it while a test runs: one at once, the next in its turn, and none after those.
const RATE: f64 = 1.0 / 60.0;

#[tokio::test]
async fn connects_are_refused_as_by_a_busy_server() {
    let azure = Azure::start().await;
    azure.emulator.hub().throttles().set(Throttle::Connects, Some(RATE));
    let client = azure.device().await;
    azure.connect(&azure.hello(), [0x20, 2, 0, 3]).await.closed().await;
    azure.emulator.hub().throttles().set(Throttle::Connects, None);
    azure.device().await;
    client.closed().await;
}

#[tokio::test]
async fn who_sends_too_much_waits_and_is_then_thrown_out() {
    let azure = Azure::start().await;
    let topic = format!("devices/{}/messages/events/", azure.identity.device_id());
    // Sixty at once, and ten that wait.
    azure.emulator.hub().throttles().set(Throttle::Sends, Some(1.0));
    let mut client = azure.device().await;
    for _ in 0..60 {
        client.publish(&topic, b"{}").await;
    }
    let begun = Instant::now();
    client.publish(&topic, b"{}").await;
    assert!(begun.elapsed() > Duration::from_millis(100), "{:?}", begun.elapsed());
    azure.emulator.hub().throttles().set(Throttle::Sends, Some(RATE));
    client.publish(&topic, b"{}").await;
    client.send(&publish(&topic, Some(7), b"{}")).await;
    client.closed().await;
}

#[tokio::test]
async fn twin_requests_are_answered_with_429() {
    let azure = Azure::start().await;
    for throttle in [Throttle::TwinReads, Throttle::TwinUpdates] {
        azure.emulator.hub().throttles().set(throttle, Some(RATE));
    }
    let mut client = azure.device().await;
    client.subscribe(TWIN_RESPONSES, 0).await;
    let read = client.request("$iothub/twin/GET/?$rid=1", b"").await;
    assert_eq!(read.topic, "$iothub/twin/res/200/?$rid=1");
    let refused = client.request("$iothub/twin/GET/?$rid=2", b"").await;
    assert_eq!(refused.topic, "$iothub/twin/res/429/?$rid=2");
    assert_eq!(refused.json()["errorCode"], 429_001);
    let report = "$iothub/twin/PATCH/properties/reported/?$rid=3";
    client.request(report, br#"{"a": 1}"#).await;
    let refused = client.request(report, br#"{"a": 2}"#).await;
    assert_eq!(refused.topic, "$iothub/twin/res/429/?$rid=3");
    let twin = azure.emulator.hub().twin(azure.identity.device_id()).unwrap();
    assert_eq!(twin["properties"]["reported"]["a"], 1);
}

/// A device `id` of the hub of this name, connected and listening for twin answers.
async fn device_of(azure: &Azure, name: &str, id: &str) -> Client {
    let (_, hub) = azure.emulator.hubs().find(|(hub, _)| *hub == name).unwrap();
    hub.create_device(id, None).unwrap();
    let device = hub.device(id).unwrap();
    let keys = device.credentials.keys().unwrap();
    setpoint_test_logs::keys(keys);
    let token = Token::sign(&format!("{name}/devices/{id}"), &keys[0], u64::MAX, None).to_string();
    let hello = Connect {
        username: Some(format!("{name}/{id}/?api-version=2019-10-01")),
        ..Connect::new(id, &token)
    };
    let mut client = azure.connect(&hello, CONNECTED).await;
    client.subscribe(TWIN_RESPONSES, 0).await;
    client
}

/// Whether one of many twin reads is refused when hardly any may come that S1 would still serve.
async fn refuses(azure: &Azure, name: &str, id: &str) -> bool {
    // More than become free in the second that all this may take.
    const READS: usize = 200;
    let mut client = device_of(azure, name, id).await;
    let (_, hub) = azure.emulator.hubs().find(|(hub, _)| *hub == name).unwrap();
    // What may come at once, and what may wait.
    hub.throttles().admit(Throttle::TwinReads, 7000);
    client
        .send(&publish("$iothub/twin/GET/?$rid=1", None, b"").repeat(READS))
        .await;
    for _ in 0..READS {
        // A refusal does not wait behind what has to wait.
        if client.message().await.topic == "$iothub/twin/res/429/?$rid=1" {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn every_hub_has_throttles_of_its_own() {
    let azure =
        Azure::declared("hubs: [plain, {name: held, throttle: [twin-reads]}, {name: loose, throttle: []}]").await;
    for (name, expected) in [("localhost", false), ("plain", false), ("held", true), ("loose", false)] {
        assert_eq!(refuses(&azure, name, "d").await, expected, "{name} as the file says");
    }
    azure.emulator.throttle(&[Limit::One(Throttle::TwinReads)]);
    for (name, expected) in [("localhost", true), ("plain", true), ("loose", false)] {
        assert_eq!(
            refuses(&azure, name, "e").await,
            expected,
            "{name} where all are throttled"
        );
    }
}
