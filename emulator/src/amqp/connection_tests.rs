#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

use fe2o3_amqp_types::{
    definitions::{ConnectionError, ErrorCondition, Fields, Handle, LinkError, Role, SessionError},
    messaging::DeliveryState,
    performatives::{Attach, Detach, Disposition, Flow},
};
use serde_amqp::Value;

use super::*;
use crate::amqp::test_client::{
    Client, PLACE, attach, begin, detached, ended, flow, framed, open, to_device, transfer,
};

#[test]
fn a_reader_gets_as_much_as_it_has_credit_for() {
    let mut client = Client::new();
    client.send_telemetry(5, 10);
    let answer = client.say(&attach(0, Role::Receiver, &client.partition()));
    let [Performative::Attach(attached)] = &answer[..] else {
        panic!("{answer:?}")
    };
    assert_eq!(
        (attached.initial_delivery_count, &attached.role),
        (Some(0), &Role::Sender)
    );
    assert!(attached.source.is_some());
    assert!(client.received().is_empty());
    client
        .connection
        .take(&framed(&flow(0, 0, 2, 0, 100)), &mut client.output);
    assert_eq!(client.received(), [0, 1]);
    assert!(client.received().is_empty());
    client
        .connection
        .take(&framed(&flow(0, 2, 10, 2, 100)), &mut client.output);
    assert_eq!(client.received(), [2, 3, 4]);
    client.send_telemetry(1, 10);
    assert_eq!(client.received(), [5], "what comes later is sent at once");
}

#[test]
fn the_window_of_the_session_counts_too() {
    let mut client = Client::new();
    client.send_telemetry(5, 10);
    client.say(&attach(0, Role::Receiver, &client.partition()));
    client
        .connection
        .take(&framed(&flow(0, 0, 10, 0, 3)), &mut client.output);
    assert_eq!(client.received(), [0, 1, 2]);
    client
        .connection
        .take(&framed(&flow(0, 3, 10, 3, 3)), &mut client.output);
    assert_eq!(client.received(), [3, 4]);
}

#[test]
fn credit_that_finds_nothing_is_given_back_when_drained() {
    let mut client = Client::new();
    client.send_telemetry(1, 10);
    client.say(&attach(0, Role::Receiver, &client.partition()));
    let drain = Flow {
        drain: true,
        ..flow(0, 0, 5, 0, 100)
    };
    let answer = client.say(&drain);
    let [Performative::Transfer(_), Performative::Flow(drained)] = &answer[..] else {
        panic!("{answer:?}")
    };
    assert_eq!((drained.delivery_count, drained.link_credit), (Some(5), Some(0)));
    client.send_telemetry(1, 10);
    assert!(client.received().is_empty());
}

#[test]
fn a_large_message_comes_in_pieces() {
    let mut client = Client::new();
    client.send_telemetry(1, 200_000);
    client.say(&attach(0, Role::Receiver, &client.partition()));
    client
        .connection
        .take(&framed(&flow(0, 0, 1, 0, 2)), &mut client.output);
    let mut heard = client.hear();
    assert_eq!(heard.len(), 2, "the window");
    client
        .connection
        .take(&framed(&flow(0, 1, 0, 2, 10)), &mut client.output);
    heard.extend(client.hear());
    let (transfers, pieces): (Vec<_>, Vec<_>) = heard
        .into_iter()
        .map(|(performative, piece)| match performative {
            Performative::Transfer(transfer) => (transfer, piece),
            other => panic!("{other:?}"),
        })
        .unzip();
    let more: Vec<_> = transfers.iter().map(|transfer| transfer.more).collect();
    assert_eq!(more, [true, true, true, false]);
    assert_eq!(transfers[0].delivery_id, Some(0));
    assert!(transfers[1..].iter().all(|transfer| transfer.delivery_id.is_none()));
    assert!(pieces.concat().ends_with(&[b'x'; 200_000]));
}

#[test]
fn without_a_token_nothing_but_the_token_is_possible() {
    let mut client = Client::of(Hub::new(), false);
    let answer = client.say(&attach(0, Role::Receiver, &client.partition()));
    assert!(matches!(&answer[0], Performative::Attach(attached) if attached.source.is_none()));
    assert_eq!(detached(&answer), AmqpError::UnauthorizedAccess.into());
    let answer = client.say(&attach(1, Role::Sender, "messages/devicebound"));
    assert_eq!(detached(&answer), AmqpError::UnauthorizedAccess.into());
    let answer = client.say(&attach(2, Role::Sender, "$cbs"));
    let [Performative::Attach(_), Performative::Flow(flow)] = &answer[..] else {
        panic!("{answer:?}")
    };
    assert!(flow.link_credit > Some(0));
    for handle in 3..8 {
        client.say(&attach(handle, Role::Sender, "$cbs"));
    }
    let answer = client.say(&attach(8, Role::Sender, "$cbs"));
    assert_eq!(ended(&answer), AmqpError::ResourceLimitExceeded.into());
    // Whoever waits for words of this client's own identity would find none.
    assert!(client.identity.service_policy() == "iothubowner" && client.connection.ends_in().is_none());
}

#[test]
fn a_link_to_nowhere_is_refused() {
    let mut client = Client::new();
    let answer = client.say(&attach(0, Role::Receiver, "nowhere"));
    assert_eq!(detached(&answer), AmqpError::NotFound.into());
    let answer = client.say(&attach(1, Role::Receiver, &format!("{PLACE}99")));
    assert_eq!(
        detached(&answer),
        ErrorCondition::Custom("com.microsoft:argument-out-of-range".into())
    );
    let answer = client.say(&attach(2, Role::Sender, &client.partition()));
    assert_eq!(detached(&answer), AmqpError::NotAllowed.into());
    // The client says that it has understood; its handle is free again.
    let agreed = Detach {
        handle: Handle(0),
        closed: true,
        error: None,
    };
    assert_eq!(client.say(&agreed), []);
    assert!(matches!(
        client.say(&attach(0, Role::Receiver, &client.partition()))[..],
        [Performative::Attach(_)]
    ));
}

#[test]
fn a_reader_with_an_epoch_sends_the_others_away() {
    let hub = Hub::new();
    let mut first = Client::of(Arc::clone(&hub), true);
    first.say(&attach(0, Role::Receiver, &first.partition()));
    let with_epoch = |epoch: i64| {
        let mut properties = Fields::new();
        properties.insert("com.microsoft:epoch".into(), Value::Long(epoch));
        Attach {
            properties: Some(properties),
            ..attach(0, Role::Receiver, &first.partition())
        }
    };
    let (low, high) = (with_epoch(0), with_epoch(1));
    let mut second = Client::of(hub, true);
    assert_eq!(second.say(&high).len(), 1);
    let heard: Vec<_> = first.hear().into_iter().map(|(performative, _)| performative).collect();
    assert_eq!(detached(&heard), LinkError::Stolen.into());
    let mut third = Client::of(Arc::clone(&second.hub), true);
    assert_eq!(detached(&third.say(&low)), LinkError::Stolen.into());
}

#[test]
fn a_message_for_a_device_is_settled_with_what_became_of_it() {
    let mut client = Client::new();
    client.hub.create_device("d", None).unwrap();
    client.say(&attach(0, Role::Sender, "/messages/devicebound"));
    let answer = client.say_with(&transfer(0, Some(0), false), &to_device("d"));
    let [Performative::Disposition(disposition)] = &answer[..] else {
        panic!("{answer:?}")
    };
    assert_eq!((disposition.first, disposition.settled), (0, true));
    assert!(matches!(disposition.state, Some(DeliveryState::Accepted(_))));
    assert_eq!(client.hub.device("d").unwrap().waiting_messages, 1);
    // In pieces, and to a device that is not there.
    let message = to_device("none");
    assert_eq!(client.say_with(&transfer(0, Some(1), true), &message[..10]), []);
    let answer = client.say_with(&transfer(0, None, false), &message[10..]);
    let [Performative::Disposition(Disposition { first: 1, state, .. })] = &answer[..] else {
        panic!("{answer:?}")
    };
    assert!(matches!(state, Some(DeliveryState::Rejected(_))), "{state:?}");
}

#[test]
fn a_client_that_sends_much_gets_more_credit_and_one_that_sends_too_much_is_detached() {
    let mut client = Client::new();
    client.hub.create_device("d", None).unwrap();
    client.say(&attach(0, Role::Sender, "messages/devicebound"));
    let flows = (0..300)
        .flat_map(|id| client.say_with(&transfer(0, Some(id), false), &to_device("d")))
        .filter(|answer| matches!(answer, Performative::Flow(_)));
    assert_eq!(flows.count(), 6);
    for _ in 0..2 {
        client.say_with(&transfer(0, Some(300), true), &[0; 60_000]);
    }
    client.say_with(&transfer(0, Some(300), true), &[0; 60_000]);
    let answer = client.say_with(&transfer(0, Some(300), true), &[0; 60_000]);
    assert_eq!(detached(&answer), LinkError::MessageSizeExceeded.into());
    assert_eq!(
        client.say_with(&transfer(0, Some(301), true), &[]),
        [],
        "it may not have heard yet"
    );
}

#[test]
fn who_breaks_the_rules_of_a_session_loses_it_and_no_more() {
    let mut client = Client::new();
    let answer = client.say(&transfer(7, Some(0), false));
    assert_eq!(ended(&answer), SessionError::UnattachedHandle.into());
    assert_eq!(client.say(&transfer(7, Some(1), false)), []);
    assert_eq!(client.say(&End { error: None }), []);
    client.say(&begin(10));
    client.say(&attach(0, Role::Receiver, "$cbs"));
    let answer = client.say(&attach(0, Role::Receiver, "$cbs"));
    assert_eq!(ended(&answer), SessionError::HandleInUse.into());
    client.say(&End { error: None });
    client.say(&begin(10));
    assert!(matches!(
        client.say(&End { error: None })[..],
        [Performative::End(End { error: None })]
    ));
    assert!(!client.connection.is_closed());
}

#[test]
fn who_breaks_the_rules_of_a_connection_loses_that() {
    let close = |answer: &[Performative]| match answer.last() {
        Some(Performative::Close(Close { error: Some(error) })) => error.condition.clone(),
        other => panic!("{other:?}"),
    };
    let mut client = Client::new();
    assert_eq!(close(&client.say(&open(1024))), AmqpError::NotAllowed.into());
    assert!(client.connection.is_closed());
    let mut client = Client::new();
    assert_eq!(close(&client.say(&begin(1))), AmqpError::NotAllowed.into());
    let mut client = Client::new();
    assert_eq!(
        close(&client.say(&Value::from("nonsense"))),
        ConnectionError::FramingError.into()
    );
    let mut client = Client::new();
    client.say(&End { error: None });
    assert_eq!(
        close(&client.say(&attach(0, Role::Receiver, "$cbs"))),
        AmqpError::NotAllowed.into()
    );
    let mut client = Client::new();
    assert!(matches!(
        client.say(&Close { error: None })[..],
        [Performative::Close(Close { error: None })]
    ));
}
