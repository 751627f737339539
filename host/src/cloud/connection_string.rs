//! Provisioning without a service: the connection string says it all.

use async_trait::async_trait;
use setpoint_protocol::connection_string::DeviceConnectionString;

use super::{Access, Assignment, AzureConnector, ProvisionError, Provisioner};

/// Assigns a device to the hub that its connection string names, without asking anybody.
#[derive(Debug, Clone)]
pub struct ConnectionString {
    device: DeviceConnectionString,
}

/// A connection string of a kind of identity that is not run here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection string is a module's (it has ModuleId); give that of a device")]
pub struct ModuleIdentity;

impl ConnectionString {
    /// For a device's own connection string; a module's is refused.
    pub fn new(device: DeviceConnectionString) -> Result<ConnectionString, ModuleIdentity> {
        if device.module_id.is_some() {
            Err(ModuleIdentity)
        } else {
            Ok(ConnectionString { device })
        }
    }

    /// Connects through the gateway, when the connection string names one.
    pub fn connector(&self, access: Access) -> AzureConnector {
        let connector = AzureConnector::new(access);
        match &self.device.gateway {
            Some(gateway) => connector.through(gateway.clone()),
            None => connector,
        }
    }
}

#[async_trait]
impl Provisioner for ConnectionString {
    async fn provision(&self, _model_id: &str) -> Result<Assignment, ProvisionError> {
        Ok(Assignment {
            hub: self.device.host.clone(),
            device_id: self.device.device_id.clone(),
            payload: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn assigns_what_the_connection_string_names() {
        let text = "HostName=localhost:8884;DeviceId=my-pnp-device;SharedAccessKey=c2VjcmV0";
        let provisioner = ConnectionString::new(text.parse().unwrap()).unwrap();
        let assignment = provisioner.provision("dtmi:com:example:Thermostat;1").await.unwrap();
        assert_eq!(assignment.hub.to_string(), "localhost:8884");
        assert_eq!(
            (assignment.device_id.as_str(), assignment.payload),
            ("my-pnp-device", None)
        );
    }

    #[test]
    fn refuses_a_module() {
        let text = "HostName=h;DeviceId=a;ModuleId=m;SharedAccessKey=c2VjcmV0";
        assert_eq!(
            ConnectionString::new(text.parse().unwrap()).unwrap_err(),
            ModuleIdentity
        );
    }

    #[test]
    fn debug_does_not_show_the_key() {
        let text = "HostName=h;DeviceId=a;SharedAccessKey=c2VjcmV0";
        let shown = format!("{:?}", ConnectionString::new(text.parse().unwrap()).unwrap());
        assert!(shown.contains("Key(..)") && !shown.contains("c2VjcmV0"), "{shown}");
    }
}
