//! The block an operator pastes into a shell so that an SDK or a sample finds the emulator.

use std::path::Path;

use setpoint_protocol::{DeviceConnectionString, Endpoint, ServiceConnectionString};

use crate::amqp::node::EVENT_HUB;
use crate::identity::{Identity, PROVISIONING_POLICY};

mod declared;

pub use declared::declared;

/// Where devices connect when nothing else is said, and the only port some SDKs know (MQTT over TLS).
pub const DEFAULT_MQTT_PORT: u16 = 8883;

/// Where services speak AMQP when nothing else is said, and the only port some SDKs know.
pub const DEFAULT_AMQP_PORT: u16 = 5671;

/// Where the service API answers when nothing else is said.
pub const DEFAULT_HTTPS_PORT: u16 = 8443;

/// The environment for a device and for a service, as `export` lines with a comment over each, safe for
/// `eval "$(setpoint emulator --env)"`. `ca` is the file with the authority's certificate.
///
/// The text holds keys: it is for the operator's eyes and shell alone.
pub fn environment(identity: &Identity, mqtt_port: u16, https_port: u16, ca: &Path) -> String {
    let [device_key, _] = identity.device_keys();
    // A device SDK that cannot be told a port need not see the usual one.
    let devices = Endpoint {
        host: identity.host().to_owned(),
        port: Some(mqtt_port).filter(|port| *port != DEFAULT_MQTT_PORT),
    };
    let service = Endpoint {
        host: identity.host().to_owned(),
        port: Some(https_port),
    };
    let device = DeviceConnectionString {
        host: devices.clone(),
        device_id: identity.device_id().to_owned(),
        module_id: None,
        key: Some(device_key.clone()),
        gateway: None,
    };
    let operator = ServiceConnectionString {
        host: service.clone(),
        policy: identity.service_policy().to_owned(),
        key: identity.service_key().clone(),
    };
    let enroller = ServiceConnectionString {
        host: service,
        policy: PROVISIONING_POLICY.to_owned(),
        key: identity.provisioning_key(),
    };
    let ca = ca.to_string_lossy();
    let lines = [
        (
            "How the device proves who it is: by provisioning (DPS), or by connectionString.",
            "IOTHUB_DEVICE_SECURITY_TYPE",
            "DPS".to_owned(),
        ),
        (
            "The local Device Provisioning Service.",
            "IOTHUB_DEVICE_DPS_ENDPOINT",
            devices.to_string(),
        ),
        (
            "Which DPS instance this is.",
            "IOTHUB_DEVICE_DPS_ID_SCOPE",
            identity.id_scope().to_owned(),
        ),
        (
            "The device that is enrolled already.",
            "IOTHUB_DEVICE_DPS_DEVICE_ID",
            identity.device_id().to_owned(),
        ),
        (
            "Its key. Secret.",
            "IOTHUB_DEVICE_DPS_DEVICE_KEY",
            device_key.to_base64(),
        ),
        (
            "The same device without provisioning. Secret.",
            "IOTHUB_DEVICE_CONNECTION_STRING",
            device.to_text(),
        ),
        (
            "For services and for setpoint call, twin and monitor. Secret.",
            "IOTHUB_CONNECTION_STRING",
            operator.to_text(),
        ),
        (
            "For whoever enrolls devices with DPS, under the name that the SDKs' own tests give it. Secret.",
            "IOT_PROVISIONING_SERVICE_CONNECTION_STRING",
            enroller.to_text(),
        ),
        (
            "The certificate authority to trust, for OpenSSL and what builds on it. It takes the place of the usual ones.",
            "SSL_CERT_FILE",
            ca.clone().into_owned(),
        ),
        (
            "The same for Node, beside the usual ones.",
            "NODE_EXTRA_CA_CERTS",
            ca.clone().into_owned(),
        ),
        (
            "The same for requests, which the Python service SDK uses.",
            "REQUESTS_CA_BUNDLE",
            ca.into_owned(),
        ),
    ];
    lines.map(|(comment, name, value)| line(comment, name, &value)).concat()
}

/// What [`environment`] says of the port for AMQP: the built-in endpoint as SDKs of Event Hubs want to have it.
///
/// The text holds a key, as the other does.
pub fn amqp_environment(identity: &Identity, amqp_port: u16) -> String {
    let endpoint = Endpoint {
        host: identity.host().to_owned(),
        port: Some(amqp_port).filter(|port| *port != DEFAULT_AMQP_PORT),
    };
    let value = format!(
        "Endpoint=sb://{endpoint}/;SharedAccessKeyName={};SharedAccessKey={};EntityPath={EVENT_HUB}",
        identity.service_policy(),
        identity.service_key().to_base64(),
    );
    let comment =
        "What devices send, for Event Hubs SDKs: the built-in endpoint, with its consumer group $Default. Secret.";
    line(comment, "EVENTHUB_CONNECTION_STRING", &value)
}

fn line(comment: &str, name: &str, value: &str) -> String {
    format!("# {comment}\nexport {name}={}\n", quoted(value))
}

/// The text as one word of a POSIX shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What a real shell makes of the block.
    fn evaluated(block: &str, name: &str) -> String {
        let script = format!("eval \"$1\"; printf %s \"${name}\"");
        let output = Command::new("sh")
            .args(["-euc", &script, "sh", block])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_shell_reads_back_every_value() {
        let identity = Identity::temporary().unwrap();
        let ca = "/tmp/it's $(here); \"now\"/ca.pem";
        let block = environment(&identity, 8883, 8443, Path::new(ca));
        let value = |name: &str| evaluated(&block, name);
        assert_eq!(value("SSL_CERT_FILE"), ca);
        assert_eq!(value("REQUESTS_CA_BUNDLE"), ca);
        assert_eq!(value("NODE_EXTRA_CA_CERTS"), ca);
        assert_eq!(value("IOTHUB_DEVICE_SECURITY_TYPE"), "DPS");
        assert_eq!(value("IOTHUB_DEVICE_DPS_ENDPOINT"), "localhost");
        assert_eq!(value("IOTHUB_DEVICE_DPS_ID_SCOPE"), identity.id_scope());
        assert_eq!(value("IOTHUB_DEVICE_DPS_DEVICE_ID"), "my-pnp-device");
        assert_eq!(
            value("IOTHUB_DEVICE_DPS_DEVICE_KEY"),
            identity.device_keys()[0].to_base64()
        );
        let device: DeviceConnectionString = value("IOTHUB_DEVICE_CONNECTION_STRING").parse().unwrap();
        assert_eq!(
            (device.host.to_string().as_str(), device.key.as_ref()),
            ("localhost", Some(&identity.device_keys()[0]))
        );
        let service: ServiceConnectionString = value("IOTHUB_CONNECTION_STRING").parse().unwrap();
        assert_eq!(
            (service.host.to_string().as_str(), service.policy.as_str()),
            ("localhost:8443", "iothubowner")
        );
        assert_eq!(&service.key, identity.service_key());
        let enroller: ServiceConnectionString = value("IOT_PROVISIONING_SERVICE_CONNECTION_STRING").parse().unwrap();
        assert_eq!(
            (enroller.host.to_string().as_str(), enroller.policy.as_str()),
            ("localhost:8443", "provisioningserviceowner")
        );
        assert_eq!(enroller.key, identity.provisioning_key());
    }

    #[test]
    fn another_port_is_named() {
        let identity = Identity::temporary().unwrap();
        let block = environment(&identity, 18883, 18443, Path::new("ca.pem"));
        assert_eq!(evaluated(&block, "IOTHUB_DEVICE_DPS_ENDPOINT"), "localhost:18883");
        let device: DeviceConnectionString = evaluated(&block, "IOTHUB_DEVICE_CONNECTION_STRING").parse().unwrap();
        assert_eq!(device.host.port, Some(18883));
    }

    #[test]
    fn the_built_in_endpoint_is_named() {
        let identity = Identity::temporary().unwrap();
        let value = |port| evaluated(&amqp_environment(&identity, port), "EVENTHUB_CONNECTION_STRING");
        let rest = format!(
            "SharedAccessKeyName=iothubowner;SharedAccessKey={};EntityPath=iothub-ehub-setpoint",
            identity.service_key().to_base64()
        );
        assert_eq!(value(5671), format!("Endpoint=sb://localhost/;{rest}"));
        assert_eq!(value(15671), format!("Endpoint=sb://localhost:15671/;{rest}"));
    }

    #[test]
    fn every_line_is_explained() {
        let identity = Identity::temporary().unwrap();
        let block = environment(&identity, 8883, 8443, Path::new("ca.pem")) + &amqp_environment(&identity, 5671);
        let lines: Vec<_> = block.lines().collect();
        assert!(
            lines
                .chunks(2)
                .all(|pair| pair[0].starts_with("# ") && pair[1].starts_with("export ")),
            "{lines:?}"
        );
    }
}
