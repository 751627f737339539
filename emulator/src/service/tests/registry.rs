//! Modules, bulk calls, statistics, and what a device has beside its keys.

use serde_json::{Value, json};

use super::api::Api;
use crate::state::{Delivery, Subscription};

#[tokio::test]
async fn a_module_is_made_read_changed_and_removed() {
    let api = Api::with_device();
    // As azure-iot-hub 2.7.0 creates a module whose keys the hub shall make.
    let wanted = json!({"deviceId": "d", "moduleId": "m", "managedBy": "someone",
        "authentication": {"type": "sas", "symmetricKey": {"primaryKey": "", "secondaryKey": ""}}});
    let made = api.json("PUT", "/devices/d/modules/m", wanted.clone()).await;
    assert_eq!(made.status, 201);
    assert_eq!(
        (&made.body["deviceId"], &made.body["moduleId"], &made.body["managedBy"]),
        (&json!("d"), &json!("m"), &json!("someone"))
    );
    assert!(made.body["authentication"]["symmetricKey"]["primaryKey"].is_string());
    api.json("PUT", "/devices/d/modules/m", wanted.clone())
        .await
        .is_refusal(409, "ModuleAlreadyExistsOnDevice");
    api.json("PUT", "/devices/none/modules/m", json!({}))
        .await
        .is_refusal(404, "DeviceNotFound");
    api.json("PUT", "/devices/d/modules/other", wanted)
        .await
        .is_refusal(400, "ArgumentInvalid");

    let etag = made.headers["etag"].to_str().unwrap();
    let change = json!({"managedBy": "another"}).to_string();
    let changed = api
        .send("PUT", "/devices/d/modules/m", &[("If-Match", etag)], change.clone())
        .await;
    assert_eq!(
        (changed.status.as_u16(), &changed.body["managedBy"]),
        (200, &json!("another"))
    );
    api.send("PUT", "/devices/d/modules/m", &[("If-Match", etag)], change)
        .await
        .is_refusal(412, "PreconditionFailed");
    let listed = api.get("/devices/d/modules").await.body;
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["moduleId"]),
        (1, &json!("m"))
    );
    assert_eq!(api.get("/devices").await.body.as_array().unwrap().len(), 1);
    api.send("DELETE", "/devices/d/modules/m", &[("If-Match", etag)], "")
        .await
        .is_refusal(412, "PreconditionFailed");
    assert_eq!(
        api.send("DELETE", "/devices/d/modules/m", &[("If-Match", "\"*\"")], "")
            .await
            .status,
        204
    );
    api.get("/devices/d/modules/m").await.is_refusal(404, "ModuleNotFound");
    api.get("/devices/none/modules").await.is_refusal(404, "DeviceNotFound");
}

#[tokio::test]
async fn a_module_has_a_twin_and_methods_of_its_own() {
    let api = Api::with_device();
    api.hub.create_module("d", "m", None).unwrap();
    let patch = json!({"tags": {"site": "a"}, "properties": {"desired": {"speed": 3}}});
    let patched = api.json("PATCH", "/twins/d/modules/m", patch).await;
    assert_eq!(
        (
            &patched.body["moduleId"],
            &patched.body["properties"]["desired"]["speed"]
        ),
        (&json!("m"), &json!(3))
    );
    let of_device = api.get("/twins/d").await.body;
    assert_eq!((&of_device["tags"], &of_device["moduleId"]), (&json!({}), &Value::Null));
    api.get("/twins/d/modules/none").await.is_refusal(404, "ModuleNotFound");

    let mut link = api.hub.connect("d/m", true, None).unwrap();
    link.subscribe(Subscription::Methods, Some(0));
    let module = async {
        let Delivery::Method { name, rid, .. } = link.next().await else {
            panic!("no method")
        };
        assert_eq!(name, "spin");
        link.respond(&rid, 200, b"1".to_vec());
    };
    let call = json!({"methodName": "spin"});
    let (answer, ()) = tokio::join!(api.json("POST", "/twins/d/modules/m/methods", call.clone()), module);
    assert_eq!(answer.body, json!({"status": 200, "payload": 1}));
    api.json("POST", "/twins/d/methods", call)
        .await
        .is_refusal(404, "DeviceNotOnline");
}

#[tokio::test]
async fn a_bulk_call_does_what_it_can_and_lists_the_rest() {
    let api = Api::with_device();
    let done = api
        .json(
            "POST",
            "/devices",
            json!([
                {"id": "a", "importMode": "create", "status": "disabled", "statusReason": "new", "tags": {"site": "x"},
                 "properties": {"desired": {"speed": 1}}},
                {"id": "b", "importMode": "create", "authentication": {"type": "sas",
                 "symmetricKey": {"primaryKey": "AAAA", "secondaryKey": "BBBB"}}},
                {"id": "b", "moduleId": "m", "importMode": "create"},
                {"id": "c"},
            ]),
        )
        .await;
    assert_eq!(
        (done.status.as_u16(), &done.body),
        (200, &json!({"isSuccessful": true, "errors": [], "warnings": []}))
    );
    let twin = api.hub.twin("a").unwrap();
    assert_eq!(
        (
            &twin["status"],
            &twin["statusReason"],
            &twin["tags"],
            &twin["properties"]["desired"]["speed"]
        ),
        (&json!("disabled"), &json!("new"), &json!({"site": "x"}), &json!(1))
    );
    assert_eq!(api.hub.modules("b").unwrap().len(), 1);

    let partly = api
        .json(
            "POST",
            "/devices",
            json!([
                {"id": "a", "importMode": "create"},
                {"id": "a", "importMode": "updateIfMatchETag", "eTag": "old", "status": "enabled"},
                {"id": "c", "importMode": "updateTwin", "tags": {"site": "y"}},
                {"id": "none", "importMode": "delete"},
                {"id": "b", "moduleId": "none", "importMode": "delete"},
                {"id": "b", "importMode": "delete"},
            ]),
        )
        .await;
    assert_eq!(partly.status, 400);
    assert_eq!(partly.body["isSuccessful"], false);
    let errors: Vec<_> = partly.body["errors"].as_array().unwrap().iter().collect();
    let codes: Vec<_> = errors
        .iter()
        .map(|error| (&error["deviceId"], &error["errorCode"]))
        .collect();
    let expected = [
        ("a", "DeviceAlreadyExists"),
        ("a", "PreconditionFailed"),
        ("none", "DeviceNotFound"),
        ("b", "ModuleNotFound"),
    ]
    .map(|(id, code)| (json!(id), json!(code)));
    assert_eq!(codes, expected.each_ref().map(|(id, code)| (id, code)));
    assert_eq!(errors[3]["moduleId"], "none");
    assert_eq!(api.hub.twin("c").unwrap()["tags"]["site"], "y");
    assert!(api.hub.device("b").is_err());

    let many: Vec<_> = (0..101).map(|n| json!({"id": format!("m{n}")})).collect();
    api.json("POST", "/devices", json!(many))
        .await
        .is_refusal(413, "TooManyDevices");
    api.json("POST", "/devices", json!([{"id": "x", "importMode": "burn"}]))
        .await
        .is_refusal(400, "ArgumentInvalid");
}

#[tokio::test]
async fn devices_are_counted() {
    let api = Api::with_device();
    api.hub.create_device("e", None).unwrap();
    api.hub.create_module("e", "m", None).unwrap();
    api.hub.update_device("e", None, Some(false)).unwrap();
    let _link = api.hub.connect("d", true, None).unwrap();
    assert_eq!(
        api.get("/statistics/devices").await.body,
        json!({"totalDeviceCount": 2, "enabledDeviceCount": 1, "disabledDeviceCount": 1})
    );
    assert_eq!(
        api.get("/statistics/service").await.body,
        json!({"connectedDeviceCount": 1})
    );
    assert_eq!(api.get("/configurations").await.body, json!([]));
}

#[tokio::test]
async fn a_device_has_a_reason_a_scope_and_an_authority() {
    let api = Api::new();
    let edge = api
        .json("PUT", "/devices/edge", json!({"capabilities": {"iotEdge": true}}))
        .await
        .body;
    let scope = edge["deviceScope"].as_str().unwrap();
    let leaf = json!({
        "status": "disabled", "statusReason": "in repair", "deviceScope": scope,
        "authentication": {"type": "certificateAuthority"},
    });
    let leaf = api.json("PUT", "/devices/leaf", leaf).await.body;
    assert_eq!(
        (&leaf["statusReason"], &leaf["deviceScope"], &leaf["parentScopes"]),
        (&json!("in repair"), &json!(scope), &json!([scope]))
    );
    assert_eq!(leaf["authentication"]["type"], "certificateAuthority");
    assert_eq!(leaf["authentication"]["symmetricKey"]["primaryKey"], Value::Null);
    assert_eq!(edge["capabilities"]["iotEdge"], true);
    assert_ne!(leaf["statusUpdatedTime"], "0001-01-01T00:00:00Z");
}
