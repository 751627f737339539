use super::*;
use crate::cloud::Trust;
use setpoint_protocol::key::Key;

fn assignment(hub: &str) -> Assignment {
    Assignment {
        hub: hub.parse().unwrap(),
        device_id: "my-pnp-device".to_owned(),
        payload: None,
    }
}

fn connector() -> AzureConnector {
    AzureConnector::new(Access::with_key(
        Key::from_bytes(vec![1; 32]),
        &Trust::system(None).unwrap(),
    ))
}

#[test]
fn logs_in_as_the_documents_say() {
    let login = connector().login(&assignment("hub.azure-devices.net"), "dtmi:com:example:Thermostat;1");
    assert_eq!(login.id, "my-pnp-device");
    assert_eq!(login.endpoint.to_string(), "hub.azure-devices.net:8883");
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "hub.azure-devices.net/my-pnp-device/?api-version=2021-04-12&DeviceClientType=setpoint%2F{version}\
         &model-id=dtmi%3Acom%3Aexample%3AThermostat%3B1"
    );
    assert_eq!(login.username, expected);
    assert_eq!(
        login.password.as_ref().unwrap().resource(),
        "hub.azure-devices.net/devices/my-pnp-device"
    );
    assert!(!login.clean, "messages sent while the device is away wait for it");
}

#[test]
fn the_port_stays_out_of_names_that_are_signed() {
    let login = connector().login(&assignment("localhost:8884"), "");
    assert_eq!(login.endpoint.to_string(), "localhost:8884");
    assert!(
        login.username.starts_with("localhost/my-pnp-device/?api-version="),
        "{}",
        login.username
    );
    assert!(!login.username.contains("model-id"), "{}", login.username);
    assert_eq!(
        login.password.as_ref().unwrap().resource(),
        "localhost/devices/my-pnp-device"
    );
}

#[test]
fn a_gateway_is_dialled_in_the_hubs_name() {
    let connector = connector().through("edge:1883".parse().unwrap());
    let login = connector.login(&assignment("hub.azure-devices.net"), "");
    assert_eq!(login.endpoint.to_string(), "edge:1883");
    assert!(
        login.username.starts_with("hub.azure-devices.net/"),
        "{}",
        login.username
    );
    assert_eq!(
        login.password.as_ref().unwrap().resource(),
        "hub.azure-devices.net/devices/my-pnp-device"
    );
}
