//! The MQTT 3.1.1 side: DPS and IoT Hub on one port, told apart by the user name.
//!
//! Over TLS as it is or, on the HTTPS port, through a [`websocket`]. Bytes come through [`wire`], which frames packets; [`packet`] checks and builds them; [`greeting`] answers CONNECT;
//! [`session`] runs the connection for either service, [`hub`] and [`dps`] hold what each of them allows, [`departures`] what
//! waits to be sent. Every connection is one task that owns its buffers, all of a fixed size, so no client waits for another.
//!
//! Source of the rules: Microsoft, "Communicate with an IoT hub using the MQTT protocol" and "Communicate with DPS using
//! the MQTT protocol"; below them, OASIS MQTT 3.1.1.

mod departures;
mod dps;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod greeting;
mod hub;
mod injected;
mod packet;
#[cfg(test)]
mod raw_tests;
mod session;
pub(crate) mod websocket;
mod wire;

pub(crate) use dps::RETRY_AFTER as DPS_RETRY_AFTER;

use std::sync::Arc;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
};

use crate::{
    background::Stop,
    keeping::Keeping,
    listener::{Client, Origin, TlsListener},
    state::{Enrollments, Hub},
};

/// What connections are served from.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) hub: Arc<Hub>,
    pub(crate) enrollments: Arc<Enrollments>,
    pub(crate) keeping: Keeping,
}

impl Services {
    /// The hub that a client means by this name: one that is linked under it, and the emulator's own by any other.
    fn hub_named(&self, name: &str) -> Arc<Hub> {
        self.enrollments.linked(name).unwrap_or_else(|| Arc::clone(&self.hub))
    }
}

/// Serves every client that comes until told to stop; then all of them are cut off.
pub(crate) async fn serve(mut listener: TlsListener, services: Services, mut stop: Stop) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Client { stream, origin } = listener.next() => {
                connections.spawn(serve_one(stream, origin, services.clone()));
            }
            Some(_) = connections.join_next() => {}
            _ = &mut stop => break,
        }
    }
    listener.close().await;
    connections.shutdown().await;
}

/// Serves one client to its end.
pub(crate) async fn serve_one<S: AsyncRead + AsyncWrite + Unpin>(stream: S, origin: Origin, services: Services) {
    let peer = origin.peer;
    let _place = origin.place.clone();
    if let Err(ended) = greeting::serve(stream, origin, &services).await {
        tracing::debug!(%peer, "{ended}");
    }
}
