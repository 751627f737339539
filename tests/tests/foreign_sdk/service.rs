//! The service SDK: every call of its managers that the emulator serves.

use serde_json::json;
use setpoint_emulator::state::CloudMessage;

use super::Place;

const SCRIPT: &str = "service.py";

#[tokio::test(flavor = "multi_thread")]
async fn the_service_sdk_keeps_devices_of_every_kind() {
    let place = Place::new().await;
    let seen = place.run_script(SCRIPT, "identities", &place.device()).await;
    assert_eq!(
        seen,
        json!({
            "reason": "new",
            "types": ["sas", "selfSigned", "certificateAuthority"],
            "swapped": true,
            "disabled": ["disabled", "lost"],
            "scopes": true,
            "counted": [6, 4, 2],
            "connected": 0,
            "listed": ["ca", "edge", "leaf", "my-pnp-device", "sas", "x509"],
            "twice": [409, "DeviceAlreadyExists"],
            "stale": [412, "PreconditionFailed"],
            "stale_delete": [412, "PreconditionFailed"],
            "unknown": [404, "DeviceNotFound"],
            "gone": [404, "DeviceNotFound"],
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_module_lives_its_whole_day() {
    let place = Place::new().await;
    let seen = place.run_script(SCRIPT, "modules", &place.device()).await;
    assert_eq!(
        seen,
        json!({
            "managed_by": ["someone", "another"],
            "listed": ["ca", "m", "x"],
            "reported": 3,
            "tags": {"site": "north"},
            "patches": [{"speed": 4, "$version": 2}, {"speed": null, "level": 1, "$version": 3}],
            "replaced": ["level"],
            "response": [201, {"asked": "fast"}],
            "found": [[true, "m"]],
            "connected": "Connected",
            "twice": [409, "ModuleAlreadyExistsOnDevice"],
            "stale": [412, "PreconditionFailed"],
            "of_nobody": [404, "DeviceNotFound"],
            "gone": [404, "ModuleNotFound"],
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_sdk_makes_many_devices_at_once() {
    let place = Place::new().await;
    let seen = place.run_script(SCRIPT, "bulk", &place.device()).await;
    assert_eq!(
        seen,
        json!({
            "made": [true, []],
            "partly": [false, [["a", "DeviceAlreadyExists"], ["none", "DeviceNotFound"]]],
            "key": "AAAA",
            "tags": {"site": "north"},
            "status": "enabled",
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_sdk_asks_about_twins() {
    let place = Place::new().await;
    let seen = place.run_script(SCRIPT, "queries", &place.device()).await;
    assert_eq!(
        seen,
        json!({
            "type": "Twin",
            "pages": [["d2"], ["d4"]],
            "counted_type": "Raw",
            "items": 1,
            "wrong": [400, "ArgumentInvalid"],
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_sdk_works_on_twins_and_calls_commands() {
    let place = Place::new().await;
    let seen = place.run_script(SCRIPT, "twins", &place.device()).await;
    assert_eq!(
        seen,
        json!({
            "tags": {"site": "x"},
            "properties": [["a", "b"], ["b"], ["c"]],
            "updated": true,
            "stale": [412, "PreconditionFailed"],
            "component": {"__t": "c", "targetTemperature": 42.5},
            "digital": [true, "dtmi:com:example:TemperatureController;2", "abc",
                ["$metadata", "maxTempSinceLastReboot"], 42.5],
            "commands": [
                {"name": "reboot", "payload": 5},
                {"name": "thermostat1*getMaxMinReport", "payload": "since"},
            ],
            "offline": [404, "DeviceNotOnline"],
            "hurried": [400, "ArgumentInvalid"],
            "bad_patch": [400, "ArgumentInvalid"],
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_sdk_reads_feedback() {
    let place = Place::new().await;
    let device = place.device();
    for id in ["first", "second"] {
        let message = CloudMessage {
            body: b"hello".to_vec(),
            properties: [("$.mid", id), ("iothub-ack", "full")].into_iter().collect(),
            expires: None,
        };
        place.emulator.hub().send_to_device(&device.device_id, message).unwrap();
    }
    let seen = place.run_script(SCRIPT, "feedback", &device).await;
    assert_eq!(
        seen,
        json!({
            "purged": 2,
            "records": [["first", "Purged"], ["second", "Purged"]],
            "twice": [412, "DeviceMessageLockLost"],
            "then": 204,
        })
    );
}
