//! One connection from its first byte on, without TLS: what `fuzz/` gives its bytes to. Only with the feature `fuzzing`.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Services, serve_to_end};
use crate::{identity::Identity, keeping::Keeping, state::Hub};

/// Serves one client to its end.
pub async fn serve<S: AsyncRead + AsyncWrite>(stream: S, hub: Arc<Hub>, identity: Arc<Identity>) {
    serve_to_end(
        stream,
        Services {
            hub,
            identity,
            keeping: Keeping::default(),
        },
    )
    .await;
}
