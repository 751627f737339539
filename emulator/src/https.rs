//! The HTTPS side's connections: HTTP/1.1 over TLS, each with a deadline for its headers.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::task::JoinSet;

use crate::{background::Stop, listener::TlsListener};

/// How long a client may take to send a request's headers, also until its next request on a connection it keeps.
const HEADERS_DEADLINE: Duration = Duration::from_secs(60);

/// Serves every client that comes until told to stop; then all of them are cut off, streams that never end among them.
pub(crate) async fn serve(mut listener: TlsListener, router: Router, mut stop: Stop) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            client = listener.next() => {
                let service = TowerToHyperService::new(router.clone());
                connections.spawn(async move {
                    let mut http = http1::Builder::new();
                    http.timer(TokioTimer::new()).header_read_timeout(HEADERS_DEADLINE);
                    if let Err(error) = http.serve_connection(TokioIo::new(client.stream), service).await {
                        tracing::debug!(peer = %client.peer, "HTTPS connection ended: {error}");
                    }
                });
            }
            Some(_) = connections.join_next() => {}
            _ = &mut stop => break,
        }
    }
    listener.close().await;
    connections.shutdown().await;
}
