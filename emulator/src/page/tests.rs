//! The page's side of the emulator, asked without a socket.

mod calls;
mod doors;
mod hubs;

use std::path::PathBuf;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use setpoint_dtdl::Repository;
use tokio::sync::watch;
use tower::ServiceExt;

use super::history::History;
use super::*;
use crate::state::{Hub, Link};

/// The page of two hubs, and the cookie for it.
struct Place {
    hub: Arc<Hub>,
    second: Arc<Hub>,
    history: Arc<History>,
    router: Router,
    key: String,
    cookie: String,
    _open: watch::Sender<()>,
}

impl Place {
    fn new() -> Place {
        let (hub, second) = (Hub::new(), Hub::new());
        let identity = Arc::new(Identity::temporary().unwrap());
        let access = Arc::new(Access::new(&identity, 8444));
        let own = Chosen::new("localhost", &hub);
        let history = Arc::clone(&own.history);
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models");
        let address = "127.0.0.1:8444".parse().unwrap();
        let link = access.link(address);
        let key = link.split_once("#access=").unwrap().1.to_owned();
        let cookie = access.admit(&key).unwrap().split(';').next().unwrap().to_owned();
        let shared = Shared {
            hubs: [own, Chosen::new("127.0.0.2", &second)].into(),
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
            second,
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
