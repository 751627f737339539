//! The whole, over TLS and MQTT: a guest in its sandbox, the session, DPS, the hub.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use setpoint::cloud::{Access, AzureConnector, ConnectError, DpsProvisioner, ProvisionError, Provisioner, Trust};
use setpoint::device::SessionError;
use setpoint::sandbox::THERMOSTAT;
use setpoint_emulator::Identity;
use setpoint_emulator::state::{CloudMessage, EventKind, HubError};
use setpoint_protocol::{Endpoint, Key, PropertyBag};
use setpoint_tests::{Observed, Place, Running, plain};

const DEVICE: &str = "my-pnp-device";
const MODEL: &str = "dtmi:com:example:Thermostat;1";

fn document(value: Value) -> setpoint_protocol::twin::Document {
    value.as_object().unwrap().clone()
}

async fn call(place: &Place, name: &str, payload: Option<Value>) -> Result<(u16, Value), HubError> {
    let patience = Duration::from_secs(10);
    let result = place
        .emulator
        .hub()
        .call_method(DEVICE, name, payload, Duration::ZERO, patience)
        .await?;
    Ok((result.status, result.payload))
}

#[tokio::test]
async fn a_thermostat_is_provisioned_and_sends_temperatures() {
    let place = Place::new().await;
    let mut events = place.emulator.hub().subscribe();
    let mut device = place.run(THERMOSTAT, &[("interval", "0.05")]);
    let assigned = |observed: &Observed| match observed {
        Observed::Assigned(device_id) => Some(device_id.clone()),
        _ => None,
    };
    assert_eq!(device.until(assigned).await, DEVICE);
    for _ in 0..3 {
        let body = device.delivered().await;
        let temperature = body["temperature"].as_u64().unwrap();
        assert!((10..=49).contains(&temperature), "{body}");
    }
    let twin = place.emulator.hub().twin(DEVICE).unwrap();
    assert_eq!(
        (&twin["modelId"], &twin["connectionState"]),
        (&json!(MODEL), &json!("Connected"))
    );
    let telemetry = loop {
        let event = events.recv().await.unwrap();
        if event.kind == EventKind::Telemetry {
            break event;
        }
    };
    let system = |name: &str| {
        let property = telemetry.system.iter().find(|(key, _)| key == name);
        property.map(|(_, value)| value.as_str())
    };
    assert!(serde_json::from_slice::<Value>(&telemetry.body).unwrap()["temperature"].is_u64());
    assert_eq!(system("content-type"), Some("application/json"));
    assert_eq!(system("content-encoding"), Some("utf-8"));
    device.stop().await.unwrap();
    while events.recv().await.unwrap().kind != EventKind::Disconnected {}
    assert_eq!(
        place.emulator.hub().twin(DEVICE).unwrap()["connectionState"],
        json!("Disconnected")
    );
}

#[tokio::test]
async fn a_connection_string_is_as_good() {
    let place = Place::new().await;
    let mut device = place.run_by_connection_string(THERMOSTAT, &[]);
    assert!(device.delivered().await["temperature"].is_u64());
    device.stop().await.unwrap();
}

#[tokio::test]
async fn a_device_of_a_group_comes_with_a_derived_key() {
    let place = Place::new().await;
    let [group_key, _] = place.identity.group_keys();
    let key = group_key.derive("thermostat-17");
    let mut device = place.run_as(THERMOSTAT, &[], "thermostat-17", &key);
    device.delivered().await;
    assert_eq!(
        place.emulator.hub().twin("thermostat-17").unwrap()["modelId"],
        json!(MODEL)
    );
    device.stop().await.unwrap();
}

#[tokio::test]
async fn desired_values_are_acknowledged_each_in_its_way() {
    let place = Place::new().await;
    let mut device = place.run(THERMOSTAT, &[]);
    device.listening().await;
    let reported = place
        .reported(DEVICE, |reported| reported["targetTemperature"]["av"] == json!(0))
        .await;
    assert_eq!(reported["targetTemperature"]["ac"], json!(203));
    let patch = json!({ "targetTemperature": 42.5, "unknown": { "a": { "b": null, "c": 1 } } });
    let patch = json!({ "properties": { "desired": patch } });
    place.emulator.hub().patch_twin(DEVICE, &document(patch), None).unwrap();
    let reported = place.reported(DEVICE, |reported| reported["unknown"].is_object()).await;
    assert_eq!(
        reported["targetTemperature"],
        json!({ "value": 42.5, "ac": 200, "av": 2, "ad": "Successfully executed patch" })
    );
    assert_eq!(
        (&reported["unknown"]["ac"], &reported["unknown"]["value"]),
        (&json!(404), &json!({ "a": { "c": 1 } }))
    );
    let patch = json!({ "properties": { "desired": { "targetTemperature": "warm" } } });
    place.emulator.hub().patch_twin(DEVICE, &document(patch), None).unwrap();
    let reported = place
        .reported(DEVICE, |reported| reported["targetTemperature"]["av"] == json!(3))
        .await;
    assert_eq!(
        (
            &reported["targetTemperature"]["ac"],
            &reported["targetTemperature"]["value"]
        ),
        (&json!(400), &json!(42.5))
    );
    device.stop().await.unwrap();
}

#[tokio::test]
async fn a_value_too_deep_to_be_echoed_takes_no_other_answer_with_it() {
    let place = Place::new().await;
    let mut device = place.run(THERMOSTAT, &[]);
    device.listening().await;
    // As deep as the hub takes desired values; inside an acknowledgement it would be one level too deep.
    let deep = (0..10).fold(json!(1), |inner, _| json!({ "a": inner }));
    let patch = json!({ "properties": { "desired": { "targetTemperature": 31, "deep": deep } } });
    place.emulator.hub().patch_twin(DEVICE, &document(patch), None).unwrap();
    let reported = place
        .reported(DEVICE, |reported| reported["targetTemperature"]["av"] == json!(2))
        .await;
    assert_eq!(
        (
            &reported["targetTemperature"]["value"],
            &reported["targetTemperature"]["ac"]
        ),
        (&json!(31), &json!(200))
    );
    assert_eq!(
        (&reported["deep"]["ac"], reported["deep"].get("value")),
        (&json!(404), None)
    );
    device.stop().await.unwrap();
}

#[tokio::test]
async fn a_value_set_before_the_device_came_is_applied_at_start() {
    let place = Place::new().await;
    let patch = json!({ "properties": { "desired": { "targetTemperature": 12 } } });
    place.emulator.hub().patch_twin(DEVICE, &document(patch), None).unwrap();
    let device = place.run(THERMOSTAT, &[]);
    let reported = place
        .reported(DEVICE, |reported| reported["targetTemperature"].is_object())
        .await;
    assert_eq!(
        (
            &reported["targetTemperature"]["value"],
            &reported["targetTemperature"]["av"]
        ),
        (&json!(12), &json!(2))
    );
    device.stop().await.unwrap();
}

#[tokio::test]
async fn the_report_is_an_object_with_five_members() {
    let place = Place::new().await;
    let mut device = place.run(THERMOSTAT, &[]);
    device.delivered().await;
    let (status, report) = call(&place, "getMaxMinReport", None).await.unwrap();
    assert_eq!(status, 200);
    let names: Vec<_> = report.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["avgTemp", "endTime", "maxTemp", "minTemp", "startTime"]);
    for time in ["startTime", "endTime"] {
        let time = report[time].as_str().unwrap();
        assert!(
            chrono::DateTime::parse_from_rfc3339(time).is_ok() && time.ends_with('Z'),
            "{time}"
        );
    }
    let (status, answer) = call(&place, "getMaxMinReport", Some(json!("2020-01-01T00:00:00+01:00")))
        .await
        .unwrap();
    assert_eq!((status, &answer["maxTemp"]), (200, &report["maxTemp"]));
    assert_eq!(call(&place, "getMaxMinReport", Some(json!(17))).await.unwrap().0, 400);
    assert_eq!(call(&place, "reboot", Some(json!({}))).await.unwrap().0, 404);
    assert_eq!(call(&place, "thermostat1*getMaxMinReport", None).await.unwrap().0, 404);
    device.stop().await.unwrap();
}

#[tokio::test]
async fn a_message_for_the_device_completes() {
    let place = Place::new().await;
    let mut device = place.run(THERMOSTAT, &[]);
    device.listening().await;
    // The thermostat has no use for messages; that they neither fail nor stop it is the point.
    let message = CloudMessage {
        body: b"hello".to_vec(),
        properties: PropertyBag::default(),
        expires: None,
    };
    place.emulator.hub().send_to_device(DEVICE, message).unwrap();
    assert_eq!(call(&place, "reboot", None).await.unwrap().0, 404);
    device.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_device_of_the_same_identity_throws_the_first_out() {
    let place = Place::new().await;
    let mut first = place.run(THERMOSTAT, &[]);
    first.listening().await;
    let mut second = place.run(THERMOSTAT, &[]);
    second.listening().await;
    let reason = first.lost().await;
    assert!(reason.contains(DEVICE), "{reason}");
    second.stop().await.unwrap();
    // Alone again, it comes back by itself.
    first.listening().await;
    first.stop().await.unwrap();
}

#[tokio::test]
async fn a_hub_that_goes_away_and_comes_back_misses_nothing() {
    let place = Place::new().await;
    let mut device = place.run(THERMOSTAT, &[("interval", "0.1")]);
    device.delivered().await;
    let (identity, port) = (place.identity.clone(), place.port());
    place.emulator.stop().await;
    device.lost().await;
    let place = Place::again(identity, port).await;
    let mut events = place.emulator.hub().subscribe();
    device.listening().await;
    // What was measured meanwhile comes first, and then what is measured now.
    for _ in 0..3 {
        device.delivered().await;
    }
    assert_eq!(events.recv().await.unwrap().kind, EventKind::Connected);
    device.stop().await.unwrap();
}

#[tokio::test]
async fn a_hub_that_has_forgotten_its_twins_is_still_listened_to() {
    let place = Place::new().await;
    let patch = |value: u64| document(json!({ "properties": { "desired": { "targetTemperature": value } } }));
    for value in 1..=5 {
        place.emulator.hub().patch_twin(DEVICE, &patch(value), None).unwrap();
    }
    let mut device = place.run(THERMOSTAT, &[]);
    device.listening().await;
    place
        .reported(DEVICE, |reported| reported["targetTemperature"]["av"] == json!(6))
        .await;
    let (identity, port) = (place.identity.clone(), place.port());
    place.emulator.stop().await;
    device.lost().await;
    // The twins of a new emulator begin at version 1.
    let place = Place::again(identity, port).await;
    device.listening().await;
    place.emulator.hub().patch_twin(DEVICE, &patch(30), None).unwrap();
    let reported = place
        .reported(DEVICE, |reported| reported["targetTemperature"]["value"] == json!(30))
        .await;
    assert_eq!(reported["targetTemperature"]["av"], json!(2));
    device.stop().await.unwrap();
}

/// How a device's first steps fail.
async fn failure(device: Running) -> SessionError {
    device.ended().await.expect_err("it must not come up")
}

#[tokio::test]
async fn a_wrong_key_is_refused_with_everything_the_service_said() {
    let place = Place::new().await;
    let device = place.run_as(THERMOSTAT, &[], DEVICE, &Key::from_bytes(vec![1; 32]));
    let SessionError::Provision(ProvisionError::Refused {
        status,
        error_code,
        message,
        tracking_id,
        ..
    }) = failure(device).await
    else {
        panic!("refused is what it should be");
    };
    assert_eq!((status, error_code), (401, 401_002));
    assert!(!message.is_empty() && !tracking_id.is_empty());
}

#[tokio::test]
async fn a_wrong_key_in_a_connection_string_is_refused_by_the_hub() {
    let place = Place::new().await;
    let connector = AzureConnector::new(place.access(&Key::from_bytes(vec![1; 32])));
    let [key, _] = place.identity.device_keys();
    let provisioner = place.provisioner(DEVICE, key);
    let device = Running::start(&plain(), THERMOSTAT, &[], Arc::new(provisioner), Arc::new(connector));
    let error = failure(device).await;
    assert!(
        matches!(error, SessionError::Connect(ConnectError::Refused { .. })),
        "{error:?}"
    );
}

async fn provisioning(provisioner: DpsProvisioner) -> ProvisionError {
    provisioner.provision(MODEL).await.expect_err("it must not be assigned")
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_named_as_such() {
    let place = Place::new().await;
    let [key, _] = place.identity.device_keys();
    let stranger = Trust::only(Identity::temporary().unwrap().ca_pem()).unwrap();
    let access = Access::with_key(key.clone(), &stranger);
    let scope = place.identity.id_scope();
    let error = provisioning(DpsProvisioner::new(place.endpoint(), scope, DEVICE, access)).await;
    assert!(
        matches!(error, ProvisionError::Connect(ConnectError::Certificate { .. })),
        "{error:?}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_certificate_for_another_name_is_named_as_such() {
    // All of 127/8 is this machine, and the certificate holds 127.0.0.1 alone.
    let place = Place::at([127, 0, 0, 2]).await;
    let [key, _] = place.identity.device_keys();
    let endpoint = Endpoint {
        host: "127.0.0.2".to_owned(),
        port: Some(place.port()),
    };
    let scope = place.identity.id_scope();
    let error = provisioning(DpsProvisioner::new(endpoint, scope, DEVICE, place.access(key))).await;
    assert!(
        matches!(error, ProvisionError::Connect(ConnectError::Certificate { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable() {
    let place = Place::new().await;
    let [key, _] = place.identity.device_keys();
    let provisioner = place.provisioner(DEVICE, key);
    let endpoint = place.endpoint().to_string();
    place.emulator.stop().await;
    let error = provisioning(provisioner).await;
    assert!(
        matches!(error, ProvisionError::Connect(ConnectError::Unreachable { .. })),
        "{error:?}"
    );
    assert!(error.to_string().contains(&endpoint), "{error}");
}
