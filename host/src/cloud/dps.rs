//! The Device Provisioning Service over MQTT.
//!
//! Source: Microsoft, "Communicate with DPS using the MQTT protocol" and "Device Provisioning Service, retries": answers of
//! 429 and above are tried again with growing pauses, those of 300 to 428 are final, `retry-after` is obeyed.

mod answer;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod line;
mod pace;
mod registration;

use std::time::Duration;

use async_trait::async_trait;
use setpoint_protocol::dps::RegisterRequest;
use setpoint_protocol::endpoint::Endpoint;
use setpoint_protocol::topic::DeviceTopic;
use setpoint_protocol::username::DpsUsername;

use self::line::{Line, Lines, MqttLine};
use self::registration::Registration;
use super::mqtt::Login;
use super::{Access, Assignment, ConnectError, ProvisionError, Provisioner};

/// The version of the API that speaks MQTT with symmetric keys and a payload.
const API_VERSION: &str = "2019-03-31";

/// Shown by the service as the kind of client.
const CLIENT_VERSION: &str = concat!("setpoint/", env!("CARGO_PKG_VERSION"));

/// Registers a device with the Device Provisioning Service. It has a quarter of an hour, in which a connection that breaks is
/// made again; only the first must succeed.
#[derive(Debug, Clone)]
pub struct DpsProvisioner {
    endpoint: Endpoint,
    id_scope: String,
    registration_id: String,
    access: Access,
}

#[async_trait]
impl Provisioner for DpsProvisioner {
    async fn provision(&self, model_id: &str) -> Result<Assignment, ProvisionError> {
        let still_waiting = |time: Duration| {
            tracing::info!(
                device = self.registration_id,
                "still waits to be assigned to a hub, for {} s; {} is at it",
                time.as_secs(),
                self.endpoint
            );
        };
        Registration::new(self, self, model_id).run(still_waiting).await
    }
}

#[async_trait]
impl Lines for DpsProvisioner {
    async fn open(&self) -> Result<Box<dyn Line>, ConnectError> {
        Ok(Box::new(MqttLine::open(self.login(), &self.access).await?))
    }
}

impl DpsProvisioner {
    /// Registers `registration_id` with the service at `endpoint`, usually `global.azure-devices-provisioning.net`, in the
    /// instance that `id_scope` names. When the endpoint carries a port, hubs it assigns are dialled on that port too: a
    /// local service shares its address with its hub.
    pub fn new(
        endpoint: Endpoint,
        id_scope: impl Into<String>,
        registration_id: impl Into<String>,
        access: Access,
    ) -> DpsProvisioner {
        DpsProvisioner {
            endpoint,
            id_scope: id_scope.into(),
            registration_id: registration_id.into(),
            access,
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
                port: Some(self.endpoint.port_or(self.access.port())),
            },
            username: username.to_string(),
            password: self.access.sign(&resource, Some("registration")),
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
}

#[cfg(test)]
mod tests;
