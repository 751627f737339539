//! Faults asked for over HTTPS.

use serde_json::json;

use super::api::Api;
use crate::state::TwinRequest;

#[tokio::test]
async fn a_fault_is_put_in_place_counted_and_taken_away() {
    let api = Api::with_device();
    let asked = json!({"id": "d", "hub": {"kind": "refuseConnect", "code": 3}, "times": 2, "after": 1});
    let added = api.json("POST", "/setpoint/faults", asked).await;
    assert_eq!(added.status, 201);
    assert_eq!((&added.body["id"], &added.body["struck"]), (&json!(1), &json!(0)));
    let faults = api.hub.faults();
    assert_eq!(faults.on_connect("d"), None, "one passes first");
    assert_eq!(faults.on_connect("e"), None, "it is about another");
    assert_eq!(faults.on_connect("d"), Some(3));
    assert_eq!(api.get("/setpoint/faults/1").await.body["struck"], 1);
    assert_eq!(api.get("/setpoint/faults").await.body.as_array().unwrap().len(), 1);
    assert_eq!(api.send("DELETE", "/setpoint/faults/1", &[], "").await.status, 204);
    assert_eq!(faults.on_connect("d"), None);
    api.get("/setpoint/faults/1").await.is_refusal(404, "ResourceNotFound");
}

#[tokio::test]
async fn every_kind_is_understood() {
    let api = Api::with_device();
    for hub in [
        json!({"kind": "refuseConnect", "code": 5}),
        json!({"kind": "muteConnection"}),
        json!({"kind": "ignorePing"}),
        json!({"kind": "delayPuback", "milliseconds": 20}),
        json!({"kind": "withholdPuback"}),
        json!({"kind": "duplicatePuback"}),
        json!({"kind": "duplicateMessage"}),
        json!({"kind": "refuseTwin", "of": "any", "status": 429, "retryAfter": 5}),
        json!({"kind": "refuseTwin", "of": "read", "status": 500}),
        json!({"kind": "delayTwin", "of": "report", "milliseconds": 20}),
        json!({"kind": "ignoreTwin", "of": "read"}),
        json!({"kind": "dropDesired"}),
        json!({"kind": "closeOn", "publish": "telemetry", "stored": true}),
        json!({"kind": "closeOn", "publish": "report", "stored": false}),
    ] {
        let added = api.json("POST", "/setpoint/faults", json!({"hub": hub})).await;
        assert_eq!(added.status, 201, "{}", added.body);
    }
    for dps in [
        json!({"kind": "refuseConnect", "code": 3}),
        json!({"kind": "refuse", "errorCode": 429_001, "retryAfter": 3}),
        json!({"kind": "stayAssigning"}),
        json!({"kind": "fail", "errorCode": 400_004, "message": "no"}),
        json!({"kind": "disable", "errorCode": 400_004, "message": "no"}),
        json!({"kind": "ignore"}),
        json!({"kind": "close"}),
    ] {
        let added = api.json("POST", "/setpoint/faults", json!({"dps": dps})).await;
        assert_eq!(added.status, 201, "{}", added.body);
    }
    assert!(api.hub.faults().on_twin("d", TwinRequest::Read).is_some());
    assert_eq!(api.send("DELETE", "/setpoint/faults", &[], "").await.status, 204);
    assert!(api.hub.faults().is_empty());
    assert_eq!(api.get("/setpoint/faults").await.body, json!([]));
}

#[tokio::test]
async fn what_is_no_fault_is_refused() {
    let api = Api::with_device();
    for asked in [
        json!({}),
        json!({"hub": {"kind": "unheard"}}),
        json!({"hub": {"kind": "refuseConnect"}}),
        json!({"hub": {"kind": "refuseConnect", "code": "three"}}),
        json!({"hub": {"kind": "ignorePing", "code": 3}}),
        json!({"dps": {"kind": "ignorePing"}}),
    ] {
        api.json("POST", "/setpoint/faults", asked)
            .await
            .is_refusal(400, "ArgumentInvalid");
    }
    assert!(api.hub.faults().is_empty());
}

#[tokio::test]
async fn what_is_done_at_once_is_done_to_the_device() {
    let api = Api::with_device();
    let post = async |path: &str, body| api.json("POST", &format!("/setpoint/devices/{path}"), body).await;
    assert_eq!(post("d/kick", json!(null)).await.body, json!({"connected": false}));
    let link = api.hub.connect("d", false, None).unwrap();
    assert_eq!(post("d/mute", json!(null)).await.body, json!({"connected": true}));
    assert!(link.is_mute());
    let desired = json!({"patch": {"a": 1}, "version": 7});
    assert_eq!(post("d/desired", desired).await.body, json!({"delivered": false}));
    assert_eq!(post("d/kick", json!(null)).await.body, json!({"connected": true}));
    drop(link);
    assert_eq!(post("d/forget-session", json!({"disconnect": true})).await.status, 204);
    assert!(!api.hub.connect("d", false, None).unwrap().session_present());
    post("nobody/kick", json!(null)).await.is_refusal(404, "DeviceNotFound");
}

#[tokio::test]
async fn nobody_asks_for_faults_without_a_token() {
    let api = Api::with_device();
    for (method, path) in [("POST", "/setpoint/faults"), ("POST", "/setpoint/devices/d/kick")] {
        let request = axum::http::Request::builder()
            .method(method)
            .uri(path)
            .body("{}".into())
            .unwrap();
        api.answer(request).await.is_refusal(401, "IotHubUnauthorizedAccess");
    }
}
