//! A TLS port: takes connections in, shakes hands with each on its own, and hands over those that got through.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig, server::TlsStream};

use crate::{
    background::{Background, Stop},
    state::ClientCertificate,
};

/// How long a client may take to shake hands.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);

/// Handshakes under way at a time; more wait in the kernel's queue. Each holds some 40 KB.
const HANDSHAKES: usize = 512;

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
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(HANDSHAKES);
        let acceptor = TlsAcceptor::from(config);
        let accepting = Background::spawn(|stop| accept(listener, acceptor, sender, stop));
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

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, ready: mpsc::Sender<Client>, mut stop: Stop) {
    let slots = Arc::new(Semaphore::new(HANDSHAKES));
    let mut handshakes = JoinSet::new();
    loop {
        while handshakes.try_join_next().is_some() {}
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            next = next => next,
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
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        handshakes.spawn(async move {
            match time::timeout(HANDSHAKE_DEADLINE, shake_hands(acceptor, stream, peer)).await {
                Ok(Ok(client)) => drop(ready.send(client).await),
                Ok(Err(error)) => tracing::debug!(%peer, "TLS handshake failed: {error}"),
                Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
            }
            drop(slot);
        });
    }
}

async fn shake_hands(acceptor: TlsAcceptor, stream: TcpStream, peer: SocketAddr) -> io::Result<Client> {
    // Packets are small and answers are waited for.
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?.ip().to_canonical();
    let stream = acceptor.accept(stream).await?;
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
        },
    })
}
