//! The page's port: HTTP/1.1, each connection with a deadline for its headers.

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

use super::files::Files;
use super::{Shared, api, files, guard, live};
use crate::background::Stop;
use crate::state::METHOD_LIMIT;

/// How long a browser may take to send a request's headers, also until its next request on a connection it keeps.
const HEADERS_DEADLINE: Duration = Duration::from_secs(60);

/// Connections at a time; a browser has a handful. More wait in the kernel's queue.
const CONNECTIONS: usize = 256;

/// A pause after the system could not accept, which it cannot when it is out of files: without one the loop would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The largest body read, in bytes: a method's payload and what stands around it.
const BODY_LIMIT: usize = METHOD_LIMIT + 8 * 1024;

/// Everything the page serves. Live connections end when `closing` does.
pub(super) fn router(shared: Shared, files: Files, closing: watch::Receiver<()>) -> Router {
    let api = api::router(shared.clone()).merge(live::router(shared, closing));
    Router::new()
        .nest("/api", api)
        .fallback_service(axum::routing::any(files::serve).with_state(files))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(guard::watch))
}

/// Serves every browser that comes until told to stop; then all of them are cut off.
pub(super) async fn serve(listener: TcpListener, shared: Shared, files: Files, mut stop: Stop) {
    // Dropped with this, which ends the connections that have become WebSockets.
    let (_open, closing) = watch::channel(());
    let router = router(shared, files, closing);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => {
                let stream = match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::warn!("cannot accept a connection for the page: {error}");
                        time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                };
                // Answers are waited for.
                let _ = stream.set_nodelay(true);
                let service = TowerToHyperService::new(router.clone());
                connections.spawn(async move {
                    let mut http = http1::Builder::new();
                    http.timer(TokioTimer::new()).header_read_timeout(HEADERS_DEADLINE);
                    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).with_upgrades().await {
                        tracing::debug!("a connection to the page ended: {error}");
                    }
                });
            }
            Some(_) = connections.join_next() => {}
            _ = &mut stop => break,
        }
    }
    connections.shutdown().await;
}
