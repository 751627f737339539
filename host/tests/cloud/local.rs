//! An emulator on ports of its own, with a device that is enrolled.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use setpoint::cloud::{Access, DpsProvisioner, Trust};
use setpoint_emulator::{Emulator, Identity, Options};
use setpoint_protocol::Endpoint;

pub(crate) const MODEL: &str = "dtmi:com:example:Thermostat;1";
pub(crate) const DEVICE: &str = "my-pnp-device";

pub(crate) struct Local {
    pub(crate) emulator: Emulator,
    pub(crate) identity: Arc<Identity>,
}

impl Local {
    pub(crate) async fn start() -> Local {
        setpoint_test_logs::start();
        let identity = Arc::new(Identity::temporary().unwrap());
        setpoint_test_logs::keys(identity.device_keys());
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let options = Options {
            mqtt: any,
            https: any,
            identity: Arc::clone(&identity),
            data: None,
        };
        let emulator = Emulator::start(options).await.unwrap();
        Local { emulator, identity }
    }

    pub(crate) fn port(&self) -> u16 {
        self.emulator.mqtt_address().port()
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint {
            host: "localhost".to_owned(),
            port: Some(self.port()),
        }
    }

    /// How the device proves itself.
    pub(crate) fn access(&self) -> Access {
        let [key, _] = self.identity.device_keys();
        Access::with_key(key.clone(), &self.trust())
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::only(self.identity.ca_pem()).unwrap()
    }

    /// WebSockets are spoken on the port for HTTPS.
    pub(crate) fn endpoint_for_websockets(&self) -> Endpoint {
        Endpoint {
            port: Some(self.emulator.https_address().port()),
            ..self.endpoint()
        }
    }

    pub(crate) fn provisioner(&self, access: Access) -> DpsProvisioner {
        DpsProvisioner::new(self.endpoint(), self.identity.id_scope(), DEVICE, access)
    }
}
