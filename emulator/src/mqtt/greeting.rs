//! The first packet: who is it, which service, and may it?

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use mqtt_protocol_core::mqtt::result_code::ConnectReturnCode as Code;
use setpoint_protocol::{DpsUsername, HubUsername, PropertyBag, Token, Username};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{self, Instant},
};

use super::{
    Services,
    dps::DpsService,
    hub::{self, HubService},
    packet::{self, Connect, Packet, Violation},
    session::{self, Ended},
    wire::Wire,
};
use crate::{
    listener::Origin,
    state::{Admission, Applicant, ClientCertificate, Hub, Link, Throttle, identity_name},
};

/// How long a client may take from the TLS handshake to a whole CONNECT.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// Timers need an end; no token of an SDK lives as long.
const LONGEST_SESSION: Duration = Duration::from_secs(365 * 24 * 3600);

/// Serves one client to its end.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    origin: Origin,
    services: &Services,
) -> Result<(), Ended> {
    let mut wire = Wire::new(stream).keeping(services.keeping.clone());
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
    if origin.is_one_too_many() {
        return refuse(wire, Code::ServerUnavailable, "there are too many connections").await;
    }
    match connect.username.as_deref().map(Username::parse) {
        Some(Ok(Username::Dps(username))) => provision(wire, *connect, username, origin, services).await,
        Some(Ok(Username::Hub(username))) => attend(wire, *connect, username, origin, services).await,
        // As Azure's front end does: 5 for whoever it does not know, whatever it did not like.
        Some(Err(error)) => refuse(wire, Code::NotAuthorized, &error.to_string()).await,
        None => refuse(wire, Code::NotAuthorized, "it has no user name").await,
    }
}

/// DPS. The token, or the certificate of a client without one, is judged when the device registers, as the real one does it: a
/// wrong key is refused then, not here.
async fn provision<S: AsyncRead + AsyncWrite + Unpin>(
    mut wire: Wire<S>,
    connect: Connect,
    username: DpsUsername,
    origin: Origin,
    services: &Services,
) -> Result<(), Ended> {
    if !connect.client_id.eq_ignore_ascii_case(&username.registration_id) {
        return refuse(wire, Code::NotAuthorized, "its client id is not its registration id").await;
    }
    if let Some(code) = services.enrollments.faults().on_connect(&username.registration_id) {
        return refuse(wire, refusal_code(code), "this refusal was asked for").await;
    }
    let token = token(&connect);
    // One that has ended already is refused when the device registers, in an answer that says what time it is.
    let expiry = expiry(token.as_ref().filter(|token| token.expiry() > now()));
    let applicant = Applicant {
        id_scope: username.id_scope,
        registration_id: username.registration_id,
        token,
        certificate: origin.certificate,
        server_name: origin.server_name,
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
    origin: Origin,
    services: &Services,
) -> Result<(), Ended> {
    let device_id = identity_name(&username.device_id, username.module_id.as_deref());
    let keep_alive = connect.keep_alive;
    let hub = services.hub_named(&username.hub);
    match hub.throttles().admit(Throttle::Connects, 1) {
        Admission::After(wait) if wait.is_zero() => {}
        Admission::After(wait) => time::sleep(wait).await,
        Admission::Refused => {
            hub.note_connect(&device_id, Code::ServerUnavailable as u8, false);
            return refuse(wire, Code::ServerUnavailable, "there are too many connects a second").await;
        }
    }
    let Admitted { link, will, expiry } = match admit(connect, username, origin.certificate, &hub) {
        Ok(admitted) => admitted,
        Err((code, why)) => {
            hub.note_connect(&device_id, code as u8, false);
            return refuse(wire, code, &format!("{device_id}: {why}")).await;
        }
    };
    let session_present = link.session_present();
    hub.note_connect(&device_id, Code::Accepted as u8, session_present);
    tracing::debug!(device = device_id, kept = session_present, "connected");
    wire.push(&packet::connack(Code::Accepted, session_present)?);
    // Before the session, which may have to be mute from the next packet on.
    wire.flush().await?;
    if hub.faults().on_connected(&device_id) {
        link.mute();
    }
    let mut service = HubService::new(device_id.clone(), link, will, hub);
    let ended = session::run(&mut wire, &mut service, keep_alive, expiry).await;
    // The device is offline from here on, not only when the last bytes have been exchanged.
    drop(service);
    match &ended {
        Ok(()) => tracing::debug!(device = device_id, "disconnected"),
        Err(reason) => tracing::info!(device = device_id, "connection ended: {reason}"),
    }
    if !matches!(ended, Err(Ended::Severed)) {
        wire.close().await;
    }
    Ok(())
}

/// A device that may connect to the hub, connected.
struct Admitted {
    link: Link,
    will: Option<(PropertyBag, Vec<u8>)>,
    expiry: Instant,
}

/// Whether a device may connect to the hub; if not, the code it is told and the reason for the log.
fn admit(
    connect: Connect,
    username: HubUsername,
    certificate: Option<ClientCertificate>,
    hub: &Arc<Hub>,
) -> Result<Admitted, (Code, String)> {
    let device_id = identity_name(&username.device_id, username.module_id.as_deref());
    let HubUsername {
        hub: hub_name,
        model_id,
        ..
    } = username;
    if let Some(code) = hub.faults().on_connect(&device_id) {
        return Err((refusal_code(code), "this refusal was asked for".to_owned()));
    }
    if connect.client_id != device_id {
        // MQTT-3.1.3-8: without a client id there is no session to keep.
        let code = if connect.client_id.is_empty() && !connect.clean {
            Code::IdentifierRejected
        } else {
            Code::NotAuthorized
        };
        return Err((
            code,
            "its client id is not its device id, or for a module device/module".to_owned(),
        ));
    }
    let unauthorized = |why: String| (Code::NotAuthorized, why);
    let token = token(&connect);
    match (&token, &connect.password.0, certificate) {
        (Some(token), ..) => hub.authenticate(&device_id, &hub_name, token),
        (None, None, Some(certificate)) => hub.authenticate_certificate(&device_id, &certificate),
        (None, Some(_), _) => return Err(unauthorized("its password is not a SAS token".to_owned())),
        (None, None, None) => return Err(unauthorized("it has neither password nor certificate".to_owned())),
    }
    .map_err(|error| unauthorized(error.to_string()))?;
    let will = connect
        .will
        .map(|will| hub::check_will(will, &device_id))
        .transpose()
        .map_err(|error| unauthorized(format!("its will: {error}")))?;
    let link = hub
        .connect(&device_id, connect.clean, model_id.as_deref())
        .map_err(|_| unauthorized("it was deleted meanwhile".to_owned()))?;
    Ok(Admitted {
        link,
        will,
        expiry: expiry(token.as_ref()),
    })
}

/// The code of a refusal that was asked for.
fn refusal_code(code: u8) -> Code {
    match code {
        1 => Code::UnacceptableProtocolVersion,
        2 => Code::IdentifierRejected,
        4 => Code::BadUserNameOrPassword,
        5 => Code::NotAuthorized,
        _ => Code::ServerUnavailable,
    }
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
    let left = token.map_or(LONGEST_SESSION, |token| {
        Duration::from_secs(token.expiry().saturating_sub(now()))
    });
    Instant::now() + left.min(LONGEST_SESSION)
}

/// In Unix seconds.
fn now() -> u64 {
    u64::try_from(Utc::now().timestamp()).unwrap_or(0)
}
