//! The first packet: who is it, which service, and may it?

use std::time::Duration;

use chrono::Utc;
use mqtt_protocol_core::mqtt::result_code::ConnectReturnCode as Code;
use setpoint_protocol::{DpsUsername, HubUsername, Token, Username};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{self, Instant};

use super::{
    Services,
    dps::DpsService,
    hub::{self, HubService},
    packet::{self, Connect, Packet, Violation},
    session::{self, Ended},
    wire::Wire,
};
use crate::{listener::Client, state::Applicant};

/// How long a client may take from the TLS handshake to a whole CONNECT.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// Timers need an end; no token of an SDK lives as long.
const LONGEST_SESSION: Duration = Duration::from_secs(365 * 24 * 3600);

/// Serves one client to its end.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    client: Client<S>,
    services: &Services,
) -> Result<(), Ended> {
    let mut wire = Wire::new(client.stream);
    let raw = time::timeout(CONNECT_DEADLINE, wire.next())
        .await
        .map_err(|_| Ended::NoConnect)??;
    let Packet::Connect(connect) = Packet::parse(&raw)? else {
        return Err(Violation::Unexpected("another packet before CONNECT").into());
    };
    if !connect.level_known {
        return refuse(
            wire,
            Code::UnacceptableProtocolVersion,
            "it speaks another version of MQTT than 3.1.1",
        )
        .await;
    }
    match connect.username.as_deref().map(Username::parse) {
        Some(Ok(Username::Dps(username))) => provision(wire, *connect, username, client.server_name, services).await,
        Some(Ok(Username::Hub(username))) => attend(wire, *connect, username, services).await,
        Some(Err(error)) => refuse(wire, Code::BadUserNameOrPassword, &error.to_string()).await,
        None => refuse(wire, Code::BadUserNameOrPassword, "it has no user name").await,
    }
}

/// DPS. The token is judged when the device registers, as the real one does it: a wrong key is refused then, not here.
async fn provision<S: AsyncRead + AsyncWrite + Unpin>(
    mut wire: Wire<S>,
    connect: Connect,
    username: DpsUsername,
    server_name: String,
    services: &Services,
) -> Result<(), Ended> {
    if !connect.client_id.eq_ignore_ascii_case(&username.registration_id) {
        return refuse(
            wire,
            Code::IdentifierRejected,
            "its client id is not its registration id",
        )
        .await;
    }
    let token = token(&connect);
    let expiry = expiry(token.as_ref());
    let applicant = Applicant {
        id_scope: username.id_scope,
        registration_id: username.registration_id,
        token,
        server_name,
    };
    wire.push(&packet::connack(Code::Accepted, false)?);
    let mut service = DpsService {
        hub: services.hub.clone(),
        enrollments: services.enrollments.clone(),
        applicant,
        subscribed: false,
    };
    let ended = session::run(&mut wire, &mut service, connect.keep_alive, expiry).await;
    wire.close().await;
    ended
}

/// IoT Hub.
async fn attend<S: AsyncRead + AsyncWrite + Unpin>(
    mut wire: Wire<S>,
    connect: Connect,
    username: HubUsername,
    services: &Services,
) -> Result<(), Ended> {
    let HubUsername {
        hub: hub_name,
        device_id,
        module_id,
        model_id,
        ..
    } = username;
    let expected = module_id
        .iter()
        .fold(device_id.clone(), |id, module_id| format!("{id}/{module_id}"));
    if connect.client_id != expected {
        return refuse(wire, Code::IdentifierRejected, "its client id is not its device id").await;
    }
    if module_id.is_some() {
        return refuse(wire, Code::NotAuthorized, "modules are not registered with this hub").await;
    }
    let Some(token) = token(&connect) else {
        return refuse(wire, Code::NotAuthorized, "its password is not a SAS token").await;
    };
    if let Err(error) = services.hub.authenticate(&device_id, &hub_name, &token) {
        return refuse(wire, Code::NotAuthorized, &format!("{device_id}: {error}")).await;
    }
    let will = match connect.will.map(|will| hub::check_will(will, &device_id)).transpose() {
        Ok(will) => will,
        Err(error) => return refuse(wire, Code::NotAuthorized, &format!("{device_id}: its will: {error}")).await,
    };
    let Ok(link) = services.hub.connect(&device_id, connect.clean, model_id.as_deref()) else {
        return refuse(wire, Code::NotAuthorized, "the device was deleted meanwhile").await;
    };
    tracing::debug!(device = device_id, kept = link.session_present(), "connected");
    wire.push(&packet::connack(Code::Accepted, link.session_present())?);
    let mut service = HubService::new(device_id.clone(), link, will);
    let ended = session::run(&mut wire, &mut service, connect.keep_alive, expiry(Some(&token))).await;
    // The device is offline from here on, not only when the last bytes have been exchanged.
    drop(service);
    match &ended {
        Ok(()) => tracing::debug!(device = device_id, "disconnected"),
        Err(reason) => tracing::info!(device = device_id, "connection ended: {reason}"),
    }
    wire.close().await;
    Ok(())
}

/// Answers CONNECT with a refusal and closes. `why` is for the log; the client learns the code.
async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(mut wire: Wire<S>, code: Code, why: &str) -> Result<(), Ended> {
    tracing::warn!("connection refused with CONNACK {}: {why}", code as u8);
    wire.push(&packet::connack(code, false)?);
    wire.close().await;
    Ok(())
}

fn token(connect: &Connect) -> Option<Token> {
    let text = std::str::from_utf8(connect.password.0.as_deref()?).ok()?;
    Token::parse(text).ok()
}

/// When a token ends, on the clock that timers go by.
fn expiry(token: Option<&Token>) -> Instant {
    let now = u64::try_from(Utc::now().timestamp()).unwrap_or(0);
    let left = token.map_or(LONGEST_SESSION, |token| {
        Duration::from_secs(token.expiry().saturating_sub(now))
    });
    Instant::now() + left.min(LONGEST_SESSION)
}
