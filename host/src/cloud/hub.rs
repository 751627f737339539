//! IoT Hub over MQTT.
//!
//! Source: Microsoft, "Communicate with an IoT hub using the MQTT protocol".

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use setpoint_protocol::endpoint::Endpoint;
use setpoint_protocol::sas::Token;
use setpoint_protocol::topic::Filter;
use setpoint_protocol::username::HubUsername;
use tokio::time::timeout;

use super::exchange::Exchange;
use super::mqtt::{Login, Session};
use super::{Access, Assignment, ConnectError, Connection, Connector, Event, Outgoing, TokenClock};

/// The newest version of the API that the documents name for MQTT; Plug and Play needs 2020-09-30 or later.
const API_VERSION: &str = "2021-04-12";

/// Shown by the hub's metrics as the kind of client.
const CLIENT_TYPE: &str = concat!("setpoint/", env!("CARGO_PKG_VERSION"));

/// How long closing waits for what has been sent to be acknowledged.
const LAST_ACKNOWLEDGEMENTS: Duration = Duration::from_secs(2);

/// Connects a device to IoT Hub.
#[derive(Debug, Clone)]
pub struct AzureConnector {
    access: Access,
    gateway: Option<Endpoint>,
}

impl AzureConnector {
    /// Connects with what the device proves itself by.
    pub fn new(access: Access) -> AzureConnector {
        AzureConnector { access, gateway: None }
    }

    /// Dials `gateway` in the hub's place; the device still says which hub it belongs to.
    #[must_use]
    pub fn through(self, gateway: Endpoint) -> AzureConnector {
        AzureConnector {
            gateway: Some(gateway),
            ..self
        }
    }

    fn login(&self, to: &Assignment, model_id: &str) -> Login {
        let Assignment { hub, device_id, .. } = to;
        let parameters = [("api-version", API_VERSION), ("DeviceClientType", CLIENT_TYPE)];
        let username = HubUsername {
            hub: hub.host.clone(),
            device_id: device_id.clone(),
            module_id: None,
            model_id: Some(model_id.to_owned()).filter(|id| !id.is_empty()),
            parameters: parameters
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        let dialled = self.gateway.as_ref().unwrap_or(hub);
        Login {
            id: device_id.clone(),
            endpoint: Endpoint {
                host: dialled.host.clone(),
                port: Some(dialled.port_or(self.access.port())),
            },
            username: username.to_string(),
            password: self.access.sign(&format!("{}/devices/{device_id}", hub.host), None),
            // So that messages sent while the device is away wait for it.
            clean: false,
        }
    }
}

#[async_trait]
impl Connector for AzureConnector {
    async fn connect(&self, to: &Assignment, model_id: &str) -> Result<Box<dyn Connection>, ConnectError> {
        let login = self.login(to, model_id);
        let expiry = login.password.as_ref().map(Token::expiry);
        let expires = expiry.and_then(|expiry| DateTime::from_timestamp(i64::try_from(expiry).ok()?, 0));
        let mut session = Session::open(login, &self.access).await?;
        let filters = [
            Filter::TwinResponses,
            Filter::Desired,
            Filter::Methods,
            Filter::Messages {
                device_id: to.device_id.clone(),
                module_id: None,
            },
        ];
        for filter in &filters {
            session.subscribe(filter)?;
        }
        // With a kept session messages may come before the last SUBACK; they are kept as well.
        let mut exchange = Exchange::new(&to.device_id);
        session
            .subscribed(filters.len(), |packet| exchange.observe(packet))
            .await?;
        Ok(Box::new(HubConnection {
            session,
            exchange,
            expires,
            clock: self.access.clock.clone(),
        }))
    }
}

struct HubConnection {
    session: Session,
    exchange: Exchange,
    /// The end of the token, in the hub's time. None with a certificate.
    expires: Option<DateTime<Utc>>,
    clock: TokenClock,
}

#[async_trait]
impl Connection for HubConnection {
    fn send(&mut self, id: u64, outgoing: &Outgoing) -> Result<(), ConnectError> {
        match self.exchange.send(id, outgoing) {
            Some(message) => {
                let packet_id = self.session.publish(message.topic, message.body)?;
                self.exchange.sent(packet_id, outgoing, id);
                Ok(())
            }
            None => Ok(()),
        }
    }

    // Cancel safe: between the one await, which is, and the next nothing is held outside `self`.
    async fn next(&mut self) -> Result<Event, ConnectError> {
        loop {
            let event = self.exchange.pop();
            for packet_id in self.exchange.take_handled() {
                self.session.acknowledge(packet_id)?;
            }
            if let Some(event) = event {
                return Ok(event);
            }
            let packet = self.session.next().await?;
            self.exchange
                .observe(packet)
                .map_err(|reason| self.session.lost(&reason))?;
        }
    }

    /// In this machine's time, wrong as it may be, since whoever waits for it has no other; made anew with each call, so
    /// that it stays right when the machine's clock is set.
    fn expires(&self) -> Option<DateTime<Utc>> {
        self.expires.map(|end| self.clock.on_this_machine(end))
    }

    async fn close(mut self: Box<Self>) {
        let acknowledged = async {
            while !self.exchange.is_idle() {
                match self.session.next().await {
                    // What comes now is not handed over any more, and not acknowledged: the hub keeps it for the next time.
                    Ok(packet) => drop(self.exchange.observe(packet)),
                    Err(_) => return,
                }
            }
        };
        // What is not acknowledged by then is sent again by the outbox, if there is a next time.
        let _ = timeout(LAST_ACKNOWLEDGEMENTS, acknowledged).await;
        self.session.close().await;
    }
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
