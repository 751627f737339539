//! The hub itself.

use super::*;
use setpoint_emulator::state::{CloudMessage, Stored};
use setpoint_protocol::PropertyBag;
use watched::DEVICE;

#[tokio::test]
async fn the_hub_throws_the_device_out() {
    let mut watched = Watched::start().await;
    assert!(watched.place.emulator.hub().kick(DEVICE).unwrap());
    watched.lost().await;
    watched.settle().await;
}

#[tokio::test]
async fn the_hub_forgets_the_session_and_is_subscribed_to_again() {
    let mut watched = Watched::start().await;
    let hub = watched.place.emulator.hub().clone();
    hub.forget_session(DEVICE, true).unwrap();
    watched.lost().await;
    watched.listening().await;
    assert!(!hub.connects(DEVICE)[1].session_present);
    let answer = hub
        .call_method(DEVICE, "late", Some(json!(0)), 10 * SECOND, 10 * SECOND)
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    watched.wish(7);
    watched.settle().await;
}

#[tokio::test]
async fn the_hub_keeps_the_session() {
    let mut watched = Watched::start().await;
    watched.proxy.cut();
    watched.lost().await;
    watched.listening().await;
    assert!(watched.place.emulator.hub().connects(DEVICE)[1].session_present);
    watched.settle().await;
}

#[tokio::test]
async fn a_message_that_was_sent_while_the_device_was_away_arrives() {
    let mut watched = Watched::start().await;
    watched.proxy.refuse();
    watched.proxy.cut();
    watched.lost().await;
    let message = CloudMessage {
        body: b"hello".to_vec(),
        properties: PropertyBag::default(),
        expires: None,
    };
    let hub = watched.place.emulator.hub().clone();
    hub.send_to_device(DEVICE, message).unwrap();
    watched.proxy.accept();
    watched.listening().await;
    while hub.device(DEVICE).unwrap().waiting_messages > 0 {
        watched.deliver(1).await;
    }
    watched.settle().await;
}

#[tokio::test]
async fn the_hub_has_no_time_for_a_connection() {
    let mut watched = Watched::start().await;
    watched.inject(HubFault::RefuseConnect { code: 3 }, When::next(2));
    watched.proxy.cut();
    for _ in 0..3 {
        watched.lost().await;
    }
    watched.settle().await;
}

#[tokio::test]
async fn the_hub_takes_messages_late() {
    let mut watched = Watched::start().await;
    watched.inject(HubFault::DelayPuback(SECOND / 5), When::next(10));
    watched.deliver(50).await;
    assert_eq!(watched.connects(), 1);
    assert_eq!(watched.settle().await, 0);
}

#[tokio::test]
async fn the_hub_forgets_to_acknowledge() {
    let mut watched = Watched::start().await;
    let withheld = watched.inject(HubFault::WithholdPuback, When::next(1));
    watched.deliver(20).await;
    assert_eq!(withheld.struck(), 1);
    // The stream goes on; what was not acknowledged is sent again over the next connection.
    watched.proxy.cut();
    watched.lost().await;
    assert!(watched.settle().await >= 1);
}

#[tokio::test]
async fn the_hub_acknowledges_twice() {
    let mut watched = Watched::start().await;
    watched.inject(HubFault::DuplicatePuback, When::next(30));
    watched.deliver(100).await;
    watched.settle().await;
}

#[tokio::test]
async fn the_hub_stores_a_message_and_dies() {
    let mut watched = Watched::start().await;
    let (publish, stored) = (Stored::Telemetry, true);
    watched.inject(HubFault::CloseOn { publish, stored }, When::next(1));
    watched.lost().await;
    assert!(watched.settle().await >= 1, "at least once is twice here");
}

#[tokio::test]
async fn the_hub_dies_and_has_not_stored_the_message() {
    let mut watched = Watched::start().await;
    let (publish, stored) = (Stored::Telemetry, false);
    watched.inject(HubFault::CloseOn { publish, stored }, When::next(1));
    watched.lost().await;
    watched.settle().await;
}

#[tokio::test]
async fn a_command_waits_for_its_answer_while_the_hub_is_slow() {
    let watched = Watched::start().await;
    watched.inject(HubFault::DelayPuback(SECOND / 10), When::next(10));
    let hub = watched.place.emulator.hub().clone();
    let answer = hub
        .call_method(DEVICE, "late", Some(json!(1)), 10 * SECOND, 10 * SECOND)
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    watched.settle().await;
}
