//! Cloud-to-device messages and feedback.

use serde_json::json;

use super::api::Api;
use crate::state::{Delivery, Subscription};

const TO: &str = "/devices/d/messages/devicebound";

#[tokio::test]
async fn a_message_goes_to_the_device_and_feedback_comes_back() {
    let api = Api::with_device();
    let headers = [
        ("iothub-to", TO),
        ("iothub-messageid", "m1"),
        ("iothub-ack", "full"),
        ("content-type", "application/json"),
        ("iothub-app-colour", "red"),
        ("iothub-properties", "Case=Kept&a%20b"),
    ];
    let sent = api.send("POST", "/messages/devicebound", &headers, "{}").await;
    assert_eq!(sent.status, 204, "{}", sent.body);
    let mut link = api.hub.connect("d", true, None).unwrap();
    link.subscribe(Subscription::Messages, Some(1));
    let Delivery::Message(message) = link.next().await else {
        panic!("no message")
    };
    assert_eq!(message.body, b"{}");
    for pair in [
        ("$.mid", "m1"),
        ("$.ct", "application/json"),
        ("colour", "red"),
        ("$.to", TO),
    ] {
        assert_eq!(message.properties.get(pair.0), Some(pair.1), "{pair:?}");
    }

    let feedback = "/messages/serviceBound/feedback";
    assert_eq!(
        api.get(feedback).await.status,
        204,
        "not before the device has taken it"
    );
    assert!(link.acknowledge(message.packet_id.unwrap()));
    let batch = api.get(feedback).await;
    let record = &batch.body[0];
    assert_eq!(
        (&record["originalMessageId"], &record["statusCode"], &record["deviceId"]),
        (&json!("m1"), &json!("Success"), &json!("d"))
    );
    assert_eq!(record["deviceGenerationId"], api.hub.device("d").unwrap().generation_id);
    assert_eq!(
        batch.headers["content-type"],
        "application/vnd.microsoft.iothub.feedback.json"
    );
    let token = batch.headers["etag"].to_str().unwrap().trim_matches('"');
    let given_back = api.send("POST", &format!("{feedback}/{token}/abandon"), &[], "").await;
    assert_eq!(given_back.status, 204);
    let again = api.get(feedback).await;
    assert_eq!(
        (&again.body, &again.headers["iothub-deliverycount"]),
        (&batch.body, &"2".parse().unwrap())
    );
    let token = again.headers["etag"].to_str().unwrap().trim_matches('"');
    let path = format!("{feedback}/{token}");
    assert_eq!(api.send("DELETE", &path, &[], "").await.status, 204);
    api.send("DELETE", &path, &[], "")
        .await
        .is_refusal(412, "DeviceMessageLockLost");
    assert_eq!(api.get(feedback).await.status, 204);
}

#[tokio::test]
async fn a_queue_fills_and_is_emptied() {
    let api = Api::with_device();
    let send = |headers: Vec<(&'static str, &'static str)>| async {
        let headers = headers;
        api.send("POST", "/messages/devicebound", &headers, "x").await
    };
    for _ in 0..50 {
        assert_eq!(send(vec![("iothub-to", TO)]).await.status, 204);
    }
    send(vec![("iothub-to", TO)])
        .await
        .is_refusal(403, "DeviceMaximumQueueDepthExceeded");
    let purged = api.send("DELETE", "/devices/d/commands", &[], "").await;
    assert_eq!(
        purged.body,
        json!({"totalMessagesPurged": 50, "deviceId": "d", "moduleId": null})
    );
    for wrong in [
        vec![],
        vec![("iothub-to", "d")],
        vec![("iothub-to", TO), ("iothub-ack", "perhaps")],
        vec![("iothub-to", TO), ("iothub-expiry", "tomorrow")],
        vec![("iothub-to", TO), ("iothub-properties", "%24.to=elsewhere")],
    ] {
        send(wrong).await.is_refusal(400, "ArgumentInvalid");
    }
    send(vec![("iothub-to", "/devices/none/messages/deviceBound")])
        .await
        .is_refusal(404, "DeviceNotFound");
    api.hub.create_module("d", "m", None).unwrap();
    let to = "/devices/d/modules/m/messages/devicebound";
    assert_eq!(send(vec![("iothub-to", to)]).await.status, 204);
    assert_eq!(api.hub.device("d/m").unwrap().waiting_messages, 1);
}
