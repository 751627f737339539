//! Faults that messages ask for, as the end-to-end tests of Microsoft's SDKs do it.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use setpoint_emulator::state::CloudMessage;
use setpoint_protocol::PropertyBag;
use tokio::io::AsyncReadExt;

use crate::client::{Azure, CONNECTED, Client, publish};

fn properties(kind: &str, delay: u64, duration: u64) -> String {
    format!(
        "AzIoTHub_FaultOperationType={kind}&AzIoTHub_FaultOperationCloseReason=%20boom%20\
         &AzIoTHub_FaultOperationDelayInSecs={delay}&AzIoTHub_FaultOperationDurationInSecs={duration}"
    )
}

fn ask(azure: &Azure, kind: &str, delay: u64, duration: u64) -> Vec<u8> {
    let properties = properties(kind, delay, duration);
    publish(
        &format!("devices/{}/messages/events/{properties}", azure.identity.device_id()),
        Some(7),
        b"",
    )
}

/// What a client's connection ends with.
async fn end(client: Client) -> Result<usize, ErrorKind> {
    let mut rest = Vec::new();
    client
        .into_stream()
        .read_to_end(&mut rest)
        .await
        .map_err(|error| error.kind())
}

#[tokio::test]
async fn a_connection_is_killed_and_shut_down_without_a_puback() {
    let azure = Azure::start().await;
    azure.emulator.hub().keep_telemetry(10);
    for (kind, expected) in [("KillTcp", Err(ErrorKind::UnexpectedEof)), ("ShutDownMqtt", Ok(0))] {
        let mut client = azure.device().await;
        client.send(&ask(&azure, kind, 0, 0)).await;
        assert_eq!(end(client).await, expected, "{kind}");
        azure.device().await;
    }
    assert_eq!(azure.emulator.hub().telemetry_of(azure.identity.device_id()), []);
}

#[tokio::test]
async fn the_device_works_on_until_the_fault_strikes() {
    let azure = Azure::start().await;
    let mut client = azure.device().await;
    let begun = Instant::now();
    client.send(&ask(&azure, "ShutDownMqtt", 1, 0)).await;
    let topic = format!("devices/{}/messages/events/", azure.identity.device_id());
    client.publish(&topic, b"{}").await;
    assert_eq!(end(client).await, Ok(0));
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn some_last() {
    let azure = Azure::start().await;
    let topic = format!("devices/{}/messages/events/", azure.identity.device_id());
    let mut client = azure.device().await;
    client.send(&ask(&azure, "InvokeAuthError", 0, 1)).await;
    client.closed().await;
    azure.connect(&azure.hello(), [0x20, 2, 0, 5]).await.closed().await;
    until_over(&azure).await;
    for kind in ["InvokeThrottling", "InvokeMaxMessageQuota"] {
        let mut client = azure.device().await;
        client.send(&ask(&azure, kind, 0, 1)).await;
        client.closed().await;
        let mut client = azure.device().await;
        client.send(&publish(&topic, Some(7), b"{}")).await;
        client.closed().await;
        until_over(&azure).await;
        azure.device().await.publish(&topic, b"{}").await;
    }
}

async fn until_over(azure: &Azure) {
    while !azure.emulator.hub().faults().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_mqtt_does_not_have_is_telemetry() {
    let azure = Azure::start().await;
    let mut client = azure.device().await;
    client.send(&ask(&azure, "KillAmqpConnection", 0, 0)).await;
    assert_eq!(client.packet().await, [0x40, 2, 0, 7]);
}

#[tokio::test]
async fn a_service_asks_by_a_message_to_the_device() {
    let azure = Azure::start().await;
    let (hub, id) = (azure.emulator.hub(), azure.identity.device_id());
    let message = CloudMessage {
        body: Vec::new(),
        properties: PropertyBag::parse(&properties("KillTcp", 0, 0)).unwrap(),
        expires: None,
    };
    let mut client = azure.device().await;
    let filter = format!("devices/{id}/messages/devicebound/#");
    client.subscribe(&filter, 1).await;
    hub.send_to_device(id, message).unwrap();
    assert_eq!(
        end(client).await,
        Err(ErrorKind::UnexpectedEof),
        "the device is not told"
    );
    let mut client = azure.connect(&azure.hello(), CONNECTED).await;
    client.subscribe(&filter, 1).await;
    client.send(&[0xC0, 0]).await;
    assert_eq!(client.packet().await, [0xD0, 0], "it strikes once");
}
