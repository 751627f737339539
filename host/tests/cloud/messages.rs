//! When cloud-to-device messages are acknowledged.

use std::time::Duration;

use setpoint::cloud::{AzureConnector, Connection, Connector, Event, Provisioner};
use setpoint_emulator::state::CloudMessage;
use setpoint_protocol::PropertyBag;
use tokio::time::timeout;

use crate::local::{DEVICE, Local, MODEL};

const PATIENCE: Duration = Duration::from_secs(20);

fn send(local: &Local, body: &str) {
    let message = CloudMessage {
        body: body.as_bytes().to_vec(),
        properties: PropertyBag(Vec::new()),
        expires: None,
    };
    local.emulator.hub().send_to_device(DEVICE, message).unwrap();
}

async fn connect(local: &Local) -> Box<dyn Connection> {
    let access = local.access();
    let assignment = local.provisioner(access.clone()).provision(MODEL).await.unwrap();
    AzureConnector::new(access).connect(&assignment, MODEL).await.unwrap()
}

/// The text of the next message.
async fn message(connection: &mut Box<dyn Connection>) -> String {
    match timeout(PATIENCE, connection.next()).await.expect("a message comes") {
        Ok(Event::Message { body, .. }) => String::from_utf8(body).unwrap(),
        other => panic!("no message: {other:?}"),
    }
}

#[tokio::test]
async fn a_message_that_may_not_have_been_handled_comes_again() {
    let local = Local::start().await;
    let mut connection = connect(&local).await;
    send(&local, "one");
    send(&local, "two");
    send(&local, "three");
    assert_eq!(message(&mut connection).await, "one");
    assert_eq!(message(&mut connection).await, "two");
    // "two" was handed over and "three" was not: the device goes without a word on either.
    connection.close().await;

    let mut connection = connect(&local).await;
    assert_eq!(message(&mut connection).await, "two", "\"one\" was done with");
    assert_eq!(message(&mut connection).await, "three");
    connection.close().await;
}

#[tokio::test]
async fn a_message_comes_again_after_a_crash_too() {
    let local = Local::start().await;
    let mut connection = connect(&local).await;
    send(&local, "one");
    assert_eq!(message(&mut connection).await, "one");
    drop(connection);
    let mut connection = connect(&local).await;
    assert_eq!(message(&mut connection).await, "one");
}

#[tokio::test]
async fn asking_for_the_next_event_acknowledges_even_when_it_is_given_up() {
    let local = Local::start().await;
    let mut connection = connect(&local).await;
    send(&local, "one");
    assert_eq!(message(&mut connection).await, "one");
    {
        let next = connection.next();
        tokio::pin!(next);
        tokio::select! {
            biased;
            event = &mut next => panic!("nothing else was sent: {event:?}"),
            () = std::future::ready(()) => {}
        }
    }
    // Closing waits until the acknowledgement has left.
    connection.close().await;
    let mut connection = connect(&local).await;
    send(&local, "two");
    assert_eq!(message(&mut connection).await, "two", "\"one\" was done with");
}
