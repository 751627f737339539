//! A client that knows MQTT 3.1.1 only as bytes, so that it shares no mistake with the server's codec.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use setpoint_emulator::{Declaration, Emulator, Identity, Options, identity::DeviceCertificate};
use setpoint_protocol::{Key, Token};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(crate) use crate::raw::packets::{packet, publish, text};

/// After this a test has failed; no test waits so long when it passes.
const FAILED: Duration = Duration::from_secs(30);

pub(crate) const CONNECTED: [u8; 4] = [0x20, 2, 0, 0];
pub(crate) const RESUMED: [u8; 4] = [0x20, 2, 1, 0];
pub(crate) const TWIN_RESPONSES: &str = "$iothub/twin/res/#";
pub(crate) const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/#";
pub(crate) const METHODS: &str = "$iothub/methods/POST/#";

/// An emulator on free ports.
pub(crate) struct Azure {
    pub(crate) emulator: Emulator,
    pub(crate) identity: Arc<Identity>,
}

impl Azure {
    pub(crate) async fn start() -> Azure {
        Azure::declared("").await
    }

    /// One with what a file of this text declares.
    pub(crate) async fn declared(text: &str) -> Azure {
        let identity = Arc::new(Identity::temporary().unwrap());
        setpoint_test_logs::start();
        let hub_keys = identity.device_keys().iter().chain([identity.service_key()]);
        setpoint_test_logs::keys(identity.group_keys().iter().chain(hub_keys));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("azure.yaml");
        std::fs::write(&file, text).unwrap();
        let declaration = Declaration::open(&file, &identity).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = Options {
            mqtt: any,
            https: any,
            identity: Arc::clone(&identity),
            data: None,
        };
        Azure {
            emulator: Emulator::start_declared(options, &declaration).await.unwrap(),
            identity,
        }
    }

    /// A TLS connection by which nothing has been said.
    pub(crate) async fn dial(&self) -> Client {
        self.dial_by(rustls::DEFAULT_VERSIONS).await
    }

    /// The same by these versions of TLS alone.
    pub(crate) async fn dial_by(&self, versions: &[&'static rustls::SupportedProtocolVersion]) -> Client {
        let config = self.tls(versions).with_no_client_auth();
        self.dial_with(config).await.unwrap()
    }

    /// The same with a certificate, in this version of TLS.
    pub(crate) async fn dial_as(
        &self,
        version: &'static rustls::SupportedProtocolVersion,
        certificate: &DeviceCertificate,
    ) -> Client {
        setpoint_test_logs::private_key(&certificate.key_pem);
        let chain = CertificateDer::pem_slice_iter(certificate.certificate_pem.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.as_bytes()).unwrap();
        let config = self
            .tls(&[version])
            .with_client_auth_cert(chain.collect::<Result<_, _>>().unwrap(), key)
            .unwrap();
        self.dial_with(config).await.unwrap()
    }

    /// What every client's TLS has in common.
    pub(crate) fn tls(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert> {
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.identity.ca_pem().as_bytes()).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
    }

    pub(crate) async fn dial_with(&self, config: rustls::ClientConfig) -> std::io::Result<Client> {
        let stream = shake_hands(self.emulator.mqtt_address(), config).await?;
        let tls_version = stream.get_ref().1.protocol_version();
        Ok(Client {
            stream: Box::new(stream),
            tls_version,
        })
    }

    /// The token of the identity's device.
    pub(crate) fn token(&self) -> String {
        let resource = format!("localhost/devices/{}", self.identity.device_id());
        Token::sign(&resource, &self.identity.device_keys()[0], u64::MAX, None).to_string()
    }

    /// A CONNECT of the identity's device.
    pub(crate) fn hello(&self) -> Connect {
        Connect::new(self.identity.device_id(), &self.token())
    }

    /// The identity's device, connected with an empty session.
    pub(crate) async fn device(&self) -> Client {
        self.connect(&self.hello(), CONNECTED).await
    }

    /// A client that sent this CONNECT and got this CONNACK.
    pub(crate) async fn connect(&self, connect: &Connect, connack: [u8; 4]) -> Client {
        let mut client = self.dial().await;
        client.send(&connect.bytes()).await;
        assert_eq!(client.packet().await, connack);
        client
    }
}

pub(crate) struct Connect {
    pub(crate) client_id: String,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) clean: bool,
    pub(crate) keep_alive: u16,
    pub(crate) level: u8,
    /// Topic, body, flags.
    pub(crate) will: Option<(String, &'static str, u8)>,
}

impl Connect {
    /// To the hub.
    pub(crate) fn new(device_id: &str, password: &str) -> Connect {
        Connect {
            client_id: device_id.to_owned(),
            username: Some(format!(
                "localhost/{device_id}/?api-version=2019-10-01&model-id=dtmi%3Aa%3Bb%3B1"
            )),
            password: Some(password.to_owned()),
            clean: true,
            keep_alive: 60,
            level: 4,
            will: None,
        }
    }

    /// To DPS.
    pub(crate) fn dps(id_scope: &str, id: &str, key: &Key) -> Connect {
        setpoint_test_logs::keys([key]);
        let token = Token::sign(
            &format!("{id_scope}/registrations/{id}"),
            key,
            u64::MAX,
            Some("registration"),
        );
        let username = format!("{id_scope}/registrations/{id}/api-version=2019-03-31");
        Connect {
            username: Some(username),
            ..Connect::new(id, &token.to_string())
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let will = self.will.as_ref();
        let flags = (u8::from(self.username.is_some()) << 7)
            | (u8::from(self.password.is_some()) << 6)
            | will.map_or(0, |(_, _, flags)| flags | 4)
            | (u8::from(self.clean) << 1);
        let [high, low] = self.keep_alive.to_be_bytes();
        let mut body = [
            &text("MQTT")[..],
            &[self.level, flags, high, low],
            &text(&self.client_id),
        ]
        .concat();
        if let Some((topic, payload, _)) = will {
            body.extend([text(topic), text(payload)].concat());
        }
        for field in [&self.username, &self.password].into_iter().flatten() {
            body.extend(text(field));
        }
        packet(0x10, &body)
    }
}

/// TLS with the emulator at one of its ports.
pub(crate) async fn shake_hands(
    address: SocketAddr,
    config: rustls::ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Io for S {}

pub(crate) struct Client {
    stream: Box<dyn Io>,
    tls_version: Option<rustls::ProtocolVersion>,
}

/// A PUBLISH as received.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) id: Option<u16>,
    pub(crate) again: bool,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Client {
    pub(crate) fn tls_version(&self) -> Option<rustls::ProtocolVersion> {
        self.tls_version
    }

    /// One that speaks through something else.
    pub(crate) fn through(stream: tokio::io::DuplexStream) -> Client {
        Client {
            stream: Box::new(stream),
            tls_version: None,
        }
    }

    /// The bytes alone.
    pub(crate) fn into_stream(self) -> Box<dyn Io> {
        self.stream
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).await.unwrap();
    }

    /// The same to a server that may have closed.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// The next packet, whole.
    pub(crate) async fn packet(&mut self) -> Vec<u8> {
        self.receive().await.expect("the server closed the connection")
    }

    /// Asserts that the server sends nothing more and closes.
    pub(crate) async fn closed(mut self) {
        assert_eq!(self.receive().await, None);
    }

    async fn receive(&mut self) -> Option<Vec<u8>> {
        let reading = async {
            let mut bytes = vec![self.stream.read_u8().await.ok()?];
            let (mut length, mut shift) = (0, 0);
            loop {
                let digit = self.stream.read_u8().await.ok()?;
                bytes.push(digit);
                length |= usize::from(digit & 0x7F) << shift;
                shift += 7;
                if digit & 0x80 == 0 {
                    break;
                }
            }
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).await.ok()?;
            bytes.extend(body);
            Some(bytes)
        };
        time::timeout(FAILED, reading).await.expect("nothing came in 30 s")
    }

    /// The next packet, which is a message.
    pub(crate) async fn message(&mut self) -> Message {
        let bytes = self.packet().await;
        assert_eq!(bytes[0] >> 4, 3, "not a PUBLISH: {bytes:02x?}");
        let header = 1 + bytes[1..].iter().position(|digit| digit & 0x80 == 0).unwrap() + 1;
        let body = &bytes[header..];
        let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
        let (topic, rest) = body[2..].split_at(length);
        let (id, body) = match (bytes[0] >> 1) & 3 {
            0 => (None, rest),
            _ => (Some(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
        };
        let topic = String::from_utf8(topic.to_vec()).unwrap();
        Message {
            topic,
            id,
            again: bytes[0] & 8 != 0,
            body: body.to_vec(),
        }
    }

    /// Subscribes and gives the granted QoS back, 0x80 for a refusal.
    pub(crate) async fn subscribe(&mut self, filter: &str, qos: u8) -> u8 {
        self.send(&packet(0x82, &[&[0, 42][..], &text(filter), &[qos]].concat()))
            .await;
        let suback = self.packet().await;
        assert_eq!(suback[..4], [0x90, 3, 0, 42]);
        suback[4]
    }

    /// Publishes with QoS 1 and waits for the PUBACK.
    pub(crate) async fn publish(&mut self, topic: &str, body: &[u8]) {
        self.send(&publish(topic, Some(77), body)).await;
        assert_eq!(self.packet().await, [0x40, 2, 0, 77]);
    }

    /// Asks and gives the answer back; the topic has `{rid}` where the request id goes.
    pub(crate) async fn request(&mut self, topic: &str, body: &[u8]) -> Message {
        self.send(&publish(topic, None, body)).await;
        self.message().await
    }
}
