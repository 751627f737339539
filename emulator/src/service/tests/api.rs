//! The service API without a socket, and what it answers.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use setpoint_protocol::Token;
use tower::ServiceExt;

use crate::service::*;

pub(super) struct Api {
    pub(super) hub: Arc<Hub>,
    pub(super) identity: Arc<Identity>,
    pub(super) router: Router,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Api {
    pub(super) fn new() -> Api {
        let hub = Hub::new();
        let identity = Arc::new(Identity::temporary().unwrap());
        let enrollments = Arc::new(Enrollments::new(identity.id_scope()));
        let router = router(Arc::clone(&hub), enrollments, Arc::clone(&identity));
        Api { hub, identity, router }
    }

    /// With one device, `d`.
    pub(super) fn with_device() -> Api {
        let api = Api::new();
        api.hub.create_device("d", None).unwrap();
        api
    }

    pub(super) fn token(&self) -> String {
        Token::sign(
            "localhost",
            self.identity.service_key(),
            u64::MAX,
            Some(self.identity.service_policy()),
        )
        .to_string()
    }

    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{path}{separator}api-version=2021-04-12"))
            .header("Authorization", self.token());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(body.into()).unwrap()).await
    }

    pub(super) async fn answer(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let body = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        };
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Body::empty()).await
    }

    pub(super) async fn json(&self, method: &str, path: &str, body: Value) -> Answer {
        self.send(method, path, &[], body.to_string()).await
    }
}

impl Answer {
    #[track_caller]
    pub(super) fn is_refusal(&self, status: u16, name: &str) -> &str {
        let message = self.body["Message"].as_str().unwrap();
        assert_eq!(
            (self.status.as_u16(), self.headers["iothub-errorcode"].to_str().unwrap()),
            (status, name),
            "{message}"
        );
        assert!(message.starts_with(&format!("ErrorCode:{name};")), "{message}");
        assert!(
            self.body["ExceptionMessage"]
                .as_str()
                .unwrap()
                .starts_with("Tracking ID:")
        );
        message
    }
}
