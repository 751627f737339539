//! The part of the block for what a file declares.

use setpoint_protocol::{DeviceConnectionString, Endpoint};

use super::{DEFAULT_MQTT_PORT, line};
use crate::{
    declaration::{Declaration, Keyed, Kind},
    identity::Identity,
};

/// One line for each thing declared that has keys: a device's connection string, the key of an enrolment or of a group. The name ends
/// with the id, in capitals and with `_` for what a variable's name cannot have.
///
/// The text holds keys: it is for the operator's eyes and shell alone.
pub fn declared(identity: &Identity, declaration: &Declaration, mqtt_port: u16) -> String {
    let show = |Keyed { kind, id, key }: Keyed<'_>| {
        let variable = |name: &str| format!("{name}_{}", as_name(id));
        match kind {
            Kind::Device(hub) => {
                let device = DeviceConnectionString {
                    host: Endpoint {
                        host: hub.unwrap_or(identity.host()).to_owned(),
                        port: Some(mqtt_port).filter(|port| *port != DEFAULT_MQTT_PORT),
                    },
                    device_id: id.to_owned(),
                    module_id: None,
                    key: Some(key),
                    gateway: None,
                };
                line(
                    &format!("Declared: the device {id}. Secret."),
                    &variable("IOTHUB_DEVICE_CONNECTION_STRING"),
                    &device.to_text(),
                )
            }
            Kind::Enrollment => line(
                &format!("Declared: the key of the enrollment {id}. Secret."),
                &variable("IOTHUB_DEVICE_DPS_DEVICE_KEY"),
                &key.to_base64(),
            ),
            Kind::Group => line(
                &format!("Declared: the key of the group {id}, from which its devices' keys are made. Secret."),
                &variable("IOTHUB_DEVICE_DPS_GROUP_KEY"),
                &key.to_base64(),
            ),
        }
    };
    declaration.keyed().into_iter().map(show).collect()
}

fn as_name(id: &str) -> String {
    let letter = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    id.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn whatever_has_keys_has_a_line() {
        let identity = Identity::temporary().unwrap();
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/emulator.yaml");
        let declaration = Declaration::open(Path::new(example), &identity).unwrap();
        let block = declared(&identity, &declaration, 8883);
        let names: Vec<_> = block
            .lines()
            .filter_map(|line| Some(line.strip_prefix("export ")?.split_once('=')?.0))
            .collect();
        assert_eq!(
            names,
            [
                "IOTHUB_DEVICE_CONNECTION_STRING_THERMOSTAT_1",
                "IOTHUB_DEVICE_CONNECTION_STRING_THERMOSTAT_2",
                "IOTHUB_DEVICE_DPS_DEVICE_KEY_SENSOR_1",
                "IOTHUB_DEVICE_DPS_GROUP_KEY_SHEDS",
            ]
        );
        assert!(block.contains("='HostName=127.0.0.2;DeviceId=thermostat-2;SharedAccessKey=MDEyMzQ1Njc4OWFiY2RlZg=='"));
        assert!(
            block
                .lines()
                .all(|line| line.starts_with("# ") || line.starts_with("export "))
        );
        assert_eq!(declared(&identity, &Declaration::default(), 8883), "");
    }
}
