//! A TLS port: takes connections in, shakes hands with each on its own, and hands over those that got through.

mod handshakes;
mod limits;
mod threads;

use std::{future::poll_fn, io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::mpsc,
    time,
};
use tokio_rustls::{
    LazyConfigAcceptor,
    rustls::{ServerConfig, server::Acceptor},
    server::TlsStream,
};

use handshakes::Handshakes;
pub(crate) use limits::{Limits, Place};

use crate::{
    background::{Background, Stop},
    state::ClientCertificate,
};

/// How long a client may take to shake hands.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);

/// Clients that have shaken hands and wait to be taken.
const READY: usize = 64;

/// A pause after the system could not accept, which it cannot when it is out of files: without one the loop would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A client that has shaken hands.
pub(crate) struct Client {
    pub(crate) stream: TlsStream<TcpStream>,
    pub(crate) origin: Origin,
}

/// Where a client came from, as the handshake says.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) peer: SocketAddr,
    /// The name the client reached this server by: what it asked for in the handshake, or the address it connected to
    /// when that was one.
    pub(crate) server_name: String,
    /// What it presented in the handshake.
    pub(crate) certificate: Option<ClientCertificate>,
    /// Held as long as its connection is; none for one that came another way than through a port.
    pub(crate) place: Option<Arc<Place>>,
}

impl Origin {
    /// Whether there are so many connections that this one is only to be told so.
    pub(crate) fn is_one_too_many(&self) -> bool {
        self.place.as_ref().is_some_and(|place| place.extra)
    }
}

/// A TLS port; dropping it closes the port.
pub(crate) struct TlsListener {
    ready: mpsc::Receiver<Client>,
    address: SocketAddr,
    accepting: Background,
}

impl TlsListener {
    /// Opens a port.
    pub(crate) async fn bind(address: SocketAddr, config: Arc<ServerConfig>) -> io::Result<TlsListener> {
        TlsListener::bind_within(address, config, Limits::of_process()).await
    }

    /// The same with limits of its own.
    pub(crate) async fn bind_within(
        address: SocketAddr,
        config: Arc<ServerConfig>,
        limits: Limits,
    ) -> io::Result<TlsListener> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(READY);
        let connected = Handle::current();
        let accepting = Background::spawn_on(&threads::handle()?, |stop| {
            accept(listener, connected, config, limits, sender, stop)
        });
        Ok(TlsListener {
            ready,
            address,
            accepting,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port and waits until it is.
    pub(crate) async fn close(self) {
        self.accepting.stop().await;
    }

    /// The next client. Cancel safe.
    pub(crate) async fn next(&mut self) -> Client {
        match self.ready.recv().await {
            Some(client) => client,
            // Only when the runtime is going down; nobody will come any more.
            None => std::future::pending().await,
        }
    }
}

async fn accept(
    listener: TcpListener,
    connected: Handle,
    config: Arc<ServerConfig>,
    limits: Limits,
    ready: mpsc::Sender<Client>,
    mut stop: Stop,
) {
    let mut handshakes = Handshakes::new(limits.handshakes);
    loop {
        // The sockets are watched by the runtime of those who are connected, where they go when hands are shaken.
        let next = poll_fn(|context| {
            let _entered = connected.enter();
            listener.poll_accept(context)
        });
        let accepted = tokio::select! {
            accepted = next => accepted,
            _ = &mut stop => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = limits.place() else {
            tracing::warn!(%peer, "there are more connections than files for them: raise the limit of open files (ulimit -n)");
            continue;
        };
        let (config, ready) = (Arc::clone(&config), ready.clone());
        handshakes.spawn(async move {
            match time::timeout(HANDSHAKE_DEADLINE, shake_hands(config, stream, peer, place)).await {
                Ok(Ok(client)) => drop(ready.send(client).await),
                Ok(Err(error)) => tracing::debug!(%peer, "TLS handshake failed: {error}"),
                Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
            }
        });
    }
}

async fn shake_hands(
    config: Arc<ServerConfig>,
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
) -> io::Result<Client> {
    // Packets are small and answers are waited for.
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?.ip().to_canonical();
    // Whoever says nothing costs a socket and no more.
    stream.readable().await?;
    let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let stream = hello.into_stream(config).await?;
    let session = stream.get_ref().1;
    let certificate = session.peer_certificates().and_then(ClientCertificate::from_chain);
    let server_name = match session.server_name() {
        Some(name) => name.to_owned(),
        None if local.is_ipv6() => format!("[{local}]"),
        None => local.to_string(),
    };
    Ok(Client {
        stream,
        origin: Origin {
            peer,
            server_name,
            certificate,
            place: Some(Arc::new(place)),
        },
    })
}

#[cfg(test)]
#[path = "listener_tests.rs"]
mod tests;
