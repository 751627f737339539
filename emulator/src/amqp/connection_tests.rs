#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

use fe2o3_amqp_types::{
    definitions::{
        ConnectionError, ErrorCondition, Fields, Handle, LinkError, ReceiverSettleMode, Role, SenderSettleMode,
        SessionError,
    },
    messaging::{Data, DeliveryState, Properties, Source, Target, TargetArchetype},
    performatives::{Attach, Begin, Detach, Disposition, Flow, Transfer},
};
use serde::Serialize;
use serde_amqp::Value;
use setpoint_protocol::{PropertyBag, Token};

use super::*;
use crate::identity::Identity;

/// Event of the partition that the device "d" is in.
const PLACE: &str = "iothub-ehub-setpoint/ConsumerGroups/$Default/Partitions/";

/// A client that has opened a connection and begun a session on channel 0.
struct Client {
    hub: Arc<Hub>,
    identity: Arc<Identity>,
    connection: Connection,
    output: Vec<u8>,
}

impl Client {
    /// One with a token.
    fn new() -> Client {
        Client::of(Hub::new(), true)
    }

    fn of(hub: Arc<Hub>, token: bool) -> Client {
        let identity = Arc::new(Identity::temporary().unwrap());
        let mut grants = Grants::new(Arc::clone(&identity));
        if token {
            let policy = Some(identity.service_policy());
            let token = Token::sign("localhost", identity.service_key(), u64::MAX, policy);
            grants.add(&token.to_string()).unwrap();
        }
        let mut client = Client {
            connection: Connection::new(Arc::clone(&hub), grants),
            hub,
            identity,
            output: Vec::new(),
        };
        let answer = client.say(&open(64 * 1024));
        assert!(matches!(answer[..], [Performative::Open(_)]), "{answer:?}");
        let answer = client.say(&begin(1000));
        assert!(matches!(&answer[..], [Performative::Begin(begin)] if begin.remote_channel == Some(0)));
        client
    }

    /// Says something on channel 0; what comes back.
    fn say(&mut self, body: &impl Serialize) -> Vec<Performative> {
        self.say_with(body, &[])
    }

    fn say_with(&mut self, body: &impl Serialize, payload: &[u8]) -> Vec<Performative> {
        let mut bytes = Vec::new();
        frame::write(&mut bytes, Kind::Amqp, 0, body, payload);
        let (frame, _) = Frame::split(&bytes).unwrap().unwrap();
        self.connection.take(&frame, &mut self.output);
        self.hear().into_iter().map(|(performative, _)| performative).collect()
    }

    /// What there is to hear.
    fn hear(&mut self) -> Vec<(Performative, Vec<u8>)> {
        self.connection.pump(&mut self.output);
        let mut heard = Vec::new();
        let mut rest = &self.output[..];
        while let Some((frame, length)) = Frame::split(rest).unwrap() {
            rest = &rest[length..];
            let (performative, payload) = frame.performative().unwrap();
            heard.push((performative, payload.to_vec()));
        }
        assert!(rest.is_empty());
        self.output.clear();
        heard
    }

    /// The numbers of the messages that come, each a transfer of its own.
    fn received(&mut self) -> Vec<u32> {
        let transfers = self
            .hear()
            .into_iter()
            .filter_map(|(performative, _)| match performative {
                Performative::Transfer(transfer) => transfer.delivery_id,
                _ => None,
            });
        transfers.collect()
    }

    fn partition(&self) -> String {
        format!("{PLACE}{}", self.hub.endpoint().partition_of("d"))
    }

    fn send_telemetry(&self, count: usize, size: usize) {
        if self.hub.device("d").is_err() {
            self.hub.create_device("d", None).unwrap();
        }
        let link = self.hub.connect("d", true, None).unwrap();
        for _ in 0..count {
            link.telemetry(PropertyBag::default(), vec![b'x'; size]).unwrap();
        }
    }
}

fn open(max_frame_size: u32) -> Open {
    Open {
        container_id: "client".to_owned(),
        hostname: None,
        max_frame_size: MaxFrameSize(max_frame_size),
        channel_max: ChannelMax(10),
        idle_time_out: None,
        outgoing_locales: None,
        incoming_locales: None,
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
    }
}

fn begin(incoming_window: u32) -> Begin {
    Begin {
        remote_channel: None,
        next_outgoing_id: 0,
        incoming_window,
        outgoing_window: 1000,
        handle_max: Handle(255),
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
    }
}

fn attach(handle: u32, role: Role, address: &str) -> Attach {
    let target = Target {
        address: (role == Role::Sender).then(|| address.to_owned()),
        ..Target::default()
    };
    Attach {
        name: format!("link-{handle}"),
        handle: Handle(handle),
        snd_settle_mode: SenderSettleMode::Mixed,
        rcv_settle_mode: ReceiverSettleMode::First,
        source: Some(Box::new(Source::builder().address(address).build())),
        target: Some(Box::new(TargetArchetype::Target(target))),
        unsettled: None,
        incomplete_unsettled: false,
        initial_delivery_count: (role == Role::Sender).then_some(0),
        role,
        max_message_size: None,
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
    }
}

fn flow(handle: u32, delivery_count: u32, credit: u32, received: u32, window: u32) -> Flow {
    Flow {
        next_incoming_id: Some(received),
        incoming_window: window,
        next_outgoing_id: 0,
        outgoing_window: 1000,
        handle: Some(Handle(handle)),
        delivery_count: Some(delivery_count),
        link_credit: Some(credit),
        available: None,
        drain: false,
        echo: false,
        properties: None,
    }
}

fn transfer(handle: u32, delivery_id: Option<u32>, more: bool) -> Transfer {
    Transfer {
        handle: Handle(handle),
        delivery_id,
        delivery_tag: delivery_id.map(|id| id.to_be_bytes().to_vec().into()),
        message_format: Some(0),
        settled: Some(false),
        more,
        rcv_settle_mode: None,
        state: None,
        resume: false,
        aborted: false,
        batchable: false,
    }
}

/// The condition of the error that a link is detached with.
fn detached(answer: &[Performative]) -> ErrorCondition {
    match answer.last() {
        Some(Performative::Detach(Detach { error: Some(error), .. })) => error.condition.clone(),
        other => panic!("{other:?}"),
    }
}

/// The condition of the error that the session is ended with.
fn ended(answer: &[Performative]) -> ErrorCondition {
    match answer.last() {
        Some(Performative::End(End { error: Some(error) })) => error.condition.clone(),
        other => panic!("{other:?}"),
    }
}

fn to_device(device_id: &str) -> Vec<u8> {
    let properties = Properties {
        to: Some(format!("/devices/{device_id}/messages/devicebound")),
        ..Properties::new()
    };
    [
        serde_amqp::to_vec(&properties).unwrap(),
        serde_amqp::to_vec(&Data::from(b"hello".to_vec())).unwrap(),
    ]
    .concat()
}

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

fn framed(body: &impl Serialize) -> Frame {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, Kind::Amqp, 0, body, &[]);
    Frame::split(&bytes).unwrap().unwrap().0
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
