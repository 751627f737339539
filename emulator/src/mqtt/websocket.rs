//! MQTT over WebSockets, on the HTTPS port: for devices behind firewalls that let nothing else out.
//!
//! Source: OASIS MQTT 3.1.1, 6; Microsoft, "Communicate with an IoT hub using the MQTT protocol": path `/$iothub/websocket` with
//! or without `?iothub-no-client-cert=true`, subprotocol `mqtt`. DPS has the same path.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{
        WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{Sink, Stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
};

use crate::listener::Origin;

/// The hub's and DPS's path.
const PATH: &str = "/$iothub/websocket";

/// The subprotocol that clients have to offer (MQTT 3.1.1, 6.0), and how azure-iot-sdk-c spells it, which the hub takes too
/// (`ws_io_config.protocol` in its iothubtransportmqtt_websockets.c; prov_transport_mqtt_ws_client.c for DPS).
const PROTOCOLS: [&str; 2] = ["mqtt", "MQTT"];

/// The largest frame or message taken, in bytes: some of the largest packets. MQTT does not care where frames end.
const MESSAGE_LIMIT: usize = 1024 * 1024;

/// Bytes read at a time, as by the connections without WebSockets.
const READ_SIZE: usize = 4 * 1024;

/// A client that speaks MQTT through a WebSocket, and where it came from.
pub(crate) type Upgraded = (WebSocketIo, Origin);

/// Answers the handshake and passes on who made it. Requests carry their [`Origin`] as an extension.
pub(crate) fn route(upgraded: mpsc::Sender<Upgraded>) -> Router {
    Router::new().route(
        PATH,
        get(async |upgrade: WebSocketUpgrade, Extension(origin): Extension<Origin>| answer(upgrade, origin, upgraded)),
    )
}

fn answer(upgrade: WebSocketUpgrade, origin: Origin, upgraded: mpsc::Sender<Upgraded>) -> Response {
    let upgrade = upgrade
        .protocols(PROTOCOLS)
        .max_message_size(MESSAGE_LIMIT)
        .max_frame_size(MESSAGE_LIMIT)
        .read_buffer_size(READ_SIZE)
        // What is written comes in one piece already.
        .write_buffer_size(0);
    if upgrade.selected_protocol().is_none() {
        let [name, _] = PROTOCOLS;
        let why = format!("the WebSocket is for the subprotocol {name:?}: offer it in Sec-WebSocket-Protocol");
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    upgrade.on_upgrade(async move |socket| {
        // Nobody takes it when the emulator is being stopped.
        let _ = upgraded.send((WebSocketIo::new(socket), origin)).await;
    })
}

/// The bytes in a WebSocket's binary frames. Pings are answered while it is read from.
pub(crate) struct WebSocketIo {
    socket: WebSocket,
    /// What has been received and not read.
    unread: Bytes,
}

impl WebSocketIo {
    pub(crate) fn new(socket: WebSocket) -> WebSocketIo {
        WebSocketIo {
            socket,
            unread: Bytes::new(),
        }
    }
}

impl AsyncRead for WebSocketIo {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                Some(Ok(Message::Binary(bytes))) => self.unread = bytes,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(_))) => {
                    let error = "the client sent a text frame: its protocol goes in binary ones";
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
                }
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
            }
        }
        let count = buffer.remaining().min(self.unread.len());
        buffer.put_slice(&self.unread.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for WebSocketIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut socket = Pin::new(&mut self.socket);
        ready!(socket.as_mut().poll_ready(cx)).map_err(io::Error::other)?;
        let message = Message::Binary(Bytes::copy_from_slice(bytes));
        socket.start_send(message).map_err(io::Error::other)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(io::Error::other)
    }

    /// Says goodbye with a close frame.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx).map_err(io::Error::other)
    }
}
