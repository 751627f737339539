mod api;
mod events;
mod faults;
mod messages;
mod queries;
mod registry;
mod throttling;

use axum::body::{Body, Bytes};
use axum::http::Request;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use setpoint_protocol::{Key, PropertyBag, Token};
use tower::ServiceExt;

use super::*;
use crate::state::{Delivery, Subscription};
use api::Api;

#[tokio::test]
async fn every_call_needs_the_service_key() {
    let api = Api::with_device();
    let policy = Some(api.identity.service_policy());
    let other = Token::sign("localhost", &Key::from_bytes(vec![7; 32]), u64::MAX, policy).to_string();
    for path in ["/devices/d", "/devices", "/twins/d", "/setpoint/events", "/nowhere"] {
        for token in [None, Some("Basic x"), Some(other.as_str())] {
            let mut request = Request::get(path);
            if let Some(token) = token {
                request = request.header("Authorization", token);
            }
            let answer = api.answer(request.body(Body::empty()).unwrap()).await;
            assert_eq!(
                answer.is_refusal(401, "IotHubUnauthorizedAccess"),
                "ErrorCode:IotHubUnauthorizedAccess;Unauthorized"
            );
        }
    }
    assert_eq!(api.get("/devices/d").await.status, 200);
}

#[tokio::test]
async fn a_device_is_made_read_changed_and_removed() {
    let api = Api::new();
    // As azure-iot-hub 2.7.0 creates a device whose keys the hub shall make.
    let wanted = json!({"deviceId": "d", "status": "enabled", "authentication": {"type": "sas", "symmetricKey": {"primaryKey": "", "secondaryKey": ""}}});
    let made = api.json("PUT", "/devices/d", wanted.clone()).await;
    assert_eq!(made.status, 200);
    let key = made.body["authentication"]["symmetricKey"]["primaryKey"]
        .as_str()
        .unwrap();
    assert_eq!(
        Key::from_base64(key).unwrap(),
        api.hub.device("d").unwrap().credentials.keys().unwrap()[0]
    );
    api.json("PUT", "/devices/d", wanted)
        .await
        .is_refusal(409, "DeviceAlreadyExists");

    let etag = made.headers["etag"].to_str().unwrap();
    let disabled = json!({"deviceId": "d", "status": "disabled"}).to_string();
    let changed = api
        .send("PUT", "/devices/d", &[("If-Match", etag)], disabled.clone())
        .await;
    assert_eq!(
        (changed.status.as_u16(), &changed.body["status"]),
        (200, &json!("disabled"))
    );
    api.send("PUT", "/devices/d", &[("If-Match", etag)], disabled)
        .await
        .is_refusal(412, "PreconditionFailed");
    api.send("DELETE", "/devices/d", &[("If-Match", etag)], "")
        .await
        .is_refusal(412, "PreconditionFailed");

    assert_eq!(api.get("/devices").await.body[0]["deviceId"], "d");
    assert_eq!(
        api.send("DELETE", "/devices/d", &[("If-Match", "\"*\"")], "")
            .await
            .status,
        204
    );
    api.get("/devices/d").await.is_refusal(404, "DeviceNotFound");
}

#[tokio::test]
async fn a_device_brings_its_own_keys_or_none() {
    let api = Api::new();
    let put = |keys: Value| {
        let body = json!({"authentication": {"type": "sas", "symmetricKey": keys}});
        api.json("PUT", "/devices/d", body)
    };
    put(json!({"primaryKey": "AAAA", "secondaryKey": ""}))
        .await
        .is_refusal(400, "ArgumentInvalid");
    let refused = put(json!({"primaryKey": "c2VjcmV0!", "secondaryKey": "AAAA"})).await;
    assert!(!refused.is_refusal(400, "ArgumentInvalid").contains("c2VjcmV0"));
    let made = put(json!({"primaryKey": "AAAA", "secondaryKey": "BBBB"})).await;
    assert_eq!(
        made.body["authentication"]["symmetricKey"],
        json!({"primaryKey": "AAAA", "secondaryKey": "BBBB"})
    );
    let x509 = json!({"authentication": {"type": "selfSigned"}});
    api.json("PUT", "/devices/e", x509)
        .await
        .is_refusal(400, "ArgumentInvalid");
    api.json("PUT", "/devices/e", json!({"deviceId": "f"}))
        .await
        .is_refusal(400, "ArgumentInvalid");
}

#[tokio::test]
async fn a_device_has_thumbprints_instead_of_keys() {
    let api = Api::new();
    let (first, second) = ("0A".repeat(32), "0B".repeat(32));
    let put = |thumbprints: Value| {
        let body = json!({"authentication": {"type": "selfSigned", "x509Thumbprint": thumbprints}});
        api.json("PUT", "/devices/d", body)
    };
    put(json!({"primaryThumbprint": "0A", "secondaryThumbprint": second}))
        .await
        .is_refusal(400, "ArgumentInvalid");
    put(json!({"primaryThumbprint": null, "secondaryThumbprint": second}))
        .await
        .is_refusal(400, "ArgumentInvalid");
    let made = put(json!({"primaryThumbprint": first.to_lowercase(), "secondaryThumbprint": second})).await;
    assert_eq!(made.status, 200);
    let shown = api.get("/devices/d").await.body["authentication"].clone();
    let thumbprints = json!({"primaryThumbprint": first, "secondaryThumbprint": second});
    let expected = json!({
        "type": "selfSigned",
        "symmetricKey": {"primaryKey": null, "secondaryKey": null},
        "x509Thumbprint": thumbprints,
    });
    assert_eq!((&made.body["authentication"], &shown), (&expected, &expected));
    let twin = api.get("/twins/d").await.body;
    assert_eq!(
        (&twin["authenticationType"], &twin["x509Thumbprint"]),
        (&json!("selfSigned"), &thumbprints)
    );

    // Keys in their place are made, as for a new device.
    let update = |body: Value| api.send("PUT", "/devices/d", &[("If-Match", "*")], body.to_string());
    let same = update(json!({"status": "enabled"})).await;
    assert_eq!(same.body["authentication"], expected);
    let with_keys = update(json!({"authentication": {"type": "sas"}})).await.body["authentication"].clone();
    assert_eq!(with_keys["type"], "sas");
    assert!(with_keys["symmetricKey"]["secondaryKey"].is_string());
    assert_eq!(with_keys["x509Thumbprint"]["primaryThumbprint"], Value::Null);
    let kept = update(json!({"authentication": {"type": "sas"}})).await;
    assert_eq!(kept.body["authentication"], with_keys, "keys that are there stay");
}

#[tokio::test]
async fn a_twin_is_patched_against_its_etag() {
    let api = Api::with_device();
    let read = api.get("/twins/d").await;
    let etag = read.headers["etag"].to_str().unwrap();
    let patch = json!({"properties": {"desired": {"targetTemperature": 42.5}}}).to_string();
    let patched = api
        .send("PATCH", "/twins/d", &[("If-Match", etag)], patch.clone())
        .await;
    assert_eq!(patched.status, 200);
    assert_eq!(patched.body["properties"]["desired"]["targetTemperature"], 42.5);
    assert_ne!(patched.headers["etag"], etag);
    api.send("PATCH", "/twins/d", &[("If-Match", etag)], patch.clone())
        .await
        .is_refusal(412, "PreconditionFailed");
    assert_eq!(
        api.send("PATCH", "/twins/d", &[("If-Match", "\"*\"")], patch)
            .await
            .status,
        200
    );
    let replaced = api
        .json("PUT", "/twins/d", json!({"properties": {"desired": {"other": 1}}}))
        .await;
    assert_eq!(replaced.body["properties"]["desired"]["targetTemperature"], Value::Null);
    assert_eq!(replaced.body["properties"]["desired"]["other"], 1);
    api.json("PATCH", "/twins/d", json!([]))
        .await
        .is_refusal(400, "ArgumentInvalid");
    api.json("PATCH", "/twins/none", json!({}))
        .await
        .is_refusal(404, "DeviceNotFound");
}

#[tokio::test]
async fn a_method_is_carried_to_the_device_and_its_answer_back() {
    let api = Api::with_device();
    let mut link = api.hub.connect("d", true, None).unwrap();
    link.subscribe(Subscription::Methods, Some(0));
    let device = async {
        for (name, sent, status) in [
            ("plain", "{\"a\":1}", 200),
            ("thermostat1*getMaxMinReport", "\"since\"", 404),
        ] {
            let Delivery::Method {
                name: called,
                rid,
                payload,
            } = link.next().await
            else {
                panic!("no method")
            };
            assert_eq!((called.as_str(), &*payload), (name, sent.as_bytes()));
            link.respond(&rid, status, b"[1]".to_vec());
        }
    };
    let operator = async {
        let call = json!({"methodName": "plain", "payload": {"a": 1}, "responseTimeoutInSeconds": 5});
        let answer = api.json("POST", "/twins/d/methods", call).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body),
            (200, json!({"status": 200, "payload": [1]}))
        );
        let path = "/digitaltwins/d/components/thermostat1/commands/getMaxMinReport?responseTimeoutInSeconds=5";
        let answer = api.json("POST", path, json!("since")).await;
        assert_eq!((answer.status.as_u16(), answer.body), (200, json!([1])));
        assert_eq!(answer.headers["x-ms-command-statuscode"], "404");
    };
    tokio::join!(device, operator);
}

#[tokio::test]
async fn a_method_of_a_device_that_is_not_there_is_refused() {
    let api = Api::with_device();
    let call = json!({"methodName": "m"});
    api.json("POST", "/twins/d/methods", call.clone())
        .await
        .is_refusal(404, "DeviceNotOnline");
    api.json("POST", "/twins/none/methods", call)
        .await
        .is_refusal(404, "DeviceNotFound");
    let hurried = json!({"methodName": "m", "responseTimeoutInSeconds": 4});
    let reason = api.json("POST", "/twins/d/methods", hurried).await;
    assert!(reason.is_refusal(400, "ArgumentInvalid").contains("from 5 to 300"));
    api.send("POST", "/twins/d/methods", &[], "{")
        .await
        .is_refusal(400, "ArgumentInvalid");
    api.json("POST", "/twins/d/methods", json!({"payload": 1}))
        .await
        .is_refusal(400, "ArgumentInvalid");
}

#[tokio::test]
async fn a_body_over_the_limit_is_not_read() {
    let api = Api::with_device();
    let large = json!({"methodName": "m", "payload": "x".repeat(BODY_LIMIT)});
    api.json("POST", "/twins/d/methods", large)
        .await
        .is_refusal(413, "MessageTooLarge");
    // Within what is read, and still more than a method may carry.
    let payload = json!({"methodName": "m", "payload": "x".repeat(METHOD_LIMIT)});
    api.json("POST", "/twins/d/methods", payload)
        .await
        .is_refusal(413, "MessageTooLarge");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let api = Api::with_device();
    let endless = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let refused = api.send("PATCH", "/twins/d", &[], endless).await;
    assert!(refused.is_refusal(400, "ArgumentInvalid").contains("within 30 s"));
}

#[tokio::test]
async fn a_digital_twin_shows_model_and_properties() {
    let api = Api::with_device();
    let link = api
        .hub
        .connect("d", true, Some("dtmi:com:example:Thermostat;1"))
        .unwrap();
    link.report(json!({"maxTempSinceLastReboot": 10.96}).as_object().unwrap())
        .unwrap();
    let shown = api.get("/digitaltwins/d").await.body;
    assert_eq!(
        (&shown["$dtId"], &shown["maxTempSinceLastReboot"]),
        (&json!("d"), &json!(10.96))
    );
    assert_eq!(shown["$metadata"]["$model"], "dtmi:com:example:Thermostat;1");
    assert!(shown["$metadata"]["maxTempSinceLastReboot"]["lastUpdateTime"].is_string());
}

#[tokio::test]
async fn a_digital_twin_is_patched_against_its_etag() {
    let api = Api::with_device();
    let read = api.get("/digitaltwins/d").await;
    let etag = read.headers["etag"].to_str().unwrap();
    let patch = json!([{"op": "add", "path": "/targetTemperature", "value": 42}]).to_string();
    let patched = api
        .send("PATCH", "/digitaltwins/d", &[("If-Match", etag)], patch.clone())
        .await;
    assert_eq!((patched.status.as_u16(), &patched.body), (202, &Value::Null));
    let twin = api.hub.twin("d").unwrap();
    assert_eq!(twin["properties"]["desired"]["targetTemperature"], 42);
    api.send("PATCH", "/digitaltwins/d", &[("If-Match", etag)], patch)
        .await
        .is_refusal(412, "PreconditionFailed");
    let unknown = json!([{"op": "replace", "path": "/nothing/there", "value": 1}]);
    api.json("PATCH", "/digitaltwins/d", unknown)
        .await
        .is_refusal(400, "ArgumentInvalid");
    api.json("PATCH", "/digitaltwins/d", json!([{"op": "move", "path": "/a"}]))
        .await
        .is_refusal(400, "ArgumentInvalid");
}

#[tokio::test]
async fn every_answer_has_an_id_and_every_call_a_version() {
    let api = Api::with_device();
    let answered = api.get("/devices/d").await;
    assert_eq!(answered.headers["x-ms-request-id"].len(), 32);
    let refused = api.get("/devices/e").await;
    let id = refused.headers["x-ms-request-id"].to_str().unwrap();
    assert!(refused.body["ExceptionMessage"].as_str().unwrap().contains(id));
    for path in ["/devices/d", "/twins/d?api-version=latest"] {
        let request = Request::get(path).header("Authorization", api.token());
        let answer = api.answer(request.body(Body::empty()).unwrap()).await;
        answer.is_refusal(400, "InvalidProtocolVersion");
    }
}

#[tokio::test]
async fn what_the_emulator_does_not_serve_it_says() {
    let api = Api::with_device();
    let refused = api.get("/jobs/v2").await;
    assert!(refused.is_refusal(404, "ResourceNotFound").contains("GET /jobs/v2"));
    api.send("PATCH", "/devices/d", &[], "")
        .await
        .is_refusal(404, "ResourceNotFound");
}
