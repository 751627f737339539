//! Other hubs than the emulator's own.

use setpoint_protocol::DeviceConnectionString;

use super::*;

#[tokio::test]
async fn a_call_is_about_the_hub_in_its_path_or_the_emulators_own() {
    let place = Place::new();
    let call = async |method, path: &str, body| place.call(method, path, body).await;
    let (status, row) = call(Method::PUT, "/api/hub/127.0.0.2/device?id=d", Value::Null).await;
    assert_eq!((status, &row["id"]), (StatusCode::OK, &json!("d")));
    assert!(place.hub.devices().is_empty());
    assert_eq!(place.second.devices().len(), 1);
    let (status, _) = call(Method::GET, "/api/device?id=d", Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    for own in ["/api/about", "/api/hub/localhost/about"] {
        let (_, about) = call(Method::GET, own, Value::Null).await;
        assert_eq!(about["host"], "localhost");
        assert_eq!(about["hubs"], json!(["localhost", "127.0.0.2"]));
    }
    let (_, about) = call(Method::GET, "/api/hub/127.0.0.2/about", Value::Null).await;
    assert_eq!(about["host"], "127.0.0.2");
    for nowhere in ["nowhere", "127.0.0.2%2F", "%FF", ".."] {
        let path = format!("/api/hub/{nowhere}/device?id=d");
        let (status, answer) = call(Method::DELETE, &path, Value::Null).await;
        assert!(
            [StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST].contains(&status) && answer["error"].is_string(),
            "{nowhere}: {status} {answer}"
        );
    }
    let (status, _) = call(Method::DELETE, "/api/hub/127.0.0.2/device?id=d", Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(place.second.devices().is_empty());
}

#[tokio::test]
async fn a_device_of_another_hub_is_set_called_and_written_to() {
    let place = Place::new();
    place.hub.create_device("d", None).unwrap();
    place.second.create_device("d", None).unwrap();
    let thermostat = Some("dtmi:com:example:Thermostat;1");
    let _link = place.second.connect("d", true, thermostat).unwrap();
    let there = |method, path: &str, body| {
        let path = format!("/api/hub/127.0.0.2/device/{path}?id=d");
        let place = &place;
        async move { place.call(method, &path, body).await }
    };
    let (_, answer) = there(Method::POST, "connection-string", Value::Null).await;
    let string: DeviceConnectionString = answer["connectionString"].as_str().unwrap().parse().unwrap();
    assert_eq!(string.host.to_string(), "127.0.0.2:18883");
    let wanted = json!({"name": "targetTemperature", "value": 21.5});
    let (_, twin) = there(Method::PUT, "property", wanted).await;
    assert_eq!(twin["properties"]["desired"]["targetTemperature"], 21.5);
    let (status, _) = there(Method::PATCH, "desired", json!({"a": 1})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(place.hub.twin("d").unwrap()["properties"]["desired"]["$version"], 1);
    assert_eq!(place.second.twin("d").unwrap()["properties"]["desired"]["a"], 1);
    let (status, _) = there(Method::POST, "message", json!({"body": "hello"})).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let waiting = |hub: &Hub| hub.device("d").unwrap().waiting_messages;
    assert_eq!((waiting(&place.hub), waiting(&place.second)), (0, 1));
    // What is kept of the own hub's device of the same name is not this one's.
    let link = place.hub.connect("d", true, None).unwrap();
    let mut events = place.hub.subscribe();
    link.telemetry(Default::default(), br#"{"t": 1}"#.to_vec()).unwrap();
    place.history.add(events.recv().await.unwrap());
    let (_, own) = place
        .call(Method::GET, "/api/device/telemetry.csv?id=d", Value::Null)
        .await;
    assert!(own.as_str().unwrap().starts_with("enqueuedTime,t\r\n"), "{own}");
    let (_, other) = there(Method::GET, "telemetry.csv", Value::Null).await;
    assert_eq!(other, "enqueuedTime\r\n");
}
