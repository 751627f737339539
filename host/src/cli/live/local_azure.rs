//! The local Azure IoT of one scenario: an emulator with one device, seen from the service's side.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use setpoint::cloud::{Access, AzureConnector, DpsProvisioner, Trust};
use setpoint::scenario::{StageError, Weather, What, json_or_text};
use setpoint_emulator::state::{CloudMessage, DeviceEvent, EventKind, MethodResult};
use setpoint_emulator::{Emulator, Hub, Identity, Options};
use setpoint_protocol::PropertyBag;
use setpoint_protocol::endpoint::Endpoint;
use setpoint_protocol::twin::Document;
use tokio::sync::broadcast;

use super::broken;

/// How long a command may take to answer; the hub's own limit is five minutes.
const ANSWER_TIME: Duration = Duration::from_secs(300);

/// An emulator on ports of its own, with keys and certificates that nobody keeps.
pub(super) struct LocalAzure {
    identity: Arc<Identity>,
    hub: Arc<Hub>,
    mqtt_port: u16,
    /// None once it is being stopped.
    emulator: Option<Emulator>,
}

impl LocalAzure {
    pub(super) async fn start() -> Result<Self, StageError> {
        let identity = Arc::new(Identity::temporary().map_err(|error| broken(&error))?);
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let options = Options {
            mqtt: any,
            https: any,
            identity: Arc::clone(&identity),
            data: None,
        };
        let emulator = Emulator::start(options).await.map_err(|error| broken(&error))?;
        Ok(Self {
            identity,
            hub: Arc::clone(emulator.hub()),
            mqtt_port: emulator.mqtt_address().port(),
            emulator: Some(emulator),
        })
    }

    /// Closes every port and connection, and waits until they are.
    pub(super) async fn stop(&mut self) {
        if let Some(emulator) = self.emulator.take() {
            emulator.stop().await;
        }
    }

    /// What the device needs to get here.
    pub(super) fn route(&self) -> Result<(DpsProvisioner, AzureConnector), StageError> {
        let [key, _] = self.identity.device_keys();
        let trust = Trust::only(self.identity.ca_pem()).map_err(|error| broken(&error))?;
        let endpoint = Endpoint {
            host: self.identity.host().to_owned(),
            port: Some(self.mqtt_port),
        };
        let access = Access::with_key(key.clone(), &trust);
        let (id_scope, device_id) = (self.identity.id_scope(), self.identity.device_id());
        let provisioner = DpsProvisioner::new(endpoint, id_scope, device_id, access.clone());
        Ok((provisioner, AzureConnector::new(access)))
    }

    /// What the device does from now on; [`heard`] says what that is.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<DeviceEvent>> {
        self.hub.subscribe()
    }

    pub(super) fn desire(&self, patch: &Document) -> Result<(), StageError> {
        let patch = json!({ "properties": { "desired": patch } });
        let patch = patch.as_object().cloned().unwrap_or_default();
        let patched = self.hub.patch_twin(self.identity.device_id(), &patch, None);
        patched.map(drop).map_err(|error| broken(&error))
    }

    /// The answer to a command; None when the device is not there to give one, as in virtual time.
    pub(super) fn call(
        &self,
        name: &str,
        payload: Option<Value>,
    ) -> impl Future<Output = Option<MethodResult>> + Send + use<> {
        let (identity, hub, name) = (Arc::clone(&self.identity), Arc::clone(&self.hub), name.to_owned());
        async move {
            let device_id = identity.device_id();
            let answer = hub.call_method(device_id, &name, payload, Duration::ZERO, ANSWER_TIME);
            answer.await.ok()
        }
    }

    pub(super) fn message(&self, body: &[u8], properties: &[(String, String)]) -> Result<(), StageError> {
        let properties = properties.iter().cloned();
        let properties = properties.map(|(name, value)| (name, Some(value))).collect();
        let message = CloudMessage {
            body: body.to_vec(),
            properties: PropertyBag(properties),
            expires: None,
        };
        let sent = self.hub.send_to_device(self.identity.device_id(), message);
        sent.map(drop).map_err(|error| broken(&error))
    }

    /// A hub that a device cannot reach is one that refuses it.
    pub(super) fn weather(&self, weather: Weather) -> Result<(), StageError> {
        let enable = |enabled| {
            let updated = self.hub.update_device(self.identity.device_id(), None, Some(enabled));
            updated.map(drop).map_err(|error| broken(&error))
        };
        match weather {
            Weather::Cut => enable(false).and_then(|()| enable(true)),
            Weather::Unreachable => enable(false),
            Weather::Reachable => enable(true),
            Weather::Silent | Weather::Responsive | Weather::Refuse(_) => {
                Err(StageError::Broken("this cannot be done with --live".to_owned()))
            }
        }
    }
}

/// What an event of the hub says that the device did.
pub(super) fn heard(event: &DeviceEvent) -> Vec<What> {
    match event.kind {
        EventKind::Connected | EventKind::Disconnected => Vec::new(),
        EventKind::Reported => {
            let change = json_or_text(&event.body);
            let reported = change.pointer("/properties/reported").and_then(Value::as_object);
            reported.map(What::reported).unwrap_or_default()
        }
        EventKind::Telemetry => {
            let component = event.system.iter().find(|(name, _)| name == "dt-subject");
            let properties = event.application.iter();
            let properties = properties.map(|(name, value)| (name.clone(), json!(value.clone().unwrap_or_default())));
            vec![What::Telemetry {
                component: component.map(|(_, component)| component.clone()),
                body: json_or_text(&event.body),
                properties: Value::Object(properties.collect()),
            }]
        }
    }
}
