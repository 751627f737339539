//! The page's side of the emulator, asked without a socket.

use std::path::PathBuf;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use setpoint_dtdl::Repository;
use setpoint_protocol::DeviceConnectionString;
use tokio::sync::watch;
use tower::ServiceExt;

use super::*;
use crate::state::{Delivery, Link, Subscription};

/// The page of a hub, and the cookie for it.
struct Place {
    hub: Arc<Hub>,
    history: Arc<History>,
    router: Router,
    key: String,
    cookie: String,
    _open: watch::Sender<()>,
}

impl Place {
    fn new() -> Place {
        let hub = Hub::new();
        let identity = Arc::new(Identity::temporary().unwrap());
        let access = Arc::new(Access::new(&identity, 8444));
        let history = Arc::new(History::default());
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models");
        let address = "127.0.0.1:8444".parse().unwrap();
        let link = access.link(address);
        let key = link.split_once("#access=").unwrap().1.to_owned();
        let cookie = access.admit(&key).unwrap().split(';').next().unwrap().to_owned();
        let shared = Shared {
            hub: Arc::clone(&hub),
            history: Arc::clone(&history),
            identity,
            access,
            models: Arc::new(move |id| Model::read(id, &Repository::new(&folder))),
            keeping: Keeping::default(),
            mqtt: "127.0.0.1:18883".parse().unwrap(),
        };
        let (open, closing) = watch::channel(());
        let router = server::router(shared, Files::new(None), closing);
        Place {
            hub,
            history,
            router,
            key,
            cookie,
            _open: open,
        }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, axum::http::HeaderMap, String) {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, headers, String::from_utf8(body.to_vec()).unwrap())
    }

    /// A call as the page makes it.
    async fn call(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1:8444")
            .header("origin", "http://127.0.0.1:8444")
            .header("cookie", &self.cookie)
            .header("content-type", "application/json")
            .body(if body.is_null() {
                Body::empty()
            } else {
                Body::from(body.to_string())
            });
        let (status, _, text) = self.send(request.unwrap()).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    fn thermostat(&self) -> Link {
        self.hub.create_device("d", None).unwrap();
        self.hub
            .connect("d", true, Some("dtmi:com:example:Thermostat;1"))
            .unwrap()
    }
}

fn plain(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = Request::builder().uri(path).header("host", "localhost:8444");
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn nothing_is_told_without_the_cookie() {
    let place = Place::new();
    place.hub.create_device("secret", None).unwrap();
    for path in [
        "/api/about",
        "/api/device?id=secret",
        "/api/device/event?id=secret&n=0",
        "/api/device/telemetry.csv?id=secret",
        "/api/model/dtmi:com:example:Thermostat;1",
        "/api/live",
    ] {
        for headers in [
            &[][..],
            &[("cookie", "setpoint-page-8444=x")],
            &[("authorization", "Bearer x")],
        ] {
            let (status, _, text) = place.send(plain(path, headers)).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}: {text}");
        }
    }
    for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::POST] {
        for path in [
            "/api/device?id=secret",
            "/api/device/connection-string?id=secret",
            "/api/device/method?id=secret",
        ] {
            let request = Request::builder().method(&method).uri(path).header("host", "localhost");
            let (status, _, _) = place.send(request.body(Body::empty()).unwrap()).await;
            assert!(
                [StatusCode::UNAUTHORIZED, StatusCode::METHOD_NOT_ALLOWED].contains(&status),
                "{method} {path}: {status}"
            );
        }
    }
    assert_eq!(place.hub.devices().len(), 1);
}

#[tokio::test]
async fn the_links_key_is_traded_for_a_cookie() {
    let place = Place::new();
    let (status, _) = place
        .call(Method::POST, "/api/session", json!({"access": "wrong"}))
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let body = Body::from(json!({"access": place.key}).to_string());
    let request = Request::builder()
        .method(Method::POST)
        .uri("/api/session")
        .header("host", "localhost:8444");
    let request = request.header("content-type", "application/json").body(body).unwrap();
    let (status, headers, _) = place.send(request).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(headers["set-cookie"].to_str().unwrap().starts_with(&place.cookie));
}

#[tokio::test]
async fn another_name_or_origin_gets_nothing_even_with_the_cookie() {
    let place = Place::new();
    let cookie = place.cookie.as_str();
    let rebound = Request::builder()
        .uri("/api/about")
        .header("host", "evil.example:8444")
        .header("cookie", cookie);
    let (status, _, _) = place.send(rebound.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    for header in [
        ("origin", "http://localhost:3000"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let (status, _, _) = place.send(plain("/api/about", &[("cookie", cookie), header])).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{header:?}");
    }
    let (status, headers, _) = place.send(plain("/api/about", &[("cookie", cookie)])).await;
    assert_eq!(status, StatusCode::OK);
    assert!(headers.get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn every_answer_forbids_what_is_not_the_pages_own() {
    let place = Place::new();
    for path in ["/", "/api/about", "/nothing"] {
        let (_, headers, _) = place.send(plain(path, &[])).await;
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["x-frame-options"], "DENY");
    }
}

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
async fn a_form_of_another_page_is_not_read() {
    let place = Place::new();
    place.hub.create_device("d", None).unwrap();
    let request = Request::builder()
        .method(Method::POST)
        .uri("/api/device/message?id=d")
        .header("host", "localhost:8444");
    let request = request
        .header("cookie", &place.cookie)
        .header("content-type", "text/plain");
    let (status, _, _) = place.send(request.body(Body::from(r#"{"body": "x"}"#)).unwrap()).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
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
