//! MQTT over WebSockets, with a WebSocket client that the emulator's does not know of.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::json;
use setpoint_emulator::state::{EventKind, Thumbprint};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    net::TcpStream,
    time,
};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::client::{Azure, CONNECTED, Client, Connect, DESIRED, publish, shake_hands};
use crate::provisioning::{ANSWERS, REGISTER};
use crate::support::{SOON, event, object};

const PATH: &str = "/$iothub/websocket";

type Socket = WebSocketStream<TlsStream<TcpStream>>;

fn without_certificate(azure: &Azure) -> ClientConfig {
    azure.tls(rustls::DEFAULT_VERSIONS).with_no_client_auth()
}

async fn upgrade(azure: &Azure, config: ClientConfig, path: &str, protocol: Option<&str>) -> Result<Socket, Error> {
    let stream = shake_hands(azure.emulator.https_address(), config).await.unwrap();
    let mut request = format!("wss://localhost{path}").into_client_request().unwrap();
    if let Some(protocol) = protocol {
        let protocol = HeaderValue::from_str(protocol).unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
    }
    let (socket, response) = client_async(request, stream).await?;
    let chosen = response.headers()["Sec-WebSocket-Protocol"].to_str().unwrap();
    // Of several, the last is the hub's.
    assert!(protocol.unwrap().ends_with(chosen), "{chosen}");
    Ok(socket)
}

async fn socket(azure: &Azure) -> Socket {
    upgrade(azure, without_certificate(azure), PATH, Some("mqtt"))
        .await
        .unwrap()
}

/// The next message, which has to come soon.
async fn next(socket: &mut Socket) -> Option<Result<Message, Error>> {
    time::timeout(SOON, socket.next()).await.expect("nothing came")
}

/// A client whose bytes go through the WebSocket, as many in a frame as come at a time.
fn through(mut socket: Socket) -> Client {
    let (mut near, far) = duplex(64 * 1024);
    tokio::spawn(async move {
        let mut buffer = vec![0; 1024];
        loop {
            tokio::select! {
                count = near.read(&mut buffer) => match count {
                    Ok(count) if count > 0 => {
                        let bytes = buffer[..count].to_vec();
                        socket.send(Message::binary(bytes)).await.unwrap();
                    }
                    _ => return,
                },
                message = socket.next() => match message {
                    Some(Ok(Message::Binary(bytes))) => near.write_all(&bytes).await.unwrap(),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    _ => return,
                },
            }
        }
    });
    Client::through(far)
}

async fn connect(socket: Socket, hello: &Connect, connack: [u8; 4]) -> Client {
    let mut client = through(socket);
    client.send(&hello.bytes()).await;
    assert_eq!(client.packet().await, connack);
    client
}

#[tokio::test]
async fn a_device_provisions_connects_and_sends() {
    let azure = Azure::start().await;
    let (hub, id, key) = (
        azure.emulator.hub(),
        azure.identity.device_id(),
        &azure.identity.device_keys()[0],
    );
    let hello = Connect::dps(azure.identity.id_scope(), id, key);
    let mut client = connect(socket(&azure).await, &hello, CONNECTED).await;
    assert_eq!(client.subscribe(ANSWERS, 1).await, 1);
    let body = json!({"registrationId": id}).to_string();
    let registered = client.request(REGISTER, body.as_bytes()).await.json();
    let operation = registered["operationId"].as_str().unwrap();
    let poll = format!("$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId={operation}");
    let assigned = client.request(&poll, b"").await.json();
    assert_eq!(assigned["registrationState"]["assignedHub"], "localhost");

    // As the SDKs for C and Node have the path.
    let path = "/$iothub/websocket?iothub-no-client-cert=true";
    let socket = upgrade(&azure, without_certificate(&azure), path, Some("mqtt"))
        .await
        .unwrap();
    let mut client = connect(socket, &azure.hello(), CONNECTED).await;
    let mut events = hub.subscribe();
    // Larger than any frame of this client's, and than what the server reads at a time.
    let body = vec![b'x'; 200 * 1024];
    client.publish(&format!("devices/{id}/messages/events/"), &body).await;
    assert_eq!(event(&mut events, EventKind::Telemetry).await.body, body);
    client.subscribe(DESIRED, 0).await;
    let large = "y".repeat(4000);
    let patch = json!({"properties": {"desired": {"a": large, "b": large, "c": large}}});
    hub.patch_twin(id, &object(patch), None).unwrap();
    assert_eq!(client.message().await.json()["c"], json!(large));
}

#[tokio::test]
async fn packets_end_where_they_end_and_not_with_frames() {
    let azure = Azure::start().await;
    let mut socket = socket(&azure).await;
    let telemetry = publish(
        &format!("devices/{}/messages/events/", azure.identity.device_id()),
        Some(7),
        b"{}",
    );
    // Two packets and half of the third, nothing, and the rest byte by byte.
    let (half, rest) = telemetry.split_at(9);
    let bytes = [&azure.hello().bytes()[..], &[0xC0, 0], half].concat();
    socket.send(Message::binary(bytes)).await.unwrap();
    socket.send(Message::binary(Vec::new())).await.unwrap();
    for byte in rest {
        socket.send(Message::binary(vec![*byte])).await.unwrap();
    }
    let mut received = Vec::new();
    while received.len() < 10 {
        received.extend(next(&mut socket).await.unwrap().unwrap().into_data());
    }
    assert_eq!(received, [&CONNECTED[..], &[0xD0, 0], &[0x40, 2, 0, 7]].concat());
}

#[tokio::test]
async fn pings_are_answered_and_goodbyes_too() {
    let azure = Azure::start().await;
    let (hub, id) = (azure.emulator.hub(), azure.identity.device_id());
    let hello = Message::binary(azure.hello().bytes());
    let mut socket = socket(&azure).await;
    socket.send(Message::Ping("early".into())).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap().unwrap(), Message::Pong("early".into()));
    socket.send(hello.clone()).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap().unwrap().into_data()[..], CONNECTED);
    socket.send(Message::Ping("late".into())).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap().unwrap(), Message::Pong("late".into()));
    let mut events = hub.subscribe();
    socket.send(Message::Close(None)).await.unwrap();
    event(&mut events, EventKind::Disconnected).await;
    assert!(matches!(next(&mut socket).await, Some(Ok(Message::Close(_)))));

    // The other way round.
    let mut socket = self::socket(&azure).await;
    socket.send(hello).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap().unwrap().into_data()[..], CONNECTED);
    assert!(hub.kick(id).unwrap());
    assert!(matches!(next(&mut socket).await, Some(Ok(Message::Close(_)))));
    assert!(next(&mut socket).await.is_none_or(|message| message.is_err()));
}

#[tokio::test]
async fn a_text_frame_ends_the_connection() {
    let azure = Azure::start().await;
    let mut socket = socket(&azure).await;
    socket.send(Message::binary(azure.hello().bytes())).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap().unwrap().into_data()[..], CONNECTED);
    let mut events = azure.emulator.hub().subscribe();
    socket.send(Message::text("hello")).await.unwrap();
    event(&mut events, EventKind::Disconnected).await;
}

#[tokio::test]
async fn the_subprotocol_has_to_be_offered() {
    let azure = Azure::start().await;
    for protocol in [None, Some("amqp")] {
        let refused = upgrade(&azure, without_certificate(&azure), PATH, protocol).await;
        let Err(Error::Http(response)) = refused else {
            panic!("{protocol:?}: {refused:?}")
        };
        assert_eq!(response.status(), 400);
    }
    // As azure-iot-sdk-c spells it, too.
    for protocol in ["mqttv3.1, mqtt", "MQTT"] {
        let taken = upgrade(&azure, without_certificate(&azure), PATH, Some(protocol)).await;
        taken.unwrap();
    }
    let elsewhere = upgrade(&azure, without_certificate(&azure), "/devices", Some("mqtt")).await;
    assert!(matches!(elsewhere, Err(Error::Http(response)) if response.status() == 401));
}

#[tokio::test]
async fn a_certificate_counts_here_too() {
    let azure = Azure::start().await;
    let certificate = azure.identity.issue_device_certificate("cert-1").unwrap();
    setpoint_test_logs::private_key(&certificate.key_pem);
    let thumbprint = Thumbprint::of_pem(&certificate.certificate_pem).unwrap();
    let hub = azure.emulator.hub();
    hub.create_device("cert-1", Some(thumbprint.into())).unwrap();
    let hello = Connect {
        password: None,
        ..Connect::new("cert-1", "")
    };
    let chain = vec![CertificateDer::from_pem_slice(certificate.certificate_pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.as_bytes()).unwrap();
    let config = azure.tls(rustls::DEFAULT_VERSIONS).with_client_auth_cert(chain, key);
    let with = upgrade(&azure, config.unwrap(), PATH, Some("mqtt")).await.unwrap();
    connect(with, &hello, CONNECTED).await;
    connect(socket(&azure).await, &hello, [0x20, 2, 0, 5]).await;
}

#[tokio::test]
async fn stopping_the_emulator_cuts_off_what_was_upgraded() {
    let azure = Azure::start().await;
    let mut socket = socket(&azure).await;
    socket.send(Message::binary(azure.hello().bytes())).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap().unwrap().into_data()[..], CONNECTED);
    time::timeout(Duration::from_secs(30), azure.emulator.stop())
        .await
        .unwrap();
    assert!(next(&mut socket).await.is_none_or(|message| message.is_err()));
}
