//! The HTTPS side's connections: HTTP/1.1 over TLS, each with a deadline for its headers, and what becomes WebSockets of them.

use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    amqp,
    background::Stop,
    listener::{Client, TlsListener},
    mqtt::{self, Services},
};

/// How long a client may take to send a request's headers, also until its next request on a connection it keeps.
const HEADERS_DEADLINE: Duration = Duration::from_secs(60);

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
    let router = router
        .merge(mqtt::websocket::route(sender))
        .merge(amqp::websocket::route(amqp_sender));
    loop {
        tokio::select! {
            Client { stream, origin } = listener.next() => {
                let peer = origin.peer;
                let service = TowerToHyperService::new(router.clone().layer(Extension(origin)));
                connections.spawn(async move {
                    let mut http = http1::Builder::new();
                    http.timer(TokioTimer::new()).header_read_timeout(HEADERS_DEADLINE);
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
