//! Who may connect to IoT Hub, and what ends a connection.

use serde_json::json;
use setpoint_emulator::state::EventKind;
use setpoint_protocol::{Key, Token};
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::client::{Azure, CONNECTED, Connect, DESIRED, RESUMED, TWIN_RESPONSES, packet, publish, text};
use crate::support::{event, object, to_device};

fn refused(code: u8) -> [u8; 4] {
    [0x20, 2, 0, code]
}

#[tokio::test]
async fn both_versions_of_tls_are_spoken() {
    let azure = Azure::start().await;
    for (version, name) in [
        (&rustls::version::TLS12, rustls::ProtocolVersion::TLSv1_2),
        (&rustls::version::TLS13, rustls::ProtocolVersion::TLSv1_3),
    ] {
        let client = azure.dial_by(&[version]).await;
        assert_eq!(client.tls_version(), Some(name));
    }
}

#[tokio::test]
async fn connect_is_refused_with_the_right_code() {
    let azure = Azure::start().await;
    let id = azure.identity.device_id();
    let sign = |resource: &str, key: &Key, expiry| {
        setpoint_test_logs::keys([key]);
        Token::sign(resource, key, expiry, None).to_string()
    };
    let right = &azure.identity.device_keys()[1];
    let resource = format!("localhost/devices/{id}");
    let with_token = |token: &str| Connect::new(id, token);
    let cases = [
        (
            "wrong key",
            with_token(&sign(&resource, &Key::from_bytes(vec![1; 32]), u64::MAX)),
            5,
        ),
        ("expired", with_token(&sign(&resource, right, 1_000_000_000)), 5),
        (
            "for another device",
            with_token(&sign("localhost/devices/other", right, u64::MAX)),
            5,
        ),
        (
            "for another hub",
            with_token(&sign(&format!("elsewhere/devices/{id}"), right, u64::MAX)),
            5,
        ),
        ("no token", with_token("secret"), 5),
        (
            "unknown device",
            Connect::new("nobody", &sign("localhost/devices/nobody", right, u64::MAX)),
            5,
        ),
        (
            "another client id",
            Connect {
                client_id: "other".into(),
                ..azure.hello()
            },
            5,
        ),
        (
            "no user name",
            Connect {
                username: None,
                password: None,
                ..azure.hello()
            },
            5,
        ),
        (
            "no device in the user name",
            Connect {
                username: Some("localhost".into()),
                ..azure.hello()
            },
            5,
        ),
        (
            "MQTT 5",
            Connect {
                level: 5,
                ..azure.hello()
            },
            1,
        ),
        (
            "a will elsewhere",
            Connect {
                will: Some(("home/lamp".into(), "off", 0)),
                ..azure.hello()
            },
            5,
        ),
    ];
    for (what, connect, code) in cases {
        println!("{what}");
        azure.connect(&connect, refused(code)).await.closed().await;
    }
    azure
        .connect(&with_token(&sign(&resource, right, u64::MAX)), CONNECTED)
        .await;
}

#[tokio::test]
async fn a_disabled_device_is_cut_off_and_refused() {
    let azure = Azure::start().await;
    let client = azure.device().await;
    azure
        .emulator
        .hub()
        .update_device(azure.identity.device_id(), None, Some(false))
        .unwrap();
    client.closed().await;
    azure.connect(&azure.hello(), refused(5)).await.closed().await;
}

#[tokio::test]
async fn a_second_connection_drops_the_first() {
    let azure = Azure::start().await;
    let first = azure.device().await;
    let mut second = azure.device().await;
    first.closed().await;
    second.send(&[0xC0, 0]).await;
    assert_eq!(second.packet().await, [0xD0, 0]);
}

#[tokio::test]
async fn a_kept_session_goes_on_without_subscribing_again() {
    let azure = Azure::start().await;
    let id = azure.identity.device_id();
    let kept = Connect {
        clean: false,
        ..azure.hello()
    };
    let mut client = azure.connect(&kept, CONNECTED).await;
    assert_eq!(client.subscribe(DESIRED, 0).await, 0);
    assert_eq!(
        client
            .subscribe(&format!("devices/{id}/messages/devicebound/#"), 1)
            .await,
        1
    );
    azure.emulator.hub().send_to_device(id, to_device("one")).unwrap();
    let first = client.message().await;
    drop(client);

    let mut events = azure.emulator.hub().subscribe();
    if azure.emulator.hub().device(id).unwrap().connected {
        event(&mut events, EventKind::Disconnected).await;
    }
    azure.emulator.hub().send_to_device(id, to_device("two")).unwrap();
    let mut client = azure.connect(&kept, RESUMED).await;
    let again = client.message().await;
    assert_eq!(
        (again.id, again.again, again.body.as_slice()),
        (first.id, true, &b"one"[..])
    );
    let second = client.message().await;
    assert_eq!((second.again, second.body.as_slice()), (false, &b"two"[..]));
    let patch = object(json!({"properties": {"desired": {"a": 1}}}));
    azure.emulator.hub().patch_twin(id, &patch, None).unwrap();
    let desired = client.message().await;
    assert_eq!(desired.topic, "$iothub/twin/PATCH/properties/desired/?$version=2");
    assert_eq!(desired.json(), json!({"a": 1, "$version": 2}));

    azure.device().await;
    azure.connect(&kept, CONNECTED).await;
}

#[tokio::test]
async fn qos_2_is_granted_as_1_and_closes_when_used() {
    let azure = Azure::start().await;
    let mut client = azure.device().await;
    assert_eq!(client.subscribe(TWIN_RESPONSES, 2).await, 1);
    let topic = format!("devices/{}/messages/events/", azure.identity.device_id());
    client
        .send(&packet(0x34, &[&text(&topic)[..], &[0, 1], b"{}"].concat()))
        .await;
    client.closed().await;
}

#[tokio::test]
async fn only_the_documented_topics_are_taken() {
    let azure = Azure::start().await;
    let other = "devices/other/messages/events/";
    let register = "$dps/registrations/PUT/iotdps-register/?$rid=1";
    for topic in [
        "home/lamp",
        other,
        register,
        "$iothub/twin/GET/",
        "devices/my-pnp-device/messages/devicebound/",
    ] {
        let mut client = azure.device().await;
        client.send(&publish(topic, Some(1), b"{}")).await;
        client.closed().await;
    }
}

#[tokio::test]
async fn a_silent_client_and_an_old_token_end_the_connection() {
    let azure = Azure::start().await;
    let silent = azure
        .connect(
            &Connect {
                keep_alive: 1,
                ..azure.hello()
            },
            CONNECTED,
        )
        .await;
    silent.closed().await;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let resource = format!("localhost/devices/{}", azure.identity.device_id());
    let token = Token::sign(&resource, &azure.identity.device_keys()[0], now + 1, None);
    azure
        .connect(&Connect::new(azure.identity.device_id(), &token.to_string()), CONNECTED)
        .await
        .closed()
        .await;
}

#[tokio::test]
async fn whoever_does_not_begin_with_connect_or_sends_two_is_cut_off() {
    let azure = Azure::start().await;
    for first in [
        &[0xC0, 0][..],
        &publish("home/lamp", None, b"on"),
        &[0x10, 0xFF, 0xFF, 0xFF, 0xFF],
    ] {
        let mut client = azure.dial().await;
        client.send(first).await;
        client.closed().await;
    }
    let mut client = azure.device().await;
    client.send(&azure.hello().bytes()).await;
    client.closed().await;
}

#[tokio::test]
async fn clients_that_stand_still_hold_nobody_up() {
    let azure = Azure::start().await;
    let (hub, id) = (azure.emulator.hub(), azure.identity.device_id());
    let _no_handshake = TcpStream::connect(azure.emulator.mqtt_address()).await.unwrap();
    let _no_connect = azure.dial().await;
    let mut not_reading = azure.device().await;
    not_reading.subscribe(DESIRED, 0).await;
    let mut events = hub.subscribe();
    let patch = object(json!({"properties": {"desired": {"a": vec!["x".repeat(3000); 9]}}}));
    while hub.device(id).unwrap().connected {
        hub.patch_twin(id, &patch, None).unwrap();
        tokio::task::yield_now().await;
    }
    event(&mut events, EventKind::Disconnected).await;
    let mut other = azure.device().await;
    other.publish(&format!("devices/{id}/messages/events/"), b"{}").await;
}

#[tokio::test]
async fn stopping_closes_ports_and_connections() {
    let azure = Azure::start().await;
    let (mqtt, https) = (azure.emulator.mqtt_address(), azure.emulator.https_address());
    let client = azure.device().await;
    azure.emulator.stop().await;
    client.closed().await;
    for address in [mqtt, https] {
        match TcpStream::connect(address).await {
            Err(_) => {}
            // Connecting to a free port of this machine can meet itself; then nobody else is there.
            Ok(mut stream) => assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0),
        }
    }
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let azure = Azure::start().await;
    let taken = azure.emulator.mqtt_address();
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let options = setpoint_emulator::Options {
        mqtt: any,
        https: taken,
        identity: azure.identity.clone(),
        data: None,
    };
    let refused = setpoint_emulator::Emulator::start(options)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        refused.contains(&taken.to_string()) && refused.contains("in use"),
        "{refused}"
    );
}
