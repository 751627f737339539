//! One MQTT session over TLS, as both services are spoken to: rumqttc with its event loop polled by whoever waits, so that
//! a device needs no task of its own, and its errors told apart by what the operator can do about them.

mod driver;
mod ending;

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rumqttc::{
    AckMode, AsyncClient, Broker, ConnectAuth, ConnectionError, Event, ManualAck, MqttOptions, NetworkOptions, Packet,
    PubAck, PublishOptions, QoS, Transport,
};
use setpoint_protocol::endpoint::Endpoint;
use setpoint_protocol::sas::Token;
use setpoint_protocol::topic::Filter;
use tokio::time::{Instant, timeout, timeout_at};

use self::driver::{Driver, Ending};
use self::ending::{Refusal, client_error, io_error, is_closed_by_peer, refusal};
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

/// How many requests may leave in one flush.
const BATCH: usize = 32;

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
    client: AsyncClient,
    driver: Driver,
}

impl Session {
    /// Connects, and returns when the service has accepted.
    pub(super) async fn open(login: Login, access: &Access) -> Result<Session, ConnectError> {
        let deadline = Instant::now() + PATIENCE;
        let late = || ConnectError::Unreachable {
            endpoint: login.endpoint.clone(),
            reason: format!("no answer within {} s", PATIENCE.as_secs()),
        };
        let dialled = timeout_at(deadline, dial(&login.id, &login.endpoint, access)).await;
        let mut session = Session::start(&login, access, dialled.map_err(|_| late())??)?;
        // The first event is the CONNACK: a refusal is an error.
        match timeout_at(deadline, session.driver.next()).await.map_err(|_| late())? {
            Ok(_) => Ok(session),
            Err(Ending::Client(error)) => Err(session.not_opened(&error)),
            Err(Ending::Silence(_)) => Err(late()),
        }
    }

    /// A session about to say CONNECT.
    fn start(login: &Login, access: &Access, stream: Box<dyn Stream>) -> Result<Session, ConnectError> {
        let Login { id, endpoint, .. } = login;
        let mut options = MqttOptions::new(id, Broker::tcp(&endpoint.host, endpoint.port_or(PORT)));
        // The stream is encrypted already.
        let stream = Mutex::new(Some(stream));
        options
            .set_transport(Transport::tcp())
            .set_socket_connector(move |_, _| {
                let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
                async { stream.ok_or_else(|| io::Error::other("a session is opened once")) }
            })
            .set_auth(login.auth())
            .set_keep_alive(access.keep_alive_seconds())
            .set_max_packet_size(LARGEST_PACKET, LARGEST_PACKET)
            .set_max_request_batch(BATCH)
            .set_ack_mode(AckMode::Manual);
        let refused = |reason: String| ConnectError::Refused {
            device: id.clone(),
            endpoint: endpoint.clone(),
            reason,
        };
        options
            .try_set_clean_session(login.clean)
            .map_err(|error| refused(error.to_string()))?;

        // Unbounded because the device's outbox, which is bounded, decides how much is handed over.
        let built = AsyncClient::builder(options).unbounded().try_build();
        let (client, mut events) = built.map_err(|error| refused(error.to_string()))?;
        let silence = access.longest_silence();
        let mut network = NetworkOptions::new();
        // For CONNACK and for each flush. Both are ended sooner: by the caller, and by silence.
        network.set_connection_timeout(silence.max(PATIENCE).as_secs() + 1);
        events.set_network_options(network);
        Ok(Session {
            id: id.clone(),
            endpoint: endpoint.clone(),
            client,
            driver: Driver::new(events, silence),
        })
    }

    /// Asks for a subscription with QoS 1; the answer is a [`Packet::SubAck`].
    pub(super) fn subscribe(&self, filter: &Filter) -> Result<(), ConnectError> {
        self.client
            .try_subscribe(filter.to_string(), QoS::AtLeastOnce)
            .map_err(|error| self.lost(&error.to_string()))
    }

    /// Hands a message over with QoS 1. It leaves while [`Session::next`] is waited for.
    pub(super) fn publish(&self, topic: String, body: Vec<u8>) -> Result<(), ConnectError> {
        self.client
            .try_publish(topic, body, PublishOptions::at_least_once())
            .map_err(|error| self.lost(&error.to_string()))
    }

    /// Acknowledges the message that came in this packet with QoS 1. It leaves while [`Session::next`] is waited for.
    pub(super) fn acknowledge(&self, packet_id: u16) -> Result<(), ConnectError> {
        self.client
            .try_manual_ack(ManualAck::PubAck(PubAck::new(packet_id)))
            .map_err(|error| self.lost(&error.to_string()))
    }

    /// What happened next, out or in. Messages with QoS 1 are not acknowledged. Cancel safe: what was under way goes on at
    /// the next call.
    pub(super) async fn next(&mut self) -> Result<Event, ConnectError> {
        self.driver.next().await.map_err(|ending| match ending {
            Ending::Client(error) if is_closed_by_peer(&error) => ConnectError::Closed {
                device: self.id.clone(),
                endpoint: self.endpoint.clone(),
            },
            Ending::Client(error) => self.lost(&client_error(&error)),
            Ending::Silence(time) => self.lost(&format!("nothing was heard from it for {} s", time.as_secs_f64())),
        })
    }

    /// Waits until `subscriptions` SUBACKs have come. What else comes meanwhile goes to `other`, whose errors end it.
    pub(super) async fn subscribed(
        &mut self,
        subscriptions: usize,
        mut other: impl FnMut(Event) -> Result<(), String>,
    ) -> Result<(), ConnectError> {
        let deadline = Instant::now() + PATIENCE;
        let mut missing = subscriptions;
        while missing > 0 {
            let event = match timeout_at(deadline, self.next()).await {
                Ok(event) => event?,
                Err(_) => return Err(self.lost("subscriptions were not answered in time")),
            };
            match event {
                Event::Incoming(Packet::SubAck(answer)) => {
                    let accepted = |code: &_| matches!(code, rumqttc::SubscribeReasonCode::Success(_));
                    if !answer.return_codes.iter().all(accepted) {
                        return Err(self.lost("a subscription was refused"));
                    }
                    missing -= 1;
                }
                event => other(event).map_err(|reason| self.lost(&reason))?,
            }
        }
        Ok(())
    }

    /// Sends DISCONNECT and waits, for a second at most, until it has left.
    pub(super) async fn close(mut self) {
        if self.client.try_disconnect_now().is_err() {
            return;
        }
        let left = async { while self.driver.next().await.is_ok() {} };
        // Whether it left or the time is up, the session is over.
        let _ = timeout(Duration::from_secs(1), left).await;
    }

    /// The error of a session that has ended, for `reason`.
    pub(super) fn lost(&self, reason: &str) -> ConnectError {
        ConnectError::Lost {
            device: self.id.clone(),
            endpoint: self.endpoint.clone(),
            reason: reason.to_owned(),
        }
    }

    fn not_opened(&self, error: &ConnectionError) -> ConnectError {
        let refused = |reason| ConnectError::Refused {
            device: self.id.clone(),
            endpoint: self.endpoint.clone(),
            reason,
        };
        let ConnectionError::ConnectionRefused(code) = error else {
            // With TLS 1.3 the handshake is over for the client before the server has looked at its certificate.
            return match io_error(error).and_then(verdict_on_client) {
                Some(reason) => refused(reason),
                None => self.lost(&format!("no answer to CONNECT: {}", client_error(error))),
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
