//! MQTT over WebSockets, for networks that let nothing but HTTPS through.
//!
//! Source: Microsoft, "Communicate with an IoT hub using the MQTT protocol", "Using the MQTT protocol over a WebSocket"; OASIS,
//! MQTT 3.1.1, chapter 6: packets travel in binary messages, wherever one message ends and the next begins.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Sink, Stream as _};
use setpoint_protocol::endpoint::Endpoint;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::dial::Stream;

/// The port of HTTPS.
pub(super) const PORT: u16 = 443;

/// Where both services speak MQTT.
const PATH: &str = "/$iothub/websocket";

/// The bytes of a WebSocket's messages.
pub(super) struct WebSocket {
    messages: WebSocketStream<Box<dyn Stream>>,
    /// What has been received and not been read.
    rest: Bytes,
}

impl WebSocket {
    /// Asks the server at `endpoint`, to which `stream` leads, to speak MQTT. An error says what it answered.
    pub(super) async fn open(endpoint: &Endpoint, stream: Box<dyn Stream>) -> Result<WebSocket, String> {
        let address = format!("wss://{endpoint}{PATH}");
        let mut request = address.into_client_request().map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        headers.insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt"));
        match client_async(request, stream).await {
            Ok((messages, _)) => Ok(WebSocket {
                messages,
                rest: Bytes::new(),
            }),
            Err(Error::Http(answer)) => Err(format!("{} in answer to {PATH}", answer.status())),
            Err(error) => Err(error.to_string()),
        }
    }

    fn messages(self: Pin<&mut Self>) -> Pin<&mut WebSocketStream<Box<dyn Stream>>> {
        Pin::new(&mut self.get_mut().messages)
    }
}

impl AsyncRead for WebSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(self.as_mut().messages().poll_next(context)) {
                Some(Ok(Message::Binary(bytes))) => self.rest = bytes,
                // Pings are answered below this.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Text(_))) => {
                    let error = io::Error::new(io::ErrorKind::InvalidData, "a text where MQTT was to come");
                    return Poll::Ready(Err(error));
                }
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(transport_error(error))),
            }
        }
        let length = self.rest.len().min(buffer.remaining());
        buffer.put_slice(&self.rest.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for WebSocket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.as_mut().messages().poll_ready(context)).map_err(transport_error)?;
        let message = Message::Binary(Bytes::copy_from_slice(bytes));
        self.messages().start_send(message).map_err(transport_error)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.messages().poll_flush(context).map_err(transport_error)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.messages().poll_close(context).map_err(transport_error)
    }
}

/// What it would have been without the WebSocket between.
fn transport_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => io::ErrorKind::UnexpectedEof.into(),
        error => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}
