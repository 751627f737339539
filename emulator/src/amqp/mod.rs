//! The services' side over AMQP 1.0: the built-in endpoint as an event hub, and messages for devices. Over TLS as it is or, on the
//! HTTPS port, through a [`websocket`].
//!
//! [`wire`] reads and writes bytes, [`frame`] makes frames of them, [`shape`] sees that nothing in them can do harm, [`sasl`] greets;
//! [`connection`], [`session`] with [`sending`], and [`link`] keep the state that the standard asks for, without I/O; [`attach`] decides what a link
//! is for, by its [`node`]; [`feedback`] knows who has which batch; [`request`] takes what clients send, [`message`] makes what they get, [`grants`] knows what they may.
//! A connection is one task, which owns all that it needs; nothing is kept for messages that were sent, for an event hub does not
//! send them again.
//!
//! Sources: OASIS AMQP 1.0; Microsoft, "AMQP 1.0 in Azure Service Bus and Event Hubs protocol guide".

mod attach;
mod connection;
mod fault;
mod feedback;
mod frame;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod grants;
mod link;
mod message;
pub(crate) mod node;
mod request;
mod sasl;
mod selector;
mod sending;
mod session;
mod shape;
pub(crate) mod websocket;
mod wire;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use fe2o3_amqp_types::definitions::{AmqpError, ConnectionError};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
    time::{self, Instant},
};

use crate::{
    background::Stop,
    identity::Identity,
    keeping::Keeping,
    listener::{Client, TlsListener},
    state::Hub,
};
use connection::{Connection, IDLE_TIME_OUT};
use grants::Grants;
use wire::{Ended, Wire};

/// How long a client may take from its handshake to `open`.
const OPEN_DEADLINE: Duration = Duration::from_secs(20);

/// How long a client may stay without a token that holds.
const TOKEN_DEADLINE: Duration = Duration::from_secs(60);

/// What connections are served from.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) hub: Arc<Hub>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) keeping: Keeping,
}

/// Serves every client that comes until told to stop; then all of them are cut off.
pub(crate) async fn serve(mut listener: TlsListener, services: Services, mut stop: Stop) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Client { stream, origin } = listener.next() => {
                connections.spawn(serve_one(stream, origin.peer, services.clone()));
            }
            Some(_) = connections.join_next() => {}
            _ = &mut stop => break,
        }
    }
    listener.close().await;
    connections.shutdown().await;
}

/// Serves one client to its end.
pub(crate) async fn serve_one<S: AsyncRead + AsyncWrite>(stream: S, peer: SocketAddr, services: Services) {
    let ended = serve_to_end(stream, services).await;
    tracing::debug!(%peer, "AMQP connection ended: {ended}");
}

async fn serve_to_end<S: AsyncRead + AsyncWrite>(stream: S, services: Services) -> Ended {
    let mut wire = Wire::new(stream);
    let ended = converse(&mut wire, services).await;
    wire.goodbye().await;
    ended
}

async fn converse<S: AsyncRead + AsyncWrite>(wire: &mut Wire<S>, services: Services) -> Ended {
    let Services { hub, identity, keeping } = services;
    let begun = Instant::now();
    let greeting = async {
        let mut grants = Grants::new(identity);
        sasl::greet(wire, &mut grants).await?;
        Ok(grants)
    };
    let grants = match time::timeout_at(begun + OPEN_DEADLINE, greeting).await {
        Ok(Ok(grants)) => grants,
        Ok(Err(ended)) => return ended,
        Err(_) => return Ended::Late,
    };
    hub.endpoint().restored().await;
    let mut connection = Connection::new(Arc::clone(&hub), grants);
    let mut authorized_at = begun;
    loop {
        // Before looking at what there is, so that nothing is missed that comes after.
        let appended = hub.endpoint().appended();
        tokio::pin!(appended);
        appended.as_mut().enable();
        if let Err(ended) = hear(wire, &mut connection) {
            return ended;
        }
        // A message for a device is kept before its sender hears that it was taken.
        keeping.settled().await;
        if connection.is_closed() {
            return Ended::Gone;
        }
        let now = Instant::now();
        let tokens_end = connection.ends_in().map(|seconds| {
            authorized_at = now;
            // A little late rather than early: the clocks tick differently.
            now + Duration::from_secs(seconds.min(24 * 60 * 60)) + Duration::from_millis(10)
        });
        let silence = wire.received_at() + 2 * Duration::from_millis(u64::from(IDLE_TIME_OUT));
        let patience = if connection.is_open() {
            authorized_at + TOKEN_DEADLINE
        } else {
            begun + OPEN_DEADLINE
        };
        let heartbeat = connection
            .remote_idle()
            .map(|idle| wire.sent_at() + Duration::from_millis(u64::from(idle)) / 2);
        let due = [Some(silence), tokens_end.or(Some(patience)), heartbeat];
        let due = due.into_iter().flatten().min().unwrap_or(silence);
        tokio::select! {
            exchanged = wire.exchange() => if let Err(ended) = exchanged {
                return ended;
            },
            () = hub.feedback_due(), if connection.is_waiting_for_feedback() && !wire.is_full() => {}
            () = appended, if connection.is_waiting() && !wire.is_full() => {}
            () = time::sleep_until(due) => {
                let now = Instant::now();
                if now >= silence {
                    return Ended::Silent;
                }
                if tokens_end.is_none() && now >= patience {
                    let words = "no token that holds was put to $cbs in time";
                    connection.close(fault::error(AmqpError::UnauthorizedAccess, words), wire.output());
                    return Ended::Late;
                }
                if heartbeat.is_some_and(|heartbeat| now >= heartbeat) {
                    wire.heartbeat();
                }
            }
        }
    }
}

/// Takes the frames that have come, and adds to what is to be sent.
fn hear<S: AsyncRead + AsyncWrite>(wire: &mut Wire<S>, connection: &mut Connection) -> Result<(), Ended> {
    while !wire.is_full() && !connection.is_closed() {
        match wire.received() {
            Ok(Some(frame)) => connection.take(&frame, wire.output()),
            Ok(None) => break,
            Err(ended) => {
                let words = "a frame could not be read: it is too large, or no AMQP";
                connection.close(fault::error(ConnectionError::FramingError, words), wire.output());
                return Err(ended);
            }
        }
    }
    connection.pump(wire.output());
    Ok(())
}

#[cfg(test)]
mod test_client;
#[cfg(test)]
mod tests;
