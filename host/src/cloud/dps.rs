//! The Device Provisioning Service over MQTT.
//!
//! Source: Microsoft, "Communicate with DPS using the MQTT protocol" and "Device Provisioning Service, retries": answers of
//! 429 and above are tried again with growing pauses, those of 300 to 428 are final, `retry-after` is obeyed.

#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod pace;

use std::time::Duration;

use async_trait::async_trait;
use rumqttc::{Event, Packet};
use setpoint_protocol::dps::{Operation, Refusal, RegisterRequest, RegistrationState, Status};
use setpoint_protocol::endpoint::Endpoint;
use setpoint_protocol::key::Key;
use setpoint_protocol::topic::{CloudTopic, DeviceTopic, Filter};
use setpoint_protocol::username::DpsUsername;
use tokio::time::{Instant, sleep_until, timeout};

use self::pace::Pace;
use super::mqtt::{Login, PORT, Session, sign};
use super::{Assignment, ConnectError, ProvisionError, Provisioner, Trust};

/// The version of the API that speaks MQTT with symmetric keys and a payload.
const API_VERSION: &str = "2019-03-31";

/// Shown by the service as the kind of client.
const CLIENT_VERSION: &str = concat!("setpoint/", env!("CARGO_PKG_VERSION"));

/// Registering takes a few seconds; an allocation function of the operator's may take a minute, and a busy service asks
/// for pauses.
const DEADLINE: Duration = Duration::from_secs(180);

/// How much of an answer that is no JSON an error shows, in characters.
const SHOWN: usize = 200;

/// Registers a device with the Device Provisioning Service.
#[derive(Debug, Clone)]
pub struct DpsProvisioner {
    /// The service, usually `global.azure-devices-provisioning.net`. When it carries a port, hubs it assigns are dialled
    /// on that port too: a local service shares its address with its hub.
    pub endpoint: Endpoint,
    /// Which instance of the service.
    pub id_scope: String,
    /// Who registers.
    pub registration_id: String,
    /// The device's own key: for a group enrolment, the one derived for this registration id.
    pub key: Key,
    /// Whose certificates are believed.
    pub trust: Trust,
}

#[async_trait]
impl Provisioner for DpsProvisioner {
    async fn provision(&self, model_id: &str) -> Result<Assignment, ProvisionError> {
        match timeout(DEADLINE, self.register(model_id)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ProvisionError::TimedOut {
                registration_id: self.registration_id.clone(),
                endpoint: self.endpoint.clone(),
                seconds: DEADLINE.as_secs(),
            }),
        }
    }
}

impl DpsProvisioner {
    async fn register(&self, model_id: &str) -> Result<Assignment, ProvisionError> {
        let mut session = Session::open(self.login(), &self.trust).await?;
        session.subscribe(&Filter::Dps)?;
        session.subscribed(1, |_| Ok(())).await?;

        let mut requests = Requests {
            session,
            last_rid: 0,
            pace: Pace::default(),
        };
        let outcome = self.converse(&mut requests, model_id).await;
        requests.session.close().await;
        outcome
    }

    /// Asks until there is an end. Each answer says what to ask next and how long to wait before.
    async fn converse(&self, requests: &mut Requests, model_id: &str) -> Result<Assignment, ProvisionError> {
        let mut operation_id = None;
        loop {
            let (topic, body) = self.request(requests.next_rid(), operation_id.as_deref(), model_id);
            let answer = requests.ask(topic, body).await?;
            match self.read(&answer)? {
                Step::Done(assignment) => return Ok(assignment),
                Step::Poll(operation) => {
                    operation_id = Some(operation);
                    requests.pace.poll_after(answer.retry_after, Instant::now());
                }
                Step::Retry => requests.pace.retry_after(answer.retry_after, Instant::now()),
            }
        }
    }

    fn login(&self) -> Login {
        let parameters = [("api-version", API_VERSION), ("ClientVersion", CLIENT_VERSION)];
        let username = DpsUsername {
            id_scope: self.id_scope.clone(),
            registration_id: self.registration_id.clone(),
            parameters: parameters
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        let resource = format!("{}/registrations/{}", self.id_scope, self.registration_id);
        Login {
            id: self.registration_id.clone(),
            endpoint: Endpoint {
                host: self.endpoint.host.clone(),
                port: Some(self.endpoint.port_or(PORT)),
            },
            username: username.to_string(),
            password: sign(&resource, &self.key, Some("registration")),
            clean: true,
        }
    }

    /// Registers as long as no operation is known, then asks how far it is.
    fn request(&self, rid: String, operation_id: Option<&str>, model_id: &str) -> (DeviceTopic, Vec<u8>) {
        match operation_id {
            Some(operation_id) => (
                DeviceTopic::DpsPoll {
                    rid,
                    operation_id: operation_id.to_owned(),
                },
                Vec::new(),
            ),
            None => {
                let payload = (!model_id.is_empty()).then(|| serde_json::json!({ "modelId": model_id }));
                let request = RegisterRequest {
                    registration_id: self.registration_id.clone(),
                    payload,
                };
                // Texts and a JSON value always have a JSON text.
                (
                    DeviceTopic::DpsRegister { rid },
                    serde_json::to_vec(&request).unwrap_or_default(),
                )
            }
        }
    }

    fn read(&self, answer: &Answer) -> Result<Step, ProvisionError> {
        match answer.status {
            200..=299 => {
                let operation: Operation =
                    serde_json::from_slice(&answer.body).map_err(|error| self.protocol(error.to_string()))?;
                self.follow(operation)
            }
            status @ 300..=428 => Err(self.refused(status, &answer.body)),
            429.. => Ok(Step::Retry),
            status => Err(self.protocol(format!("status {status}"))),
        }
    }

    fn follow(&self, operation: Operation) -> Result<Step, ProvisionError> {
        match (operation.status, operation.registration_state) {
            (Status::Assigning | Status::Unassigned, _) => Ok(Step::Poll(operation.operation_id)),
            (Status::Assigned, Some(state)) => self.assigned(state).map(Step::Done),
            (Status::Assigned, None) => Err(self.protocol("an assignment that does not say to which hub".to_owned())),
            (status @ (Status::Failed | Status::Disabled), state) => Err(ProvisionError::NotAssigned {
                registration_id: self.registration_id.clone(),
                status: if status == Status::Failed { "failed" } else { "disabled" }.to_owned(),
                error_code: state.as_ref().and_then(|state| state.error_code).unwrap_or(0),
                message: state
                    .and_then(|state| state.error_message)
                    .unwrap_or_else(|| "no reason given".to_owned()),
            }),
        }
    }

    fn assigned(&self, state: RegistrationState) -> Result<Assignment, ProvisionError> {
        let (Some(hub), Some(device_id)) = (state.assigned_hub, state.device_id) else {
            return Err(self.protocol("an assignment without hub or device id".to_owned()));
        };
        let hub: Endpoint = hub
            .parse()
            .map_err(|error| self.protocol(format!("the assigned hub: {error}")))?;
        let port = hub.port.or(self.endpoint.port);
        Ok(Assignment {
            hub: Endpoint { port, ..hub },
            device_id,
            payload: state.payload,
        })
    }

    fn refused(&self, status: u16, body: &[u8]) -> ProvisionError {
        let refusal = serde_json::from_slice(body).unwrap_or_else(|_| Refusal {
            error_code: u32::from(status) * 1000,
            tracking_id: "none".to_owned(),
            message: String::from_utf8_lossy(body).chars().take(SHOWN).collect(),
            timestamp_utc: String::new(),
        });
        ProvisionError::Refused {
            registration_id: self.registration_id.clone(),
            status,
            error_code: refusal.error_code,
            message: refusal.message,
            tracking_id: refusal.tracking_id,
        }
    }

    fn protocol(&self, what: String) -> ProvisionError {
        ProvisionError::Protocol {
            registration_id: self.registration_id.clone(),
            endpoint: self.endpoint.clone(),
            what,
        }
    }
}

/// What an answer asks for.
#[derive(Debug, PartialEq)]
enum Step {
    Done(Assignment),
    Poll(String),
    Retry,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    /// In seconds.
    retry_after: Option<u64>,
    body: Vec<u8>,
}

/// One request after the other on one session.
struct Requests {
    session: Session,
    last_rid: u64,
    pace: Pace,
}

impl Requests {
    fn next_rid(&mut self) -> String {
        self.last_rid += 1;
        self.last_rid.to_string()
    }

    /// Waits for its turn, asks, and waits for the answer; the session lives on meanwhile.
    async fn ask(&mut self, topic: DeviceTopic, body: Vec<u8>) -> Result<Answer, ConnectError> {
        let turn = self.pace.turn(Instant::now());
        loop {
            tokio::select! {
                () = sleep_until(turn) => break,
                event = self.session.next() => drop(event?),
            }
        }
        self.session.publish(topic.to_string(), body)?;
        let rid = self.last_rid.to_string();
        loop {
            if let Some(answer) = answer_to(&rid, self.session.next().await?) {
                return Ok(answer);
            }
        }
    }
}

/// The answer in `event`, when it is one to the request `rid`.
fn answer_to(rid: &str, event: Event) -> Option<Answer> {
    let Event::Incoming(Packet::Publish(publish)) = event else {
        return None;
    };
    match CloudTopic::parse(std::str::from_utf8(&publish.topic).ok()?).ok()? {
        CloudTopic::DpsResponse {
            status,
            rid: answered,
            retry_after,
        } if answered == rid => Some(Answer {
            status,
            retry_after,
            body: publish.payload.to_vec(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
