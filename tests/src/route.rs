//! How devices reach a place: its own port, or that of a proxy before it.

use std::sync::Arc;

use setpoint::cloud::{Access, AzureConnector, ConnectionString, DpsProvisioner};
use setpoint::sandbox::Sandbox;
use setpoint_protocol::{DeviceConnectionString, Endpoint, Key};

use crate::place::{Place, Running, plain};

/// A way to a place, made by [`Place::direct`] and [`Place::through`].
#[derive(Clone, Copy)]
pub struct Route<'a> {
    place: &'a Place,
    port: u16,
    adjust: fn(Access) -> Access,
}

impl<'a> Route<'a> {
    pub(crate) fn new(place: &'a Place, port: u16) -> Self {
        Self {
            place,
            port,
            adjust: |access| access,
        }
    }

    /// Where devices connect.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            host: "localhost".to_owned(),
            port: Some(self.port),
        }
    }

    /// With this on top of how a device proves itself: a shorter life of its tokens, say.
    #[must_use]
    pub fn with(self, adjust: fn(Access) -> Access) -> Self {
        Self { adjust, ..self }
    }

    fn access(&self, key: &Key) -> Access {
        setpoint_test_logs::keys([key]);
        (self.adjust)(self.place.access(key))
    }

    /// How a device with this registration id and key provisions. The hub it is assigned to is dialled on the same port, as
    /// an endpoint with a port stands for a local Azure IoT.
    pub fn provisioner(&self, registration_id: &str, key: &Key) -> DpsProvisioner {
        let access = self.access(key);
        DpsProvisioner::new(self.endpoint(), self.place.identity.id_scope(), registration_id, access)
    }

    /// How a device with this key connects to the hub it was assigned to.
    pub fn connector(&self, key: &Key) -> AzureConnector {
        AzureConnector::new(self.access(key))
    }

    /// What the connection string of the device that is enrolled from the start comes to.
    pub fn connection_string(&self) -> ConnectionString {
        let [key, _] = self.place.identity.device_keys();
        let string = DeviceConnectionString {
            host: self.endpoint(),
            device_id: self.place.identity.device_id().to_owned(),
            module_id: None,
            key: Some(key.clone()),
            gateway: None,
        };
        ConnectionString::new(string).expect("it names a device")
    }

    /// Runs a guest as the device that is enrolled from the start.
    pub fn run(&self, guest: &[u8], config: &[(&str, &str)]) -> Running {
        self.run_in(&plain(), guest, config)
    }

    /// Runs a guest as another device, through provisioning.
    pub fn run_as(&self, guest: &[u8], config: &[(&str, &str)], registration_id: &str, key: &Key) -> Running {
        self.start(&plain(), guest, config, registration_id, key)
    }

    /// Runs a guest as the device that is enrolled from the start, in a sandbox of the test's own.
    pub fn run_in(&self, sandbox: &Sandbox, guest: &[u8], config: &[(&str, &str)]) -> Running {
        let [key, _] = self.place.identity.device_keys();
        self.start(sandbox, guest, config, self.place.identity.device_id(), key)
    }

    /// Runs a guest by its connection string.
    pub fn run_by_connection_string(&self, guest: &[u8], config: &[(&str, &str)]) -> Running {
        let string = self.connection_string();
        let [key, _] = self.place.identity.device_keys();
        let connector = Arc::new(string.connector(self.access(key)));
        Running::start(&plain(), guest, config, Arc::new(string), connector)
    }

    fn start(&self, sandbox: &Sandbox, guest: &[u8], config: &[(&str, &str)], id: &str, key: &Key) -> Running {
        let provisioner = Arc::new(self.provisioner(id, key));
        Running::start(sandbox, guest, config, provisioner, Arc::new(self.connector(key)))
    }
}
