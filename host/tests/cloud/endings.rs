//! How connections end, and how soon that is noticed.

use std::time::Duration;

use setpoint::cloud::{Access, AzureConnector, ConnectError, Connection, Connector, Event, Outgoing};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::server::TlsStream;

use crate::local::MODEL;
use crate::server::{Client, PINGREQ, SUBSCRIBE, Server};

const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// The time in which a silent peer has to be given up, with what a busy machine may add.
const NOTICED: Duration = Duration::from_secs(4);

/// How long anything else may take. Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

fn impatient(server: &Server) -> Access {
    server.access().keep_alive(KEEP_ALIVE)
}

async fn connected(server: &Server, access: Access) -> (Box<dyn Connection>, Client<TlsStream<TcpStream>>) {
    let (connector, assignment) = (AzureConnector::new(access), server.assignment());
    let (connection, hub) = tokio::join!(connector.connect(&assignment, MODEL), server.device(4));
    (connection.unwrap(), hub)
}

fn telemetry(size: usize) -> Outgoing {
    Outgoing::Telemetry {
        component: None,
        body: format!("\"{}\"", "x".repeat(size)),
        properties: Vec::new(),
    }
}

/// How the connection ends, whatever comes before.
async fn end(connection: &mut Box<dyn Connection>) -> ConnectError {
    let events = async {
        loop {
            if let Err(error) = connection.next().await {
                return error;
            }
        }
    };
    timeout(PATIENCE, events).await.expect("it ends")
}

#[tokio::test]
async fn a_hub_that_closes_is_told_from_a_line_that_breaks() {
    let server = Server::start().await;
    let (mut connection, mut hub) = connected(&server, server.access()).await;
    // With TLS's goodbye.
    hub.stream.shutdown().await.unwrap();
    let error = end(&mut connection).await;
    assert!(matches!(error, ConnectError::Closed { .. }), "{error:?}");
    drop(hub);

    // Without it.
    let (mut connection, hub) = connected(&server, server.access()).await;
    drop(hub.stream.into_inner().0);
    let error = end(&mut connection).await;
    assert!(matches!(error, ConnectError::Closed { .. }), "{error:?}");

    // With a reset.
    let (mut connection, hub) = connected(&server, server.access()).await;
    let stream = hub.stream.into_inner().0;
    stream.set_zero_linger().unwrap();
    drop(stream);
    let error = end(&mut connection).await;
    assert!(matches!(error, ConnectError::Closed { .. }), "{error:?}");
}

#[tokio::test]
async fn nonsense_is_a_lost_connection() {
    let server = Server::start().await;
    let (mut connection, mut hub) = connected(&server, server.access()).await;
    hub.send(&[0xff; 8]).await;
    let error = end(&mut connection).await;
    assert!(matches!(error, ConnectError::Lost { .. }), "{error:?}");
}

#[tokio::test]
async fn a_silent_hub_is_given_up_after_one_and_a_half_keep_alives() {
    let server = Server::start().await;
    let (mut connection, hub) = connected(&server, impatient(&server)).await;
    let begun = Instant::now();
    let error = end(&mut connection).await;
    let noticed = begun.elapsed();
    assert!(
        matches!(&error, ConnectError::Lost { reason, .. } if reason == "nothing was heard from it for 1.5 s"),
        "{error:?}"
    );
    assert!(noticed > KEEP_ALIVE && noticed < NOTICED, "{noticed:?}");
    drop(hub);
}

#[tokio::test]
async fn a_silent_hub_is_given_up_while_telemetry_is_sent() {
    let server = Server::start().await;
    let (mut connection, hub) = connected(&server, impatient(&server)).await;
    let begun = Instant::now();
    let mut ids = 1..;
    let error = loop {
        connection.send(ids.next().unwrap(), &telemetry(10)).unwrap();
        match timeout(Duration::from_millis(100), connection.next()).await {
            Ok(Err(error)) => break error,
            Ok(Ok(event)) => panic!("from a hub that says nothing: {event:?}"),
            Err(_) => assert!(begun.elapsed() < PATIENCE, "it never ends"),
        }
    };
    let noticed = begun.elapsed();
    assert!(matches!(error, ConnectError::Lost { .. }), "{error:?}");
    assert!(noticed > KEEP_ALIVE && noticed < NOTICED, "{noticed:?}");
    drop(hub);
}

#[tokio::test]
async fn a_hub_that_takes_nothing_more_is_given_up_in_the_middle_of_a_write() {
    let server = Server::start().await;
    let (mut connection, hub) = connected(&server, impatient(&server)).await;
    // More than the buffers of both sides hold.
    for id in 0..80 {
        connection.send(id, &telemetry(200 * 1024)).unwrap();
    }
    let begun = Instant::now();
    let error = end(&mut connection).await;
    assert!(matches!(error, ConnectError::Lost { .. }), "{error:?}");
    assert!(begun.elapsed() < NOTICED, "{:?}", begun.elapsed());
    drop(hub);
}

#[tokio::test]
async fn an_idle_hub_that_answers_pings_is_kept() {
    let server = Server::start().await;
    let (mut connection, mut hub) = connected(&server, impatient(&server)).await;
    let pings = async {
        for _ in 0..4 {
            let (kind, _) = hub.packet().await.unwrap();
            assert_eq!(kind, PINGREQ);
            hub.send(&[0xd0, 0]).await;
        }
    };
    tokio::select! {
        () = pings => {}
        event = connection.next() => panic!("nothing was to happen: {event:?}"),
    }
}

#[tokio::test]
async fn what_arrived_while_nobody_asked_counts_as_heard() {
    let server = Server::start().await;
    let (mut connection, mut hub) = connected(&server, impatient(&server)).await;
    hub.publish(1, "$iothub/methods/POST/reboot/?$rid=1", b"null").await;
    // A guest at work keeps its device from asking, and its hub is not to blame.
    std::thread::sleep(2 * KEEP_ALIVE);
    let event = timeout(PATIENCE, connection.next()).await.unwrap().unwrap();
    assert!(matches!(event, Event::Method { .. }), "{event:?}");
}

#[tokio::test]
async fn connack_codes_say_whether_it_stays_refused() {
    let server = Server::start().await;
    let connector = AzureConnector::new(server.access());
    let assignment = server.assignment();
    for code in 1..=5_u8 {
        let hub = async {
            let mut client = server.client().await;
            client.send(&[0x20, 2, 0, code]).await;
            client
        };
        let (refused, _hub) = tokio::join!(connector.connect(&assignment, MODEL), hub);
        let Err(error) = refused else {
            panic!("accepted with {code}")
        };
        let is_final = matches!(error, ConnectError::Refused { .. });
        assert_eq!(is_final, code != 3, "{error:?}");
        assert!(error.to_string().contains(&format!("code {code}")), "{error}");
    }
}

#[tokio::test]
async fn a_subscription_that_is_refused_ends_the_connection() {
    let server = Server::start().await;
    let connector = AzureConnector::new(server.access());
    let assignment = server.assignment();
    let hub = async {
        let mut client = server.device(0).await;
        let body = client.wait_for(SUBSCRIBE).await;
        client.send(&[0x90, 3, body[0], body[1], 0x80]).await;
        client
    };
    let (refused, _hub) = tokio::join!(connector.connect(&assignment, MODEL), hub);
    assert!(
        matches!(&refused, Err(ConnectError::Lost { reason, .. }) if reason.contains("subscription")),
        "{:?}",
        refused.err()
    );
}

#[tokio::test]
async fn what_was_sent_before_closing_arrives() {
    let server = Server::start().await;
    let (mut connection, mut hub) = connected(&server, server.access()).await;
    connection.send(1, &telemetry(1)).unwrap();
    let receive = async {
        let topic = hub.published().await;
        hub.left().await;
        topic
    };
    let ((), topic) = tokio::join!(connection.close(), receive);
    assert!(topic.starts_with("devices/"), "{topic}");
}
