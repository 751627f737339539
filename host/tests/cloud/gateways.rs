//! A device that reaches its hub through an edge gateway: the gateway is dialled, and the hub is spoken to.

use setpoint::cloud::{ConnectionString, Connector, Event, Outgoing, Provisioner};

use crate::local::{DEVICE, Local, MODEL};
use crate::server::Server;

/// The device's connection string, which names both.
fn connection_string(hub: &str, gateway: &str, key: &str) -> ConnectionString {
    let text = format!("HostName={hub};DeviceId={DEVICE};SharedAccessKey={key};GatewayHostName={gateway}");
    ConnectionString::new(text.parse().unwrap()).unwrap()
}

#[tokio::test]
async fn the_gateway_is_dialled_in_the_hubs_name() {
    let gateway = Server::start().await;
    let string = connection_string("hub.example.com", &gateway.endpoint().to_string(), "a2V5");
    let assignment = string.provision(MODEL).await.unwrap();
    let connector = string.connector(gateway.access());
    let (connection, client) = tokio::join!(connector.connect(&assignment, MODEL), gateway.device(4));
    connection.unwrap();
    // The handshake asked for the gateway's certificate, or there would be none.
    let name = client.stream.get_ref().1.server_name();
    assert_eq!(name, Some("localhost"));
    let username = client.text();
    assert!(username.contains(&format!("hub.example.com/{DEVICE}/?")), "{username}");
    let token = client.password();
    assert!(
        token.contains(&format!("sr=hub.example.com%2Fdevices%2F{DEVICE}&")),
        "{token}"
    );
}

#[tokio::test]
async fn a_device_talks_to_its_hub_through_a_gateway() {
    let local = Local::start().await;
    let key = local.identity.device_keys()[0].to_base64();
    // The emulator is known by both names, and may be either.
    let gateway = format!("localhost:{}", local.port());
    let string = connection_string("127.0.0.1", &gateway, &key);
    let assignment = string.provision(MODEL).await.unwrap();
    assert_eq!(
        assignment.hub.to_string(),
        "127.0.0.1",
        "where nobody listens on port 8883"
    );
    let connector = string.connector(local.access());
    let mut connection = connector.connect(&assignment, MODEL).await.unwrap();
    connection.send(1, &Outgoing::GetTwin).unwrap();
    let event = connection.next().await.unwrap();
    assert!(matches!(event, Event::Twin(_)), "{event:?}");
    connection.close().await;
}
