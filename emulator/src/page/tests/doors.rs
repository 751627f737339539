//! Who is let in, and who is not.

use super::*;

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
        "/api/hub/127.0.0.2/about",
        "/api/hub/127.0.0.2/device?id=secret",
        "/api/hub/nowhere/about",
        "/api/hub/127.0.0.2/live",
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
