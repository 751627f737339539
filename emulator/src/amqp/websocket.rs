//! AMQP over WebSockets, on the HTTPS port: for services behind firewalls that let nothing else out.
//!
//! Source: OASIS, "AMQP WebSocket Binding" 1.0 (committee draft), as the SDKs of Event Hubs speak it: path
//! `/$servicebus/websocket`, subprotocol `AMQPWSB10`.

use axum::{
    Extension, Router,
    extract::WebSocketUpgrade,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::sync::mpsc;

use super::frame::FRAME_LIMIT;
use crate::{
    listener::Origin,
    mqtt::websocket::{Upgraded, WebSocketIo},
};

const PATH: &str = "/$servicebus/websocket";

const PROTOCOL: &str = "AMQPWSB10";

/// Answers the handshake and passes on who made it. Requests carry their [`Origin`] as an extension.
pub(crate) fn route(upgraded: mpsc::Sender<Upgraded>) -> Router {
    let answer =
        get(async |upgrade: WebSocketUpgrade, Extension(origin): Extension<Origin>| answer(upgrade, origin, upgraded));
    // Some clients write a slash at the end.
    Router::new()
        .route(PATH, answer.clone())
        .route(&format!("{PATH}/"), answer)
}

fn answer(upgrade: WebSocketUpgrade, origin: Origin, upgraded: mpsc::Sender<Upgraded>) -> Response {
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(2 * FRAME_LIMIT)
        .max_frame_size(2 * FRAME_LIMIT)
        .write_buffer_size(0);
    if upgrade.selected_protocol().is_none() {
        let why = format!("the WebSocket is for the subprotocol {PROTOCOL:?}: offer it in Sec-WebSocket-Protocol");
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    upgrade.on_upgrade(async move |socket| {
        // Nobody takes it when the emulator is being stopped.
        let _ = upgraded.send((WebSocketIo::new(socket), origin)).await;
    })
}
