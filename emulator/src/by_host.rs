//! Several hubs behind one HTTPS port: the request's host says which is meant.

use std::{collections::BTreeMap, convert::Infallible};

use axum::{Router, extract::Request, http::header::HOST, response::Response};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use setpoint_protocol::Endpoint;

/// Hands requests for one of `others`, which are under their hubs' names, to it, and all the rest to `own`.
pub(crate) fn router(own: Router, others: Vec<(String, Router)>) -> Router {
    if others.is_empty() {
        return own;
    }
    let others: BTreeMap<_, _> = others
        .into_iter()
        .map(|(name, router)| (name.to_ascii_lowercase(), router))
        .collect();
    Router::new().fallback(async move |request: Request| {
        let router = host(&request).and_then(|host| others.get(&host)).unwrap_or(&own);
        let answer: Result<Response, Infallible> = TowerToHyperService::new(router.clone()).call(request).await;
        answer
    })
}

/// The host a request was made to, in lower case and without a port.
fn host(request: &Request) -> Option<String> {
    let host = request.headers().get(HOST)?.to_str().ok()?;
    let endpoint: Endpoint = host.parse().ok()?;
    Some(endpoint.host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        routing::get,
    };
    use tower::ServiceExt;

    use super::*;

    fn named(name: &'static str) -> Router {
        Router::new().route("/", get(async move || name))
    }

    async fn answer(host: Option<&str>) -> String {
        let router = router(named("own"), vec![("Two.localhost".to_owned(), named("two"))]);
        let mut request = Request::get("/");
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_host_says_which_hub_is_meant() {
        for (host, expected) in [
            (None, "own"),
            (Some("localhost:8443"), "own"),
            (Some("two.localhost:8443"), "two"),
            (Some("TWO.localhost"), "two"),
            (Some("two.localhost:x"), "own"),
        ] {
            assert_eq!(answer(host).await, expected, "{host:?}");
        }
    }
}
