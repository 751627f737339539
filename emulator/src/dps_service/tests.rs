//! Both APIs without a socket.

mod devices;

use std::net::{Ipv4Addr, SocketAddr};

use axum::{
    Extension,
    body::{Body, to_bytes},
    http::{HeaderMap, StatusCode},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Value, json};
use setpoint_protocol::{Key, Token};
use tower::ServiceExt;

use super::*;
use crate::{
    identity::PROVISIONING_POLICY,
    listener::Origin,
    state::{ClientCertificate, DpsFault, DpsThrottles, Thumbprint, When},
};

const VERSION: &str = "api-version=2021-10-01";

struct Api {
    dps: Dps,
    router: Router,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Api {
    fn new() -> Api {
        let identity = Arc::new(Identity::temporary().unwrap());
        let dps = Dps {
            hub: Hub::new(),
            enrollments: Arc::new(Enrollments::new(identity.id_scope())),
            identity,
        };
        let router = router(
            Arc::clone(&dps.hub),
            Arc::clone(&dps.enrollments),
            Arc::clone(&dps.identity),
        );
        Api { dps, router }
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Body, pem: Option<&str>) -> Answer {
        let certificate = pem.map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap());
        let origin = Origin {
            peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            server_name: "localhost".to_owned(),
            certificate: certificate.and_then(|der| ClientCertificate::from_chain(&[der])),
            place: None,
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("Host", "localhost:8443");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let router = self.router.clone().layer(Extension(origin));
        let (parts, body) = router.oneshot(request.body(body).unwrap()).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    /// As a service.
    async fn call(&self, method: &str, path: &str, more: &[(&str, &str)], body: Value) -> Answer {
        let key = self.dps.identity.provisioning_key();
        let token = Token::sign("localhost:8443", &key, u64::MAX, Some(PROVISIONING_POLICY)).to_string();
        let headers = [
            ("Authorization", token.as_str()),
            ("Content-Type", "application/json; charset=utf-8"),
        ];
        let headers = [&headers, more].concat();
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        self.send(method, &format!("{path}?{VERSION}"), &headers, body, None)
            .await
    }

    /// As a device, under `/{scope}/registrations/`.
    async fn ask(&self, method: &str, path: &str, id: &str, proof: Proof<'_>) -> Answer {
        let scope = self.dps.identity.id_scope();
        let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        let mut pem = None;
        match proof {
            Proof::Key(key) => {
                let resource = format!("{scope}/registrations/{id}");
                let token = Token::sign(&resource, key, u64::MAX, Some("registration"));
                headers.push(("Authorization".to_owned(), token.to_string()));
            }
            Proof::Certificate(text) => pem = Some(text),
        }
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let body = json!({"registrationId": id, "payload": {"a": 1}}).to_string();
        let path = format!("/{scope}/registrations/{path}?{VERSION}");
        self.send(method, &path, &headers, Body::from(body), pem).await
    }

    async fn enroll(&self, id: &str) -> Key {
        let made = self.call("PUT", &format!("/enrollments/{id}"), &[], keyed()).await;
        let key = made.body["attestation"]["symmetricKey"]["primaryKey"].as_str().unwrap();
        Key::from_base64(key).unwrap()
    }
}

enum Proof<'a> {
    Key(&'a Key),
    Certificate(&'a str),
}

fn keyed() -> Value {
    json!({"attestation": {"type": "symmetricKey"}})
}

impl Answer {
    #[track_caller]
    fn is_refusal(&self, code: u32) {
        assert_eq!(
            (u32::from(self.status.as_u16()), &self.body["errorCode"]),
            (code / 1000, &json!(code)),
            "{}",
            self.body
        );
        assert_eq!(self.headers["x-ms-error-code"], code.to_string().as_str());
        for member in ["trackingId", "message", "timestampUtc"] {
            assert!(!self.body[member].as_str().unwrap().is_empty(), "{member}");
        }
    }
}

#[tokio::test]
async fn a_service_makes_reads_changes_and_removes() {
    let api = Api::new();
    for (path, member) in [
        ("/enrollments/dev-1", "registrationId"),
        ("/enrollmentGroups/dev-1", "enrollmentGroupId"),
    ] {
        let made = api.call("PUT", path, &[], keyed()).await;
        assert_eq!((made.status.as_u16(), &made.body[member]), (200, &json!("dev-1")));
        let etag = made.body["etag"].as_str().unwrap();
        assert_eq!(made.headers["etag"], format!("\"{etag}\"").as_str());
        api.call("PUT", path, &[], keyed()).await.is_refusal(409_001);
        let read = api.call("GET", path, &[], Value::Null).await;
        assert_eq!(read.body["attestation"], keyed()["attestation"], "without keys");
        let mechanism = api
            .call("POST", &format!("{path}/attestationmechanism"), &[], Value::Null)
            .await;
        assert_eq!(mechanism.body, made.body["attestation"]);
        let changed = api.call("PUT", path, &[("If-Match", etag)], read.body).await;
        assert_eq!(changed.status, 200);
        api.call("PUT", path, &[("If-Match", etag)], keyed())
            .await
            .is_refusal(412_001);
        api.call("DELETE", path, &[("If-Match", etag)], Value::Null)
            .await
            .is_refusal(412_001);
        assert_eq!(
            api.call("DELETE", path, &[("If-Match", "*")], Value::Null).await.status,
            204
        );
        api.call("GET", path, &[], Value::Null).await.is_refusal(404_201);
    }
}

#[tokio::test]
async fn who_may_not_call_hears_no_more_than_that() {
    let api = Api::new();
    let hub_key = api.dps.identity.service_key();
    let token = Token::sign("localhost", hub_key, u64::MAX, Some("iothubowner")).to_string();
    for headers in [&[][..], &[("Authorization", token.as_str())]] {
        for path in [
            "/enrollments/d",
            "/enrollmentGroups/d",
            "/registrations/d",
            "/enrollments/d?api-version=1",
        ] {
            let refused = api.send("GET", path, headers, Body::empty(), None).await;
            refused.is_refusal(401_002);
            assert_eq!(refused.body["message"], "Unauthorized");
        }
    }
}

#[tokio::test]
async fn requests_have_a_version_a_type_and_a_method() {
    let api = Api::new();
    let key = api.dps.identity.provisioning_key();
    let token = Token::sign("localhost", &key, u64::MAX, Some(PROVISIONING_POLICY)).to_string();
    let authorized = ("Authorization", token.as_str());
    let path = "/enrollments/d";
    api.send("GET", path, &[authorized], Body::empty(), None)
        .await
        .is_refusal(400_004);
    let path = "/enrollments/d?api-version=2018-09-01-preview";
    api.send("PUT", path, &[authorized], Body::from("{}"), None)
        .await
        .is_refusal(415_001);
    let json = ("Content-Type", "application/json");
    api.send("PUT", path, &[authorized, json], Body::from("{"), None)
        .await
        .is_refusal(400_004);
    api.send("PUT", path, &[authorized, json], Body::from("[]"), None)
        .await
        .is_refusal(400_004);
    let large = Body::from(vec![b' '; SERVICE_BODY_LIMIT + 1]);
    api.send("PUT", path, &[authorized, json], large, None)
        .await
        .is_refusal(413_001);
    api.send("PATCH", path, &[authorized], Body::empty(), None)
        .await
        .is_refusal(405_001);
}

#[tokio::test]
async fn queries_give_pages() {
    let api = Api::new();
    for id in ["a", "b", "c"] {
        api.enroll(id).await;
    }
    let query = json!({"query": "SELECT * FROM enrollments"});
    let first = api
        .call(
            "POST",
            "/enrollments/query",
            &[("x-ms-max-item-count", "2")],
            query.clone(),
        )
        .await;
    assert_eq!(
        (
            first.body[1]["registrationId"].as_str(),
            &first.headers["x-ms-item-type"]
        ),
        (Some("b"), &"enrollment".parse().unwrap())
    );
    let next = first.headers["x-ms-continuation"].to_str().unwrap();
    let headers = [("x-ms-max-item-count", "2"), ("x-ms-continuation", next)];
    let second = api.call("POST", "/enrollments/query", &headers, query.clone()).await;
    assert_eq!(
        (
            second.body.as_array().unwrap().len(),
            second.body[0]["registrationId"].as_str()
        ),
        (1, Some("c"))
    );
    assert!(!second.headers.contains_key("x-ms-continuation"));
    for (header, value) in [("x-ms-max-item-count", "0"), ("x-ms-continuation", "?")] {
        api.call("POST", "/enrollments/query", &[(header, value)], query.clone())
            .await
            .is_refusal(400_004);
    }
    api.call("POST", "/enrollmentGroups/query", &[], query)
        .await
        .is_refusal(400_004);
}

#[tokio::test]
async fn bulk_operations_say_what_failed() {
    let api = Api::new();
    api.enroll("a").await;
    let entry = |id: &str| json!({"registrationId": id, "attestation": {"type": "symmetricKey"}});
    let body = |mode: &str, ids: &[&str]| json!({"mode": mode, "enrollments": ids.iter().map(|id| entry(id)).collect::<Vec<_>>()});
    let done = api.call("POST", "/enrollments", &[], body("create", &["a", "b"])).await;
    assert_eq!(
        (&done.body["isSuccessful"], &done.body["errors"][0]["registrationId"]),
        (&json!(false), &json!("a"))
    );
    assert_eq!(done.body["errors"][0]["errorCode"], 409_001);
    let done = api.call("POST", "/enrollments", &[], body("delete", &["a", "b"])).await;
    assert_eq!(done.body, json!({"isSuccessful": true, "errors": []}));
    let many = ["x"; MORE_THAN_BULK];
    for bad in [body("create", &many), body("create", &[]), body("mend", &["a"])] {
        api.call("POST", "/enrollments", &[], bad).await.is_refusal(400_004);
    }
}

const MORE_THAN_BULK: usize = crate::state::BULK_LIMIT + 1;
