use std::net::Ipv4Addr;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::io::AsyncReadExt;
use tokio_rustls::TlsConnector;

use super::*;
use crate::Identity;

/// Knows a port.
struct Dialer {
    address: SocketAddr,
    connector: TlsConnector,
}

impl Dialer {
    /// A port within limits, and one who knows it.
    async fn port(limits: Limits) -> (TlsListener, Dialer) {
        let identity = Identity::temporary().unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(identity.ca_pem().as_bytes()).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let config = identity.server_config().unwrap();
        let listener = TlsListener::bind_within((Ipv4Addr::LOCALHOST, 0).into(), config, limits)
            .await
            .unwrap();
        let address = listener.address();
        let connector = TlsConnector::from(Arc::new(client));
        (listener, Dialer { address, connector })
    }

    async fn dial(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn shake_hands(&self) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost").unwrap();
        self.connector.connect(name, self.dial().await).await
    }
}

#[tokio::test]
async fn half_open_handshakes_keep_nobody_out() {
    let (mut port, dialer) = Dialer::port(Limits::new(1000, 1, 8)).await;
    let mut half_open = Vec::new();
    for number in 0..40 {
        let mut stream = dialer.dial().await;
        if number % 2 == 0 {
            // The beginning of a record that promises 512 bytes.
            tokio::io::AsyncWriteExt::write_all(&mut stream, &[22, 3, 1, 2, 0, 1])
                .await
                .unwrap();
        }
        half_open.push(stream);
    }
    let (client, server) = tokio::join!(dialer.shake_hands(), port.next());
    assert_eq!(server.origin.server_name, "localhost");
    client.unwrap();
    // The oldest had to go, long before its time was over.
    assert_eq!(half_open[0].read(&mut [0]).await.unwrap_or(0), 0);
    assert_eq!(
        Handle::current().metrics().num_alive_tasks(),
        0,
        "none of them stands in line here, where those who are connected do"
    );
}

#[tokio::test]
async fn one_too_many_is_marked_and_the_next_is_closed() {
    let (mut port, dialer) = Dialer::port(Limits::new(2, 1, 8)).await;
    let mut kept = Vec::new();
    for extra in [false, false, true] {
        let (client, server) = tokio::join!(dialer.shake_hands(), port.next());
        assert_eq!(server.origin.is_one_too_many(), extra);
        kept.push((client.unwrap(), server));
    }
    assert!(dialer.shake_hands().await.is_err());
    // Whoever goes makes room.
    drop(kept.pop());
    drop(kept.pop());
    let (client, server) = tokio::join!(dialer.shake_hands(), port.next());
    assert!(!server.origin.is_one_too_many());
    client.unwrap();
}
