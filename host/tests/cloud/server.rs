//! A server that speaks MQTT over TLS and does what a test tells it, byte by byte. It shares no code with the client.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use serde_json::Value;
use setpoint::cloud::{Access, Assignment, DpsProvisioner, Trust};
use setpoint_protocol::{Endpoint, Key};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::local::DEVICE;

pub(crate) const CONNECT: u8 = 1;
pub(crate) const PUBLISH: u8 = 3;
pub(crate) const SUBSCRIBE: u8 = 8;
pub(crate) const PINGREQ: u8 = 12;
pub(crate) const DISCONNECT: u8 = 14;

pub(crate) struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    authority: String,
}

impl Server {
    /// For `localhost`, with a certificate of its own.
    pub(crate) async fn start() -> Server {
        Server::with(&[&TLS13, &TLS12], WebPkiClientVerifier::no_client_auth()).await
    }

    /// One that asks for a client's certificate, of this authority (DER).
    pub(crate) async fn asking(
        version: &'static SupportedProtocolVersion,
        authority: CertificateDer<'static>,
    ) -> Server {
        let mut roots = RootCertStore::empty();
        roots.add(authority).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        Server::with(&[version], verifier.build().unwrap()).await
    }

    async fn with(versions: &[&'static SupportedProtocolVersion], clients: Arc<dyn ClientCertVerifier>) -> Server {
        setpoint_test_logs::start();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![certificate.der().clone()], secret)
            .unwrap();
        Server {
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
            authority: certificate.pem(),
        }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint {
            host: "localhost".to_owned(),
            port: Some(self.listener.local_addr().unwrap().port()),
        }
    }

    /// A device that believes this server.
    pub(crate) fn access(&self) -> Access {
        let key = Key::from_bytes(vec![1; 32]);
        setpoint_test_logs::keys([&key]);
        Access::with_key(key, &self.trust())
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::only(&self.authority).unwrap()
    }

    pub(crate) fn provisioner(&self, access: Access) -> DpsProvisioner {
        DpsProvisioner::new(self.endpoint(), "0ne000A1B2C", DEVICE, access)
    }

    /// That device's place in this server's hub.
    pub(crate) fn assignment(&self) -> Assignment {
        Assignment {
            hub: self.endpoint(),
            device_id: DEVICE.to_owned(),
            payload: None,
        }
    }

    /// The next connection, whose client has said CONNECT.
    pub(crate) async fn client(&self) -> Client<TlsStream<TcpStream>> {
        Client::greeted(self.stream().await).await
    }

    /// The next connection, of which nothing is known but that TLS is spoken.
    pub(crate) async fn stream(&self) -> TlsStream<TcpStream> {
        let (stream, _) = self.listener.accept().await.unwrap();
        self.acceptor.accept(stream).await.unwrap()
    }

    /// Turns the next connection away in the handshake, and keeps it open until the client has gone: whoever closes first may
    /// take what the client has not read away with it.
    pub(crate) async fn turn_away(&self) {
        let (stream, _) = self.listener.accept().await.unwrap();
        let Err((_, mut stream)) = self.acceptor.accept(stream).into_fallible().await else {
            panic!("the handshake went well")
        };
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }

    /// The next connection, accepted with all its subscriptions.
    pub(crate) async fn device(&self, subscriptions: usize) -> Client<TlsStream<TcpStream>> {
        let mut client = self.client().await;
        client.accept(subscriptions).await;
        client
    }
}

/// The server's side of one connection.
pub(crate) struct Client<S> {
    pub(crate) stream: S,
    connect: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Waits for CONNECT.
    pub(crate) async fn greeted(stream: S) -> Client<S> {
        let mut client = Client {
            stream,
            connect: Vec::new(),
        };
        let (kind, connect) = client.packet().await.unwrap();
        assert_eq!(kind, CONNECT);
        client.connect = connect;
        client
    }

    /// Accepts the client and all its subscriptions.
    pub(crate) async fn accept(&mut self, subscriptions: usize) {
        self.send(&[0x20, 2, 0, 0]).await;
        for _ in 0..subscriptions {
            self.grant().await;
        }
    }

    /// The next packet's kind and what follows its fixed header; none after the client has gone.
    pub(crate) async fn packet(&mut self) -> Option<(u8, Vec<u8>)> {
        let kind = self.stream.read_u8().await.ok()? >> 4;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.stream.read_u8().await.ok()?;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        Some((kind, body))
    }

    /// The next packet of this kind; others are passed over, pings answered.
    pub(crate) async fn wait_for(&mut self, wanted: u8) -> Vec<u8> {
        loop {
            let (kind, body) = self.packet().await.expect("the client is still there");
            if kind == wanted {
                return body;
            }
            if kind == PINGREQ {
                self.send(&[0xd0, 0]).await;
            }
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Grants the next subscription.
    pub(crate) async fn grant(&mut self) {
        let body = self.wait_for(SUBSCRIBE).await;
        self.send(&[0x90, 3, body[0], body[1], 1]).await;
    }

    /// Publishes with QoS 1.
    pub(crate) async fn publish(&mut self, packet: u16, topic: &str, body: &[u8]) {
        let mut rest = u16::try_from(topic.len()).unwrap().to_be_bytes().to_vec();
        rest.extend(topic.bytes());
        rest.extend(packet.to_be_bytes());
        rest.extend(body);
        let length = u8::try_from(rest.len() % 128 + 128).unwrap();
        let mut bytes = vec![0x32, length, u8::try_from(rest.len() / 128).unwrap()];
        bytes.extend(rest);
        self.send(&bytes).await;
    }

    /// The topic of the next message, which is acknowledged.
    pub(crate) async fn published(&mut self) -> String {
        let body = self.wait_for(PUBLISH).await;
        let end = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
        self.send(&[0x40, 2, body[end], body[end + 1]]).await;
        String::from_utf8(body[2..end].to_vec()).unwrap()
    }

    /// Answers the next DPS request.
    pub(crate) async fn answer(&mut self, status: &str, body: &Value) -> String {
        let topic = self.published().await;
        let rid = topic.split("$rid=").nth(1).unwrap().split('&').next().unwrap();
        let response = format!("$dps/registrations/res/{status}$rid={rid}");
        self.publish(1, &response, body.to_string().as_bytes()).await;
        topic
    }

    /// Waits until the client has said goodbye. Whoever goes first may take unread answers away with it.
    pub(crate) async fn left(&mut self) {
        self.wait_for(DISCONNECT).await;
    }

    /// The user name in the client's CONNECT, when it has no password.
    pub(crate) fn name_alone(&self) -> String {
        let flags = self.connect[7];
        assert_eq!(flags & 0xc0, 0x80, "a user name and no password");
        let id = usize::from(u16::from_be_bytes([self.connect[10], self.connect[11]]));
        String::from_utf8(self.connect[12 + id + 2..].to_vec()).unwrap()
    }

    /// The client's CONNECT, of which everything of interest is text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.connect).into_owned()
    }

    /// The password in the client's CONNECT, its last field.
    pub(crate) fn password(&self) -> String {
        let text = self.text();
        text[text.find("SharedAccessSignature").unwrap()..].to_owned()
    }
}

impl Client<TlsStream<TcpStream>> {
    /// Whether the client proved itself with a certificate.
    pub(crate) fn shows_certificate(&self) -> bool {
        self.stream.get_ref().1.peer_certificates().is_some()
    }
}
