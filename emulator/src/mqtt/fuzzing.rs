//! One connection from its first byte on, without TLS: what `fuzz/` gives its bytes to. Only with the feature `fuzzing`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Services, greeting};
use crate::{
    listener::Client,
    state::{Enrollments, Hub},
};

/// Serves one client, who reached this server as `localhost`, to its end.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, hub: Arc<Hub>, enrollments: Arc<Enrollments>) {
    let client = Client {
        stream,
        peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        server_name: "localhost".to_owned(),
    };
    // However it ends, it is the client's doing.
    let _ = greeting::serve(client, &Services { hub, enrollments }).await;
}
