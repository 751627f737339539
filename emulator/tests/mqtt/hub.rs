//! What a device does with IoT Hub: telemetry, twin, methods, messages.

use std::time::Duration;

use serde_json::json;
use setpoint_emulator::state::{EventKind, MethodResult};

use crate::client::{Azure, CONNECTED, Connect, DESIRED, METHODS, TWIN_RESPONSES, packet, publish, text};
use crate::support::{SOON, event, object, to_device};

#[tokio::test]
async fn cloud_to_device_messages_wait_and_end_with_the_puback() {
    let azure = Azure::start().await;
    let (hub, id) = (azure.emulator.hub(), azure.identity.device_id());
    hub.send_to_device(id, to_device("hello")).unwrap();
    let mut client = azure.device().await;
    let filter = format!("devices/{id}/messages/devicebound/#");
    client.subscribe(&filter, 1).await;
    let message = client.message().await;
    let bag = message
        .topic
        .strip_prefix(&format!("devices/{id}/messages/devicebound/"))
        .unwrap();
    assert_eq!(
        bag,
        format!("colour=red&%24.to=%2Fdevices%2F{id}%2Fmessages%2Fdevicebound")
    );
    assert_eq!((message.body.as_slice(), message.again), (&b"hello"[..], false));
    assert_eq!(hub.device(id).unwrap().waiting_messages, 1);
    client.send(&packet(0x40, &message.id.unwrap().to_be_bytes())).await;
    client.send(&[0xC0, 0]).await;
    assert_eq!(client.packet().await, [0xD0, 0]);
    assert_eq!(hub.device(id).unwrap().waiting_messages, 0);
}

#[tokio::test]
async fn a_twin_goes_round() {
    let azure = Azure::start().await;
    let (hub, id) = (azure.emulator.hub(), azure.identity.device_id());
    let mut client = azure.device().await;
    client.subscribe(TWIN_RESPONSES, 0).await;
    let twin = client.request("$iothub/twin/GET/?$rid=a1", b"").await;
    assert_eq!(twin.topic, "$iothub/twin/res/200/?$rid=a1");
    assert_eq!(
        twin.json(),
        json!({"desired": {"$version": 1}, "reported": {"$version": 1}})
    );

    let report = "$iothub/twin/PATCH/properties/reported/?$rid=2";
    let taken = client.request(report, br#"{"a": {"b": 1, "c": 2}}"#).await;
    assert_eq!(
        (taken.topic.as_str(), taken.body.as_slice()),
        ("$iothub/twin/res/204/?$rid=2&$version=2", &b""[..])
    );
    client.request(report, br#"{"a": {"b": null}}"#).await;
    assert_eq!(hub.twin(id).unwrap()["properties"]["reported"]["a"], json!({"c": 2}));

    let large = json!({"a": "x".repeat(4000), "b": "x".repeat(4000), "c": (0..9).map(|_| "x".repeat(3000)).collect::<Vec<_>>()});
    for (body, status, code) in [
        ("{".to_owned(), 400, 400_004),
        ("[1]".to_owned(), 400, 400_004),
        (r#"{"a b": 1}"#.to_owned(), 400, 400_004),
        (large.to_string(), 413, 413_001),
    ] {
        let refused = client.request(report, body.as_bytes()).await;
        assert_eq!(
            refused.topic,
            format!("$iothub/twin/res/{status}/?$rid=2"),
            "{body:.40}"
        );
        assert_eq!(refused.json()["errorCode"], code, "{body:.40}");
    }
    assert_eq!(hub.twin(id).unwrap()["properties"]["reported"]["$version"], 3);

    // Not subscribed yet, so this one is only in the twin.
    hub.patch_twin(id, &object(json!({"properties": {"desired": {"x": 1}}})), None)
        .unwrap();
    client.subscribe(DESIRED, 0).await;
    client.subscribe(DESIRED, 0).await;
    hub.patch_twin(id, &object(json!({"properties": {"desired": {"x": null}}})), None)
        .unwrap();
    assert_eq!(client.message().await.json(), json!({"x": null, "$version": 3}));
    client.send(&[0xC0, 0]).await;
    assert_eq!(
        client.packet().await,
        [0xD0, 0],
        "the second subscription replaces the first: the patch comes once"
    );
}

#[tokio::test]
async fn a_method_goes_round() {
    let azure = Azure::start().await;
    let (hub, id) = (azure.emulator.hub(), azure.identity.device_id());
    let mut client = azure.device().await;
    client.subscribe(METHODS, 0).await;
    let device = async {
        let request = client.message().await;
        let rid = request
            .topic
            .strip_prefix("$iothub/methods/POST/getMaxMinReport/?$rid=")
            .unwrap();
        assert_eq!(request.json(), json!("2026-01-01T00:00:00Z"));
        client
            .publish(&format!("$iothub/methods/res/200/?$rid={rid}"), br#"{"maxTemp": 1}"#)
            .await;
    };
    let payload = Some(json!("2026-01-01T00:00:00Z"));
    let (result, ()) = tokio::join!(
        hub.call_method(id, "getMaxMinReport", payload, Duration::ZERO, SOON),
        device
    );
    assert_eq!(
        result.unwrap(),
        MethodResult {
            status: 200,
            payload: json!({"maxTemp": 1})
        }
    );
    client.send(&[0xE0, 0]).await;
    client.closed().await;
    let offline = hub.call_method(id, "getMaxMinReport", None, Duration::ZERO, SOON).await;
    assert_eq!(offline.unwrap_err().code(), 404_103);
}

#[tokio::test]
async fn telemetry_arrives_with_its_properties() {
    let azure = Azure::start().await;
    let mut events = azure.emulator.hub().subscribe();
    let mut client = azure.device().await;
    let topic = format!(
        "devices/{}/messages/events/%24.ct=application%2Fjson&%24.sub=thermostat1&a=b%20c&d",
        azure.identity.device_id()
    );
    client.publish(&topic, br#"{"temperature": 21}"#).await;
    let event = event(&mut events, EventKind::Telemetry).await;
    assert_eq!(event.body, br#"{"temperature": 21}"#);
    let application = [("a".to_owned(), Some("b c".to_owned())), ("d".to_owned(), None)];
    assert_eq!(event.application, application);
    for (name, value) in [
        ("content-type", "application/json"),
        ("dt-subject", "thermostat1"),
        ("dt-dataschema", "dtmi:a;b;1"),
        ("iothub-connection-device-id", "my-pnp-device"),
        ("iothub-message-source", "Telemetry"),
    ] {
        assert!(
            event.system.contains(&(name.to_owned(), value.to_owned())),
            "{name}: {:?}",
            event.system
        );
    }
}

#[tokio::test]
async fn retain_and_will_are_only_properties() {
    let azure = Azure::start().await;
    let mut events = azure.emulator.hub().subscribe();
    let topic = format!("devices/{}/messages/events/", azure.identity.device_id());
    let with_will = Connect {
        will: Some((topic.clone(), "gone", 0x20)),
        ..azure.hello()
    };
    let mut client = azure.connect(&with_will, CONNECTED).await;
    client.send(&packet(0x31, &[&text(&topic)[..], b"kept"].concat())).await;
    let retain = ("mqtt-retain".to_owned(), Some("true".to_owned()));
    let kept = event(&mut events, EventKind::Telemetry).await;
    assert_eq!(
        (kept.body.as_slice(), &kept.application),
        (&b"kept"[..], &vec![retain.clone()])
    );
    drop(client);
    let will = event(&mut events, EventKind::Telemetry).await;
    let kind = ("iothub-MessageType".to_owned(), Some("Will".to_owned()));
    assert_eq!(
        (will.body.as_slice(), &will.application),
        (&b"gone"[..], &vec![retain, kind])
    );

    event(&mut events, EventKind::Disconnected).await;

    let mut client = azure.connect(&with_will, CONNECTED).await;
    event(&mut events, EventKind::Connected).await;
    client.send(&[0xE0, 0]).await;
    client.closed().await;
    event(&mut events, EventKind::Disconnected).await;
    assert!(
        events.try_recv().is_err(),
        "a client that says DISCONNECT leaves no will"
    );
}

#[tokio::test]
async fn telemetry_has_a_largest_size() {
    let azure = Azure::start().await;
    let topic = format!("devices/{}/messages/events/", azure.identity.device_id());
    let mut client = azure.device().await;
    client.publish(&topic, &vec![b'x'; 256 * 1024]).await;
    client
        .send(&publish(&topic, Some(1), &vec![b'x'; 256 * 1024 + 1]))
        .await;
    client.closed().await;
}
