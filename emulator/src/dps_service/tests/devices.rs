//! The device API.

use super::*;

#[tokio::test]
async fn a_device_registers_with_a_key_and_asks_how_far_that_is() {
    let api = Api::new();
    let key = api.enroll("dev-1").await;
    let registered = api.ask("PUT", "dev-1/register", "dev-1", Proof::Key(&key)).await;
    assert_eq!(
        (registered.status.as_u16(), &registered.body["status"]),
        (202, &json!("assigning"))
    );
    let scope = api.dps.identity.id_scope();
    let location = format!("https://localhost:8443/{scope}/registrations/dev-1/register");
    assert_eq!(registered.headers["location"], location.as_str());
    assert_eq!(registered.headers["retry-after"], "0");
    let operation = registered.body["operationId"].as_str().unwrap();
    let polled = api
        .ask(
            "GET",
            &format!("dev-1/operations/{operation}"),
            "dev-1",
            Proof::Key(&key),
        )
        .await;
    assert_eq!(
        (polled.status.as_u16(), &polled.body["status"]),
        (200, &json!("assigned"))
    );
    let state = &polled.body["registrationState"];
    assert_eq!(
        (&state["assignedHub"], &state["payload"]),
        (&json!("localhost"), &json!({"a": 1}))
    );
    let looked_up = api.ask("POST", "dev-1", "dev-1", Proof::Key(&key)).await;
    assert_eq!(&looked_up.body, state);
    let seen = api.call("GET", "/registrations/dev-1", &[], Value::Null).await;
    assert_eq!(&seen.body, state);
    assert_eq!(
        api.call("DELETE", "/registrations/dev-1", &[], Value::Null)
            .await
            .status,
        204
    );
    api.call("GET", "/registrations/dev-1", &[], Value::Null)
        .await
        .is_refusal(404_202);
    api.ask("POST", "dev-1", "dev-1", Proof::Key(&key))
        .await
        .is_refusal(404_202);
    let wrong = Key::from_bytes(vec![7; 32]);
    for (method, path) in [
        ("PUT", "dev-1/register"),
        ("GET", "dev-1/operations/5.x"),
        ("POST", "dev-1"),
    ] {
        api.ask(method, path, "dev-1", Proof::Key(&wrong))
            .await
            .is_refusal(401_002);
    }
    assert_eq!(api.dps.hub.device("dev-1").unwrap().credentials.keys().unwrap()[0], key);
}

#[tokio::test]
async fn a_device_registers_with_a_certificate_of_its_own_or_of_a_group() {
    let api = Api::new();
    let device = |id: &str| api.dps.identity.issue_device_certificate(id).unwrap().certificate_pem;
    let (own, member) = (device("own"), device("member"));
    let certificates = json!({"clientCertificates": {"primary": {"certificate": own}}});
    let enrollment = json!({"attestation": {"type": "x509", "x509": certificates}});
    assert_eq!(api.call("PUT", "/enrollments/own", &[], enrollment).await.status, 200);
    let certificates = json!({"signingCertificates": {"primary": {"certificate": api.dps.identity.ca_pem()}}});
    let group = json!({"attestation": {"type": "x509", "x509": certificates}});
    assert_eq!(api.call("PUT", "/enrollmentGroups/g", &[], group).await.status, 200);
    for (id, pem) in [("own", &own), ("member", &member)] {
        let registered = api
            .ask("PUT", &format!("{id}/register"), id, Proof::Certificate(pem))
            .await;
        assert_eq!(registered.status, 202, "{}", registered.body);
        let thumbprint = Thumbprint::of_pem(pem).unwrap();
        assert_eq!(api.dps.hub.device(id).unwrap().credentials, thumbprint.into());
    }
    api.ask("PUT", "own/register", "own", Proof::Certificate(&member))
        .await
        .is_refusal(401_002);
    let listed = api.call("POST", "/registrations/G/query", &[], Value::Null).await;
    assert_eq!(
        (listed.body.as_array().unwrap().len(), &listed.body[0]["registrationId"]),
        (1, &json!("member"))
    );
    assert_eq!(listed.headers["x-ms-item-type"], "deviceRegistration");
    api.call("POST", "/registrations/none/query", &[], Value::Null)
        .await
        .is_refusal(404_201);
}

#[tokio::test]
async fn faults_and_throttles_reach_devices_over_https() {
    let api = Api::new();
    let key = api.enroll("dev-1").await;
    let faults = api.dps.enrollments.faults();
    let busy = DpsFault::Refuse {
        error_code: 429_001,
        retry_after: Some(7),
    };
    faults.inject("dev-1", busy, When::next(1));
    let refused = api.ask("PUT", "dev-1/register", "dev-1", Proof::Key(&key)).await;
    refused.is_refusal(429_001);
    assert_eq!(refused.headers["retry-after"], "7");
    let registered = api.ask("PUT", "dev-1/register", "dev-1", Proof::Key(&key)).await;
    let operation = registered.body["operationId"].as_str().unwrap();
    let path = format!("dev-1/operations/{operation}");
    faults.inject("dev-1", DpsFault::StayAssigning { retry_after: Some(2) }, When::next(1));
    let waiting = api.ask("GET", &path, "dev-1", Proof::Key(&key)).await;
    assert_eq!(
        (
            waiting.status.as_u16(),
            waiting.headers["retry-after"].to_str().unwrap()
        ),
        (202, "2")
    );
    api.dps.enrollments.throttle(DpsThrottles::documented());
    for _ in 0..5 {
        assert_eq!(api.ask("GET", &path, "dev-1", Proof::Key(&key)).await.status, 200);
    }
    let refused = api.ask("GET", &path, "dev-1", Proof::Key(&key)).await;
    refused.is_refusal(429_001);
    assert!(refused.headers.contains_key("retry-after"));
}
