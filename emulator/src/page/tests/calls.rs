//! What the page asks for and has done.

use setpoint_protocol::DeviceConnectionString;

use super::*;
use crate::state::{Delivery, Subscription};

#[tokio::test]
async fn devices_are_made_changed_and_removed() {
    let place = Place::new();
    // A path would take it for a folder.
    for id in ["new", "..", "a?b"] {
        let path = format!("/api/device?id={}", id.replace('?', "%3F"));
        let (status, row) = place.call(Method::PUT, &path, Value::Null).await;
        assert_eq!((status, &row["id"]), (StatusCode::OK, &json!(id)));
        assert_eq!(
            place.call(Method::PUT, &path, Value::Null).await.0,
            StatusCode::CONFLICT
        );
        let (_, row) = place.call(Method::PATCH, &path, json!({"enabled": false})).await;
        assert_eq!(row["enabled"], false);
        let (_, read) = place.call(Method::GET, &path, Value::Null).await;
        assert_eq!(read["twin"]["deviceId"], json!(id));
        assert!(!read.to_string().contains("Key"), "{read}");
        assert_eq!(
            place.call(Method::DELETE, &path, Value::Null).await.0,
            StatusCode::NO_CONTENT
        );
        assert_eq!(
            place.call(Method::GET, &path, Value::Null).await.0,
            StatusCode::NOT_FOUND
        );
    }
    let (status, answer) = place.call(Method::PUT, "/api/device?id=a%2Fb", Value::Null).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .contains("is not a device or module id"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_connection_string_connects() {
    let place = Place::new();
    place.hub.create_device("d", None).unwrap();
    let (_, answer) = place
        .call(Method::POST, "/api/device/connection-string?id=d", Value::Null)
        .await;
    let string: DeviceConnectionString = answer["connectionString"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        (string.host.to_string().as_str(), string.device_id.as_str()),
        ("localhost:18883", "d")
    );
    assert_eq!(
        string.key.as_ref(),
        place
            .hub
            .device("d")
            .unwrap()
            .credentials
            .keys()
            .map(|[primary, _]| primary)
    );
}

#[tokio::test]
async fn a_property_is_held_against_the_model() {
    let place = Place::new();
    let link = place.thermostat();
    let set = |body| place.call(Method::PUT, "/api/device/property?id=d", body);
    for (body, why) in [
        (json!({"name": "targetTemperature", "value": "warm"}), "not a number"),
        (json!({"name": "maxTempSinceLastReboot", "value": 1}), "cannot be set"),
        (json!({"name": "colour", "value": 1}), "no property"),
        (
            json!({"component": "inner", "name": "targetTemperature", "value": 1}),
            "no component",
        ),
    ] {
        let (status, answer) = set(body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(answer["error"].as_str().unwrap().contains(why), "{answer}");
    }
    let (status, twin) = set(json!({"name": "targetTemperature", "value": 42.5})).await;
    assert_eq!(
        (status, &twin["properties"]["desired"]["targetTemperature"]),
        (StatusCode::OK, &json!(42.5))
    );
    drop(link);
    place.hub.create_device("c", None).unwrap();
    let _link = place
        .hub
        .connect("c", true, Some("dtmi:com:example:TemperatureController;2"))
        .unwrap();
    let body = json!({"component": "thermostat1", "name": "targetTemperature", "value": 1});
    let (_, twin) = place.call(Method::PUT, "/api/device/property?id=c", body).await;
    assert_eq!(
        twin["properties"]["desired"]["thermostat1"],
        json!({"__t": "c", "targetTemperature": 1})
    );
}

#[tokio::test]
async fn a_command_is_held_against_the_model_and_answered() {
    let place = Place::new();
    let mut link = place.thermostat();
    link.subscribe(Subscription::Methods, Some(1));
    let call = |body| place.call(Method::POST, "/api/device/command?id=d", body);
    let (status, answer) = call(json!({"name": "getMaxMinReport", "payload": "yesterday"})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .contains("since: $ is \"yesterday\", not a date and time"),
        "{answer}"
    );
    let device = async {
        let Delivery::Method { rid, name, .. } = link.next().await else {
            panic!("no call")
        };
        link.respond(&rid, 200, br#"{"maxTemp": "high"}"#.to_vec());
        name
    };
    let (called, (status, answer)) = tokio::join!(device, call(json!({"name": "getMaxMinReport"})));
    assert_eq!((called.as_str(), status), ("getMaxMinReport", StatusCode::OK));
    assert_eq!(
        (&answer["status"], &answer["payload"]["maxTemp"]),
        (&json!(200), &json!("high"))
    );
    assert!(answer["mismatch"].as_str().unwrap().contains("maxTemp"), "{answer}");
}

#[tokio::test]
async fn a_device_without_a_model_takes_raw_calls() {
    let place = Place::new();
    place.hub.create_device("d", None).unwrap();
    let (status, answer) = place
        .call(
            Method::PUT,
            "/api/device/property?id=d",
            json!({"name": "a", "value": 1}),
        )
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer["error"].as_str().unwrap().contains("no model"), "{answer}");
    let (_, twin) = place
        .call(Method::PATCH, "/api/device/desired?id=d", json!({"a": {"b": 1}}))
        .await;
    assert_eq!(twin["properties"]["desired"]["a"]["b"], 1);
    let (status, answer) = place
        .call(
            Method::POST,
            "/api/device/method?id=d",
            json!({"name": "m", "payload": null}),
        )
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(answer["error"].as_str().unwrap().contains("not online"), "{answer}");
    let message = json!({"body": "hello", "properties": [["colour", "red"]]});
    assert_eq!(
        place.call(Method::POST, "/api/device/message?id=d", message).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(place.hub.device("d").unwrap().waiting_messages, 1);
}

#[tokio::test]
async fn models_are_shown_with_their_components() {
    let place = Place::new();
    let path = "/api/model/dtmi:com:example:TemperatureController%3B2";
    let (status, model) = place.call(Method::GET, path, Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{model}");
    let components = model["components"].as_array().unwrap();
    let names: Vec<_> = components.iter().map(|component| component["name"].as_str()).collect();
    assert_eq!(
        names,
        [
            None,
            Some("thermostat1"),
            Some("thermostat2"),
            Some("deviceInformation")
        ]
    );
    assert_eq!(components[1]["properties"][0]["schema"]["type"], "double");
    assert_eq!(components[1]["commands"][0]["request"]["schema"]["type"], "dateTime");
    let (status, _) = place
        .call(Method::GET, "/api/model/dtmi:com:example:Unheard%3B1", Value::Null)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _) = place
        .call(Method::GET, "/api/model/..%2F..%2Fetc%2Fpasswd", Value::Null)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn telemetry_is_downloaded_and_an_event_read_whole() {
    let place = Place::new();
    let link = place.thermostat();
    let mut events = place.hub.subscribe();
    let long = format!(r#"{{"temperature": 21.5, "note": "{}"}}"#, "x".repeat(10_000));
    link.telemetry(Default::default(), long.clone().into_bytes()).unwrap();
    place.history.add(events.recv().await.unwrap());
    let (status, csv) = place
        .call(Method::GET, "/api/device/telemetry.csv?id=d", Value::Null)
        .await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        csv.as_str().unwrap().starts_with("enqueuedTime,note,temperature\r\n"),
        "{csv}"
    );
    let (_, whole) = place.call(Method::GET, "/api/device/event?id=d&n=0", Value::Null).await;
    assert_eq!(whole, serde_json::from_str::<Value>(&long).unwrap());
    let (status, _) = place
        .call(Method::GET, "/api/device/event?id=other&n=0", Value::Null)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
