//! The HTTPS side's connections: HTTP/1.1 over TLS, each with a deadline for its headers, and what becomes WebSockets of them.

use std::time::Duration;

use axum::{Extension, Router, http::StatusCode, middleware};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    amqp,
    background::Stop,
    keeping::settle,
    listener::{Client, TlsListener},
    mqtt::{self, Services},
};

/// How long a client may take to send a request's headers, also until its next request on a connection it keeps.
const HEADERS_DEADLINE: Duration = Duration::from_secs(60);

/// How much of a request's headers is taken, in bytes; of 100 headers at most, which is hyper's own limit.
const HEADERS_LIMIT: usize = 64 * 1024;

/// Serves every client that comes until told to stop; then all of them are cut off, streams that never end among them.
pub(crate) async fn serve(
    mut listener: TlsListener,
    router: Router,
    services: Services,
    amqp_services: amqp::Services,
    mut stop: Stop,
) {
    let mut connections = JoinSet::new();
    // A connection that was upgraded comes back here, so that it is cut off like the others.
    let (sender, mut upgraded) = mpsc::channel(1);
    let (amqp_sender, mut amqp_upgraded) = mpsc::channel(1);
    let kept = middleware::from_fn_with_state(services.keeping.clone(), settle);
    let router = router
        .layer(kept)
        .merge(mqtt::websocket::route(sender))
        .merge(amqp::websocket::route(amqp_sender));
    loop {
        tokio::select! {
            Client { stream, origin } = listener.next() => {
                let peer = origin.peer;
                let router = if origin.is_one_too_many() {
                    Router::new().fallback(async || (StatusCode::SERVICE_UNAVAILABLE, "there are too many connections"))
                } else {
                    router.clone()
                };
                let service = TowerToHyperService::new(router.layer(Extension(origin)));
                connections.spawn(async move {
                    let mut http = http1::Builder::new();
                    http.timer(TokioTimer::new())
                        .header_read_timeout(HEADERS_DEADLINE)
                        .max_buf_size(HEADERS_LIMIT);
                    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).with_upgrades().await {
                        tracing::debug!(%peer, "HTTPS connection ended: {error}");
                    }
                });
            }
            Some((socket, origin)) = upgraded.recv() => {
                connections.spawn(mqtt::serve_one(socket, origin, services.clone()));
            }
            Some((socket, origin)) = amqp_upgraded.recv() => {
                connections.spawn(amqp::serve_one(socket, origin.peer, amqp_services.clone()));
            }
            Some(_) = connections.join_next() => {}
            _ = &mut stop => break,
        }
    }
    listener.close().await;
    connections.shutdown().await;
}
