//! One MQTT session over TLS, as both services are spoken to: rumqttc with its event loop polled by whoever waits, so that
//! a device needs no task of its own, and its errors told apart by what the operator can do about them.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rumqttc::{
    AsyncClient, Broker, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, NetworkOptions, Packet,
    PublishOptions, QoS, TlsError, Transport,
};
use setpoint_protocol::endpoint::Endpoint;
use setpoint_protocol::key::Key;
use setpoint_protocol::sas::Token;
use setpoint_protocol::topic::Filter;
use tokio::time::timeout;

use super::{ConnectError, Trust};

/// MQTT over TLS, as registered with IANA.
pub(super) const PORT: u16 = 8883;

/// For name resolution, TCP, TLS and CONNACK together, for SUBACK, and for each flush. Azure answers within two seconds;
/// satellite and cellular links need several round trips of a second and more.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// As the Python SDK's. The services drop a silent client after one and a half times as long.
const KEEP_ALIVE_SECONDS: u16 = 60;

/// How long a token holds, in seconds, as in the SDKs. The hub ends the session when it expires.
const TOKEN_LIFE: u64 = 3600;

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
    pub(super) password: Token,
    /// Whether the service forgets the session when it ends.
    pub(super) clean: bool,
}

/// Signs `resource` for as long as a session may last.
pub(super) fn sign(resource: &str, key: &Key, policy: Option<&str>) -> Token {
    // A clock before 1970 makes a token that has expired, which the service then says.
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    Token::sign(resource, key, now + TOKEN_LIFE, policy)
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
    pub(super) async fn open(login: Login, trust: &Trust) -> Result<Session, ConnectError> {
        let Login {
            id,
            endpoint,
            username,
            password,
            clean,
        } = login;
        let mut options = MqttOptions::new(&id, Broker::tcp(&endpoint.host, endpoint.port_or(PORT)));
        options
            .set_transport(Transport::tls_with_config(trust.mqtt()))
            .set_credentials(username, password.to_string())
            .set_keep_alive(KEEP_ALIVE_SECONDS)
            .set_max_packet_size(LARGEST_PACKET, LARGEST_PACKET)
            .set_max_request_batch(BATCH);
        let refused = |reason: String| ConnectError::Refused {
            device: id.clone(),
            endpoint: endpoint.clone(),
            reason,
        };
        options
            .try_set_clean_session(clean)
            .map_err(|error| refused(error.to_string()))?;
        if endpoint.host.contains(':') {
            // rumqttc writes an IPv6 address without the brackets that resolving it needs.
            let address = Endpoint {
                port: Some(endpoint.port_or(PORT)),
                ..endpoint.clone()
            }
            .to_string();
            options.set_socket_connector(move |_, network| rumqttc::default_socket_connect(address.clone(), network));
        }

        // Unbounded because the device's outbox, which is bounded, decides how much is handed over.
        let built = AsyncClient::builder(options).unbounded().try_build();
        let (client, mut events) = built.map_err(|error| refused(error.to_string()))?;
        let mut network = NetworkOptions::new();
        network.set_connection_timeout(PATIENCE.as_secs());
        // Messages are small and each is waited for: Nagle's algorithm would only delay them.
        network.set_tcp_nodelay(true);
        events.set_network_options(network);

        let mut session = Session {
            id,
            endpoint,
            client,
            driver: Driver::Idle(Box::new(events)),
        };
        // The first event is the CONNACK: a refusal is an error.
        match session.driver.next().await {
            Ok(_) => Ok(session),
            Err(error) => Err(session.not_opened(error)),
        }
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

    /// What happened next, out or in. Cancel safe: what was under way goes on at the next call.
    pub(super) async fn next(&mut self) -> Result<Event, ConnectError> {
        self.driver.next().await.map_err(|error| self.lost(&chain(&error)))
    }

    /// Waits until `subscriptions` SUBACKs have come. What else comes meanwhile goes to `other`, whose errors end it.
    pub(super) async fn subscribed(
        &mut self,
        subscriptions: usize,
        mut other: impl FnMut(Event) -> Result<(), String>,
    ) -> Result<(), ConnectError> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut missing = subscriptions;
        while missing > 0 {
            let event = match tokio::time::timeout_at(deadline, self.next()).await {
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

    fn not_opened(&self, error: ConnectionError) -> ConnectError {
        let unreachable = |reason| ConnectError::Unreachable {
            endpoint: self.endpoint.clone(),
            reason,
        };
        match error {
            ConnectionError::Io(error) => unreachable(error.to_string()),
            ConnectionError::NetworkTimeout => unreachable(format!("no answer within {} s", PATIENCE.as_secs())),
            ConnectionError::Tls(error) => match certificate_error(&error) {
                Some(error) => ConnectError::Certificate {
                    endpoint: self.endpoint.clone(),
                    reason: error.to_string(),
                },
                None => unreachable(format!("TLS failed: {}", chain(&error))),
            },
            ConnectionError::ConnectionRefused(code) => match refusal(code) {
                Refusal::Final(reason) => ConnectError::Refused {
                    device: self.id.clone(),
                    endpoint: self.endpoint.clone(),
                    reason: reason.to_owned(),
                },
                Refusal::ForNow(reason) => self.lost(reason),
            },
            error => self.lost(&format!("no answer to CONNECT: {}", chain(&error))),
        }
    }
}

enum Refusal {
    Final(&'static str),
    ForNow(&'static str),
}

/// What a CONNACK code means. After 4 and 5 the Python SDK gives up for good, after 3 it tries again.
fn refusal(code: ConnectReturnCode) -> Refusal {
    match code {
        ConnectReturnCode::RefusedProtocolVersion => Refusal::Final("code 1, MQTT 3.1.1 is not spoken there"),
        ConnectReturnCode::BadClientId => Refusal::Final("code 2, the client id is not accepted"),
        ConnectReturnCode::BadUserNamePassword => Refusal::Final("code 4, bad user name or password"),
        ConnectReturnCode::NotAuthorized => Refusal::Final("code 5, not authorized"),
        ConnectReturnCode::ServiceUnavailable => Refusal::ForNow("refused with code 3, the service is unavailable"),
        ConnectReturnCode::Success => Refusal::ForNow("accepted and yet refused"),
    }
}

/// The verdict on the server's certificate, when that is what failed; it lies inside the I/O error of the handshake.
fn certificate_error(error: &TlsError) -> Option<&rustls::Error> {
    let error = match error {
        TlsError::TLS(error) => error,
        TlsError::Io(error) => error.get_ref()?.downcast_ref()?,
        _ => return None,
    };
    matches!(error, rustls::Error::InvalidCertificate(_)).then_some(error)
}

/// An error with its causes, where they say more than it does.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    // rustls names a page of its documentation, which is for programmers, when a server just closes the connection.
    if text.contains("close_notify") {
        return "the server closed the connection".to_owned();
    }
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text
}

/// The event loop and, while it is being polled, that poll. rumqttc's poll may lose track of a half-done flush when it is
/// dropped, so it never is: it is kept here and goes on at the next call.
enum Driver {
    Idle(Box<EventLoop>),
    Polling(Pin<Box<dyn Future<Output = Polled> + Send>>),
    /// After an error: rumqttc would connect again, which is for the device session to decide.
    Ended,
}

/// The event loop, back from a poll, and what came of it.
type Polled = (Box<EventLoop>, Result<Event, ConnectionError>);

impl Driver {
    async fn next(&mut self) -> Result<Event, ConnectionError> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Event, ConnectionError>> {
        let mut polling = match std::mem::replace(self, Driver::Ended) {
            Driver::Idle(mut events) => Box::pin(async move {
                let event = events.poll().await;
                (events, event)
            }),
            Driver::Polling(polling) => polling,
            Driver::Ended => return Poll::Ready(Err(ConnectionError::RequestsDone)),
        };
        match polling.as_mut().poll(context) {
            Poll::Pending => {
                *self = Driver::Polling(polling);
                Poll::Pending
            }
            Poll::Ready((events, event)) => {
                if event.is_ok() {
                    *self = Driver::Idle(events);
                }
                Poll::Ready(event)
            }
        }
    }
}

#[cfg(test)]
#[path = "mqtt_tests.rs"]
mod tests;
