//! The way to a service: name, TCP, a proxy's tunnel, TLS, WebSockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use setpoint_protocol::endpoint::Endpoint;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

use super::mqtt::{in_words, verdict_on_client};
use super::tunnel::tunnel;
use super::websocket::WebSocket;
use super::{Access, ConnectError};

/// How long an address is tried before the next one of the same name is tried beside it, as RFC 8305 advises: an IPv6 network
/// that leads nowhere must not use up all the time there is.
const STAGGER: Duration = Duration::from_millis(250);

/// Bytes, both ways.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

/// Opens an encrypted connection for `device` to `endpoint`, which has a port.
pub(super) async fn dial(device: &str, endpoint: &Endpoint, access: &Access) -> Result<Box<dyn Stream>, ConnectError> {
    let unreachable = |reason: String| ConnectError::Unreachable {
        endpoint: endpoint.clone(),
        reason,
    };
    let stream = transport(endpoint, access).await.map_err(unreachable)?;
    let stream = encrypt(device, endpoint, access, stream).await?;
    if access.is_over_websockets() {
        let socket = WebSocket::open(endpoint, stream).await;
        let socket = socket.map_err(|reason| unreachable(format!("no WebSocket: {reason}")))?;
        return Ok(Box::new(socket));
    }
    Ok(stream)
}

/// A connection to the host, or a proxy's tunnel there. An error is a sentence.
async fn transport(endpoint: &Endpoint, access: &Access) -> Result<TcpStream, String> {
    let Some(proxy) = access.proxies.on_the_way_to(endpoint) else {
        let stream = connect(endpoint, access).await;
        return stream.map_err(|error| error.to_string());
    };
    let stream = connect(&proxy.endpoint, access).await;
    let mut stream = stream.map_err(|error| format!("the proxy {proxy} does not answer: {error}"))?;
    tunnel(proxy, &mut stream, endpoint).await?;
    Ok(stream)
}

async fn encrypt(
    device: &str,
    endpoint: &Endpoint,
    access: &Access,
    stream: TcpStream,
) -> Result<Box<dyn Stream>, ConnectError> {
    let unreachable = |reason: String| ConnectError::Unreachable {
        endpoint: endpoint.clone(),
        reason,
    };
    let name = ServerName::try_from(endpoint.host.clone()).map_err(|error| unreachable(error.to_string()))?;
    match TlsConnector::from(Arc::clone(&access.tls)).connect(name, stream).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(match (tls_error(&error), verdict_on_client(&error)) {
            (Some(error @ rustls::Error::InvalidCertificate(_)), _) => ConnectError::Certificate {
                endpoint: endpoint.clone(),
                reason: error.to_string(),
            },
            (_, Some(reason)) => ConnectError::Refused {
                device: device.to_owned(),
                endpoint: endpoint.clone(),
                reason,
            },
            _ => unreachable(format!("TLS failed: {}", in_words(&error))),
        }),
    }
}

/// The TLS library's verdict, which lies inside the I/O error of a handshake or of what comes after it.
pub(super) fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// The first of the host's addresses that answers.
async fn connect(endpoint: &Endpoint, access: &Access) -> io::Result<TcpStream> {
    let mut addresses = lookup_host((endpoint.host.as_str(), endpoint.port_or(access.port()))).await?;
    let mut attempts = JoinSet::new();
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        let next = addresses.next();
        let is_last = next.is_none();
        if let Some(address) = next {
            attempts.spawn(open(address, access.source()));
        }
        tokio::select! {
            attempt = attempts.join_next() => match attempt {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(error))) => failed = error,
                Some(Err(error)) => failed = error.into(),
                None if is_last => return Err(failed),
                None => {}
            },
            () = sleep(STAGGER), if !is_last => {}
        }
    }
}

/// From `source` if it is on this machine.
async fn open(address: SocketAddr, source: Option<Ipv4Addr>) -> io::Result<TcpStream> {
    let stream = match source.filter(|_| address.is_ipv4() && address.ip().is_loopback()) {
        Some(source) => {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(source.into(), 0))?;
            socket.connect(address).await?
        }
        None => TcpStream::connect(address).await?,
    };
    // Messages are small and each is waited for: Nagle's algorithm would only delay them.
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn services_on_this_machine_are_reached_from_the_loopback_address_that_was_chosen() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let chosen = [None, Some(Ipv4Addr::new(127, 0, 0, 3))];
        for (source, seen) in chosen.into_iter().zip([[127, 0, 0, 1], [127, 0, 0, 3]]) {
            let stream = open(address, source).await.unwrap();
            let (_, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, stream.local_addr().unwrap());
            assert_eq!(peer.ip(), Ipv4Addr::from(seen));
        }
    }

    #[test]
    fn a_verdict_is_found_inside_the_handshake_error() {
        let verdict = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = io::Error::new(io::ErrorKind::InvalidData, verdict.clone());
        assert_eq!(tls_error(&error), Some(&verdict));
        assert_eq!(tls_error(&io::ErrorKind::UnexpectedEof.into()), None);
    }
}
