//! One MQTT session over TLS, as both services are spoken to: packets in the form of rumqttc's codec, polled by whoever
//! waits, so that a device needs no task of its own, and errors told apart by what the operator can do about them.

mod ending;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use rumqttc::{Connect, ConnectAuth, ConnectReturnCode, Packet, PubAck, Publish, QoS, Subscribe};
use setpoint_protocol::endpoint::Endpoint;
use setpoint_protocol::sas::Token;
use setpoint_protocol::topic::Filter;
use tokio::time::{Instant, timeout, timeout_at};

use self::ending::{Refusal, broken, io_error, is_closed_by_peer, refusal};
use self::wire::{Broken, Wire};
use super::dial::{Stream, dial};
use super::{Access, ConnectError};

pub(super) use self::ending::{in_words, verdict_on_client};

/// MQTT over TLS, as registered with IANA.
pub(super) const PORT: u16 = 8883;

/// For name resolution, TCP, TLS and CONNACK together, and for SUBACK. Azure answers within two seconds; satellite and
/// cellular links need several round trips of a second and more.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// IoT Hub's limit for a device-to-cloud message with its properties; everything else is smaller.
pub(super) const LARGEST_MESSAGE: usize = 256 * 1024;

/// The same with room for the fixed header and a topic of the length that MQTT allows.
const LARGEST_PACKET: usize = LARGEST_MESSAGE + 64 * 1024 + 16;

/// Who opens a session, and where.
pub(super) struct Login {
    /// The device or registration; names it in errors and is the client id.
    pub(super) id: String,
    /// With the port that is dialled.
    pub(super) endpoint: Endpoint,
    pub(super) username: String,
    /// None when TLS proves who it is.
    pub(super) password: Option<Token>,
    /// Whether the service forgets the session when it ends.
    pub(super) clean: bool,
}

impl Login {
    fn auth(&self) -> ConnectAuth {
        let username = self.username.clone();
        match &self.password {
            Some(token) => ConnectAuth::UsernamePassword {
                username,
                password: token.to_string().into(),
            },
            None => ConnectAuth::Username { username },
        }
    }
}

/// An open session.
pub(super) struct Session {
    id: String,
    endpoint: Endpoint,
    wire: Wire,
}

impl Session {
    /// Connects, and returns when the service has accepted.
    pub(super) async fn open(login: Login, access: &Access) -> Result<Session, ConnectError> {
        let deadline = Instant::now() + PATIENCE;
        let endpoint = login.endpoint.clone();
        let opened = timeout_at(deadline, async {
            let stream = dial(&login.id, &login.endpoint, access).await?;
            Session::start(login, access, stream).await
        });
        opened.await.map_err(|_| ConnectError::Unreachable {
            endpoint,
            reason: format!("no answer within {} s", PATIENCE.as_secs()),
        })?
    }

    /// Says CONNECT and waits for the answer.
    async fn start(login: Login, access: &Access, stream: Box<dyn Stream>) -> Result<Session, ConnectError> {
        let auth = login.auth();
        let Login {
            id, endpoint, clean, ..
        } = login;
        let mut session = Session {
            endpoint,
            wire: Wire::new(
                stream,
                Duration::from_secs(access.keep_alive_seconds().into()),
                access.longest_silence(),
            ),
            id,
        };
        let connect = Packet::Connect(Connect {
            keep_alive: access.keep_alive_seconds(),
            client_id: session.id.clone(),
            clean_session: clean,
            last_will: None,
            auth,
        });
        match session.greet(&connect).await {
            Ok(()) => Ok(session),
            Err(error) => Err(session.not_opened(&error)),
        }
    }

    async fn greet(&mut self, connect: &Packet) -> Result<(), Broken> {
        self.wire.put(connect)?;
        match self.wire.next().await? {
            Packet::ConnAck(answer) if answer.code == ConnectReturnCode::Success => Ok(()),
            Packet::ConnAck(answer) => Err(Broken::Refused(answer.code)),
            _ => Err(Broken::NoAnswer),
        }
    }

    /// Asks for a subscription with QoS 1; the answer is a [`Packet::SubAck`].
    pub(super) fn subscribe(&mut self, filter: &Filter) -> Result<(), ConnectError> {
        let mut subscribe = Subscribe::new(filter.to_string(), QoS::AtLeastOnce);
        subscribe.pkid = self.wire.new_id();
        self.put(&Packet::Subscribe(subscribe))
    }

    /// Hands a message over with QoS 1, under the packet id that is returned. It leaves while [`Session::next`] is waited for.
    pub(super) fn publish(&mut self, topic: Bytes, body: Bytes) -> Result<u16, ConnectError> {
        let packet_id = self.wire.new_id();
        let publish = Publish {
            dup: false,
            qos: QoS::AtLeastOnce,
            retain: false,
            topic,
            pkid: packet_id,
            payload: body,
        };
        self.put(&Packet::Publish(publish))?;
        Ok(packet_id)
    }

    /// Acknowledges the message that came in this packet with QoS 1. It leaves while [`Session::next`] is waited for.
    pub(super) fn acknowledge(&mut self, packet_id: u16) -> Result<(), ConnectError> {
        self.put(&Packet::PubAck(PubAck::new(packet_id)))
    }

    fn put(&mut self, packet: &Packet) -> Result<(), ConnectError> {
        self.wire.put(packet).map_err(|error| self.lost(&broken(&error)))
    }

    /// The next packet. Messages with QoS 1 are not acknowledged. Cancel safe: what was under way goes on at the next call.
    pub(super) async fn next(&mut self) -> Result<Packet, ConnectError> {
        self.wire.next().await.map_err(|error| self.ended(&error))
    }

    /// The next packet of those that have been read. Never waits.
    pub(super) fn ready(&mut self) -> Option<Result<Packet, ConnectError>> {
        let ready = self.wire.ready()?;
        Some(ready.map_err(|error| self.ended(&error)))
    }

    fn ended(&self, error: &Broken) -> ConnectError {
        if is_closed_by_peer(error) {
            return ConnectError::Closed {
                device: self.id.clone(),
                endpoint: self.endpoint.clone(),
            };
        }
        self.lost(&broken(error))
    }

    /// Waits until `subscriptions` SUBACKs have come. What else comes meanwhile goes to `other`, whose errors end it.
    pub(super) async fn subscribed(
        &mut self,
        subscriptions: usize,
        mut other: impl FnMut(Packet) -> Result<(), String>,
    ) -> Result<(), ConnectError> {
        let deadline = Instant::now() + PATIENCE;
        let mut missing = subscriptions;
        while missing > 0 {
            let packet = match timeout_at(deadline, self.next()).await {
                Ok(packet) => packet?,
                Err(_) => return Err(self.lost("subscriptions were not answered in time")),
            };
            match packet {
                Packet::SubAck(answer) => {
                    let accepted = |code: &_| matches!(code, rumqttc::SubscribeReasonCode::Success(_));
                    if !answer.return_codes.iter().all(accepted) {
                        return Err(self.lost("a subscription was refused"));
                    }
                    missing -= 1;
                }
                packet => other(packet).map_err(|reason| self.lost(&reason))?,
            }
        }
        Ok(())
    }

    /// Sends DISCONNECT and waits, for a second at most, until it has left.
    pub(super) async fn close(mut self) {
        if self.wire.put(&Packet::Disconnect).is_ok() {
            // Whether it left or the time is up, the session is over.
            let _ = timeout(Duration::from_secs(1), self.wire.flush()).await;
        }
    }

    /// The error of a session that has ended, for `reason`.
    pub(super) fn lost(&self, reason: &str) -> ConnectError {
        ConnectError::Lost {
            device: self.id.clone(),
            endpoint: self.endpoint.clone(),
            reason: reason.to_owned(),
        }
    }

    fn not_opened(&self, error: &Broken) -> ConnectError {
        let refused = |reason| ConnectError::Refused {
            device: self.id.clone(),
            endpoint: self.endpoint.clone(),
            reason,
        };
        let Broken::Refused(code) = error else {
            // With TLS 1.3 the handshake is over for the client before the server has looked at its certificate.
            return match io_error(error).and_then(verdict_on_client) {
                Some(reason) => refused(reason),
                None => self.lost(&format!("no answer to CONNECT: {}", broken(error))),
            };
        };
        match refusal(*code) {
            Refusal::Final(reason) => refused(reason.to_owned()),
            Refusal::ForNow(reason) => self.lost(reason),
        }
    }
}

#[cfg(test)]
#[path = "mqtt_tests.rs"]
mod tests;
