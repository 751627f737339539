//! A device, as little of one as there can be, so that what is measured is the server.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use rustls::pki_types::ServerName;
use setpoint_protocol::Token;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::server::Server;

/// A server that is silent for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The name of a device.
pub(crate) fn name(number: usize) -> String {
    format!("load-{number:05}")
}

pub(crate) struct Client {
    pub(crate) stream: TlsStream<TcpStream>,
    /// A PUBLISH of QoS 1, and where its packet id stands.
    message: Vec<u8>,
    id_at: usize,
    /// PUBACKs are four bytes, of which some have come.
    rest: usize,
}

impl Client {
    pub(crate) async fn connect(server: &Server, number: usize) -> anyhow::Result<Client> {
        let connecting = async {
            // mosquitto begins to listen after it has started.
            let tcp = loop {
                match TcpStream::connect(server.mqtt).await {
                    Ok(tcp) => break tcp,
                    Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                        time::sleep(Duration::from_millis(10)).await;
                    }
                    Err(error) => return Err(error.into()),
                }
            };
            Client::greet(server, tcp, number).await
        };
        time::timeout(PATIENCE, connecting)
            .await
            .context("the server does not answer")?
    }

    async fn greet(server: &Server, tcp: TcpStream, number: usize) -> anyhow::Result<Client> {
        tcp.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::clone(&server.tls));
        let mut stream = connector.connect(ServerName::try_from("localhost")?, tcp).await?;
        let id = name(number);
        let [key, _] = server.identity.device_keys();
        let token = Token::sign(&format!("localhost/devices/{id}"), key, u64::MAX, None).to_string();
        let body = [
            &text("MQTT")?[..],
            &[4, 0b1100_0010, 4, 0],
            &text(&id)?,
            &text(&format!("localhost/{id}/?api-version=2021-04-12"))?,
            &text(&token)?,
        ]
        .concat();
        stream.write_all(&packet(0x10, &body)).await?;
        stream.flush().await?;
        let mut connack = [0; 4];
        stream.read_exact(&mut connack).await?;
        anyhow::ensure!(connack == [0x20, 2, 0, 0], "{id}: {connack:02x?}");
        let topic = text(&format!(
            "devices/{id}/messages/events/%24.ct=application%2Fjson&%24.ce=utf-8"
        ))?;
        let body = [
            &topic[..],
            &[0, 0],
            br#"{"temperature":21.5,"humidity":48.2,"n":12345}"#,
        ]
        .concat();
        let message = packet(0x32, &body);
        let id_at = message.len() - body.len() + topic.len();
        Ok(Client {
            stream,
            message,
            id_at,
            rest: 0,
        })
    }

    /// Sends messages with these packet ids, together.
    pub(crate) async fn send(&mut self, ids: impl Iterator<Item = u16>) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        for id in ids {
            let start = bytes.len() + self.id_at;
            bytes.extend_from_slice(&self.message);
            if let Some(place) = bytes.get_mut(start..start + 2) {
                place.copy_from_slice(&id.to_be_bytes());
            }
        }
        self.stream.write_all(&bytes).await?;
        Ok(self.stream.flush().await?)
    }

    /// Waits for PUBACKs; how many came.
    pub(crate) async fn acknowledged(&mut self) -> anyhow::Result<usize> {
        let mut buffer = [0; 4096];
        loop {
            let count = time::timeout(PATIENCE, self.stream.read(&mut buffer))
                .await
                .context("no PUBACK came")??;
            anyhow::ensure!(count > 0, "the server closed");
            self.rest += count;
            if self.rest >= 4 {
                let whole = self.rest / 4;
                self.rest %= 4;
                return Ok(whole);
            }
        }
    }
}

pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut left = body.len();
    while left > 127 {
        bytes.push((left % 128) as u8 | 0x80);
        left /= 128;
    }
    bytes.push(left as u8);
    bytes.extend_from_slice(body);
    bytes
}

pub(crate) fn text(text: &str) -> anyhow::Result<Vec<u8>> {
    Ok([&u16::try_from(text.len())?.to_be_bytes()[..], text.as_bytes()].concat())
}
