//! The port that Prometheus reads.

use std::future::IntoFuture;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use setpoint::fleet::{Tally, exposition};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Serves until it is dropped.
pub(super) struct Scraped(JoinHandle<std::io::Result<()>>);

impl Drop for Scraped {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves `/metrics`, and says where: port 0 is any that is free.
pub(super) async fn serve(address: SocketAddr, tally: Arc<Tally>) -> anyhow::Result<Scraped> {
    let taken = || format!("--metrics {address} cannot be listened on");
    let listener = TcpListener::bind(address).await.with_context(taken)?;
    let address = listener.local_addr().with_context(taken)?;
    let show = async move || ([(CONTENT_TYPE, "text/plain; version=0.0.4")], exposition(&tally));
    let router = Router::new().route("/metrics", get(show));
    // A reader that has gone is no reason to end.
    let _ = writeln!(std::io::stderr(), "metrics on http://{address}/metrics");
    Ok(Scraped(tokio::spawn(axum::serve(listener, router).into_future())))
}
