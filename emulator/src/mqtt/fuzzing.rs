//! One connection from its first byte on, without TLS: what `fuzz/` gives its bytes to. Only with the feature `fuzzing`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Services, serve_one};
use crate::{
    keeping::Keeping,
    listener::Origin,
    state::{Enrollments, Hub},
};

/// Serves one client, who reached this server as `localhost` and presented no certificate, to its end.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, hub: Arc<Hub>, enrollments: Arc<Enrollments>) {
    let origin = Origin {
        peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        server_name: "localhost".to_owned(),
        certificate: None,
        place: None,
    };
    let services = Services {
        hub,
        enrollments,
        keeping: Keeping::default(),
    };
    serve_one(stream, origin, services).await;
}
