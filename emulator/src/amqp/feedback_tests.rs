#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use fe2o3_amqp_types::{
    definitions::{AmqpError, ErrorCondition, Role},
    messaging::{Accepted, DeliveryState, Modified, Received, Rejected, Released},
    performatives::{Detach, Disposition, Performative, Transfer},
};
use serde_json::Value;
use setpoint_protocol::PropertyBag;

use super::super::test_client::{Client, attach, detached, flow};
use crate::state::CloudMessage;

const PLACE: &str = "/messages/serviceBound/feedback";

/// A client that has attached to the feedback with credit.
fn reader() -> Client {
    let mut client = Client::new();
    client.hub.create_device("d", None).unwrap();
    client.say(&attach(0, Role::Receiver, PLACE));
    client.say(&flow(0, 0, 10, 0, 1000));
    client
}

/// Has a message come to an end that its sender wants to hear of.
fn end(client: &Client, id: &str) {
    let message = CloudMessage {
        body: b"x".to_vec(),
        properties: [("$.mid", id), ("iothub-ack", "full")]
            .into_iter()
            .collect::<PropertyBag>(),
        expires: None,
    };
    client.hub.send_to_device("d", message).unwrap();
    client.hub.purge_messages("d").unwrap();
}

/// The deliveries that come, and whose message each is about.
fn received(client: &mut Client) -> Vec<(Transfer, String)> {
    let heard = client.hear().into_iter();
    heard
        .filter_map(|(performative, payload)| match performative {
            Performative::Transfer(transfer) => {
                let start = payload.windows(2).position(|pair| pair == b"[{").unwrap();
                let records: Value = serde_json::from_slice(&payload[start..]).unwrap();
                let id = records[0]["originalMessageId"].as_str().unwrap().to_owned();
                Some((transfer, id))
            }
            _ => None,
        })
        .collect()
}

fn disposition(first: u32, last: Option<u32>, settled: bool, state: Option<DeliveryState>) -> Disposition {
    Disposition {
        role: Role::Receiver,
        first,
        last,
        settled,
        state,
        batchable: false,
    }
}

#[test]
fn a_batch_comes_again_until_it_is_taken() {
    let mut client = reader();
    end(&client, "a");
    let come = received(&mut client);
    assert_eq!(
        (come.len(), come[0].1.as_str(), come[0].0.settled),
        (1, "a", Some(false))
    );
    // The .NET SDK makes a GUID of it.
    assert_eq!(come[0].0.delivery_tag.as_ref().unwrap().len(), 16);
    let released = DeliveryState::Released(Released {});
    let modified = DeliveryState::Modified(Modified {
        delivery_failed: Some(true),
        undeliverable_here: None,
        message_annotations: None,
    });
    for (delivery, state) in [Some(released), Some(modified), None].into_iter().enumerate() {
        client.say(&disposition(u32::try_from(delivery).unwrap(), None, true, state));
        // What was said is answered by what comes again.
        assert!(client.hub.receive_feedback().is_none(), "it is this reader's again");
    }
    let received_only = DeliveryState::Received(Received {
        section_number: 0,
        section_offset: 0,
    });
    client.say(&disposition(3, None, false, Some(received_only)));
    let answer = client.say(&disposition(3, None, false, Some(DeliveryState::Accepted(Accepted {}))));
    assert!(
        matches!(&answer[..], [Performative::Disposition(said)] if said.settled && said.role == Role::Sender),
        "{answer:?}"
    );
    client.say(&Detach {
        handle: 0.into(),
        closed: true,
        error: None,
    });
    assert_eq!(client.hub.receive_feedback(), None, "it is gone");
}

#[test]
fn several_are_settled_at_once_and_what_is_rejected_is_gone() {
    let mut client = reader();
    for id in ["a", "b", "c"] {
        end(&client, id);
        assert_eq!(received(&mut client)[0].1, id);
    }
    let rejected = Some(DeliveryState::Rejected(Rejected { error: None }));
    client.say(&disposition(0, Some(1), true, rejected));
    client.say(&disposition(7, None, true, Some(DeliveryState::Accepted(Accepted {}))));
    drop(client.say(&Detach {
        handle: 0.into(),
        closed: true,
        error: None,
    }));
    // The link's end gives back what was not settled.
    let left = client.hub.receive_feedback().unwrap();
    assert_eq!(left.records[0].original_message_id, "c");
    assert_eq!(client.hub.receive_feedback(), None);
}

#[test]
fn who_has_no_token_hears_nothing_and_nobody_sends_there() {
    let mut stranger = Client::of(crate::state::Hub::new(), false);
    let answer = stranger.say(&attach(0, Role::Receiver, PLACE));
    assert_eq!(
        detached(&answer),
        ErrorCondition::AmqpError(AmqpError::UnauthorizedAccess)
    );
    let mut client = Client::new();
    let answer = client.say(&attach(0, Role::Sender, PLACE));
    assert_eq!(detached(&answer), ErrorCondition::AmqpError(AmqpError::NotAllowed));
}
