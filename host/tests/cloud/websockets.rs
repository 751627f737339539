//! MQTT over WebSockets.

use futures_util::{SinkExt, StreamExt};
use setpoint::cloud::{
    AzureConnector, ConnectError, Connector, DpsProvisioner, Event, Outgoing, ProvisionError, Provisioner, Proxies,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::local::{DEVICE, Local, MODEL};
use crate::server::{Client, Server};
use crate::tunnels::{Manner, TestProxy};

/// The next connection, after its WebSocket's handshake.
async fn client(server: &Server) -> Client<DuplexStream> {
    #[expect(clippy::result_large_err, reason = "the library's own signature")]
    let answer = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        assert_eq!(request.uri().path(), "/$iothub/websocket");
        assert_eq!(request.headers()["Sec-WebSocket-Protocol"], "mqtt");
        assert_eq!(request.headers()["Host"], server.endpoint().to_string().as_str());
        let headers = response.headers_mut();
        headers.insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt"));
        Ok(response)
    };
    let socket = tokio_tungstenite::accept_hdr_async(server.stream().await, answer);
    let (mut sink, mut messages) = socket.await.unwrap().split();
    let (here, there) = duplex(64 * 1024);
    let (mut from_test, mut to_test) = tokio::io::split(there);
    tokio::spawn(async move {
        while let Some(Ok(message)) = messages.next().await {
            match message {
                Message::Binary(bytes) => to_test.write_all(&bytes).await.unwrap(),
                Message::Pong(payload) => assert!(payload.is_empty() || payload == "are you there"),
                other => panic!("{other:?}"),
            }
        }
    });
    tokio::spawn(async move {
        // Messages that end in the middle of packets, with pings between, which are no part of what MQTT sees.
        let mut bytes = [0; 7];
        while let Ok(length @ 1..) = from_test.read(&mut bytes).await {
            let parts = [
                Message::Ping("are you there".into()),
                Message::Ping("".into()),
                Message::Binary("".into()),
                Message::Binary(bytes[..length].to_vec().into()),
            ];
            for part in parts {
                if sink.send(part).await.is_err() {
                    return;
                }
            }
        }
        // The test has dropped its end: the server says goodbye.
        let _ = sink.send(Message::Close(None)).await;
    });
    Client::greeted(here).await
}

#[tokio::test]
async fn a_device_talks_to_its_hub() {
    let server = Server::start().await;
    let connector = AzureConnector::new(server.access().websockets());
    let assignment = server.assignment();
    let hub = async {
        let mut hub = client(&server).await;
        hub.accept(4).await;
        hub
    };
    let (connection, mut hub) = tokio::join!(connector.connect(&assignment, MODEL), hub);
    let mut connection = connection.unwrap();
    let telemetry = Outgoing::Telemetry {
        component: None,
        body: format!("\"{}\"", "x".repeat(100_000)),
        properties: Vec::new(),
    };
    connection.send(1, &telemetry).unwrap();
    let (topic, event) = tokio::join!(hub.published(), connection.next());
    assert!(topic.starts_with("devices/my-pnp-device/messages/events/"), "{topic}");
    assert_eq!(event.unwrap(), Event::Delivered(1));

    hub.publish(1, "$iothub/methods/POST/reboot/?$rid=1", b"null").await;
    let event = connection.next().await.unwrap();
    assert!(matches!(event, Event::Method { .. }), "{event:?}");

    drop(hub);
    let error = connection.next().await.unwrap_err();
    assert!(matches!(error, ConnectError::Closed { .. }), "{error:?}");
}

#[tokio::test]
async fn a_device_registers_through_a_proxy() {
    let server = Server::start().await;
    let proxy = TestProxy::start(Manner::Open).await;
    let proxies = Proxies::always(proxy.url("").parse().unwrap());
    let provisioner = server.provisioner(server.access().websockets().proxies(proxies));
    let dps = async {
        let mut dps = client(&server).await;
        dps.accept(1).await;
        let state =
            serde_json::json!({"registrationId": "d", "assignedHub": "hub", "deviceId": "d", "status": "assigned"});
        let assigned = serde_json::json!({"operationId": "o", "status": "assigned", "registrationState": state});
        dps.answer("200/?", &assigned).await;
        dps.left().await;
    };
    let (assignment, ()) = tokio::join!(provisioner.provision(MODEL), dps);
    assert_eq!(assignment.unwrap().hub.host, "hub");
    assert_eq!(proxy.asked(), [format!("CONNECT {} HTTP/1.1", server.endpoint())]);
}

/// How provisioning fails when the server answers the handshake with this.
async fn failure(answer: &str) -> String {
    let server = Server::start().await;
    let provisioner = server.provisioner(server.access().websockets());
    let http = async {
        let mut stream = server.stream().await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        // Held open until the client leaves.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    };
    let (refused, ()) = tokio::join!(provisioner.provision(MODEL), http);
    match refused {
        Err(ProvisionError::Connect(error @ ConnectError::Unreachable { .. })) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_without_websockets_is_named() {
    let error = failure("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    for part in ["no WebSocket", "404 Not Found", "/$iothub/websocket"] {
        assert!(error.contains(part), "{part} is missing: {error}");
    }
    let error = failure("SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
    assert!(error.contains("no WebSocket"), "{error}");
}

#[tokio::test]
async fn a_device_registers_and_connects_over_websockets() {
    let local = Local::start().await;
    let access = local.access().websockets();
    let scope = local.identity.id_scope();
    let provisioner = DpsProvisioner::new(local.endpoint_for_websockets(), scope, DEVICE, access.clone());
    let assignment = provisioner.provision(MODEL).await.unwrap();
    assert_eq!(assignment.hub, local.endpoint_for_websockets());
    let mut connection = AzureConnector::new(access).connect(&assignment, MODEL).await.unwrap();
    connection.send(1, &Outgoing::GetTwin).unwrap();
    let event = connection.next().await.unwrap();
    assert!(matches!(event, Event::Twin(_)), "{event:?}");
    local.emulator.hub().kick(DEVICE).unwrap();
    let error = connection.next().await.unwrap_err();
    assert!(matches!(error, ConnectError::Closed { .. }), "{error:?}");
}
