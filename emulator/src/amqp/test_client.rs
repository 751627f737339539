//! A client of a connection, and what it says, for tests.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

use std::sync::Arc;

use fe2o3_amqp_types::{
    definitions::{ErrorCondition, Handle, ReceiverSettleMode, Role, SenderSettleMode},
    messaging::{Data, Properties, Source, Target, TargetArchetype},
    performatives::{Attach, Begin, ChannelMax, Detach, End, Flow, MaxFrameSize, Open, Performative, Transfer},
};
use serde::Serialize;
use setpoint_protocol::{PropertyBag, Token};

use super::{
    connection::Connection,
    frame::{self, Frame, Kind},
    grants::Grants,
};
use crate::{identity::Identity, state::Hub};

/// Where readers attach, up to the number of the partition.
pub(super) const PLACE: &str = "iothub-ehub-setpoint/ConsumerGroups/$Default/Partitions/";

/// A client that has opened a connection and begun a session on channel 0.
pub(super) struct Client {
    pub(super) hub: Arc<Hub>,
    pub(super) identity: Arc<Identity>,
    pub(super) connection: Connection,
    pub(super) output: Vec<u8>,
}

impl Client {
    /// One with a token.
    pub(super) fn new() -> Client {
        Client::of(Hub::new(), true)
    }

    pub(super) fn of(hub: Arc<Hub>, token: bool) -> Client {
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
    pub(super) fn say(&mut self, body: &impl Serialize) -> Vec<Performative> {
        self.say_with(body, &[])
    }

    pub(super) fn say_with(&mut self, body: &impl Serialize, payload: &[u8]) -> Vec<Performative> {
        let mut bytes = Vec::new();
        frame::write(&mut bytes, Kind::Amqp, 0, body, payload);
        let (frame, _) = Frame::split(&bytes).unwrap().unwrap();
        self.connection.take(&frame, &mut self.output);
        self.hear().into_iter().map(|(performative, _)| performative).collect()
    }

    /// What there is to hear.
    pub(super) fn hear(&mut self) -> Vec<(Performative, Vec<u8>)> {
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
    pub(super) fn received(&mut self) -> Vec<u32> {
        let transfers = self
            .hear()
            .into_iter()
            .filter_map(|(performative, _)| match performative {
                Performative::Transfer(transfer) => transfer.delivery_id,
                _ => None,
            });
        transfers.collect()
    }

    pub(super) fn partition(&self) -> String {
        format!("{PLACE}{}", self.hub.endpoint().partition_of("d"))
    }

    pub(super) fn send_telemetry(&self, count: usize, size: usize) {
        if self.hub.device("d").is_err() {
            self.hub.create_device("d", None).unwrap();
        }
        let link = self.hub.connect("d", true, None).unwrap();
        for _ in 0..count {
            link.telemetry(PropertyBag::default(), vec![b'x'; size]).unwrap();
        }
    }
}

pub(super) fn open(max_frame_size: u32) -> Open {
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

pub(super) fn begin(incoming_window: u32) -> Begin {
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

pub(super) fn attach(handle: u32, role: Role, address: &str) -> Attach {
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

pub(super) fn flow(handle: u32, delivery_count: u32, credit: u32, received: u32, window: u32) -> Flow {
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

pub(super) fn transfer(handle: u32, delivery_id: Option<u32>, more: bool) -> Transfer {
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
pub(super) fn detached(answer: &[Performative]) -> ErrorCondition {
    match answer.last() {
        Some(Performative::Detach(Detach { error: Some(error), .. })) => error.condition.clone(),
        other => panic!("{other:?}"),
    }
}

/// The condition of the error that the session is ended with.
pub(super) fn ended(answer: &[Performative]) -> ErrorCondition {
    match answer.last() {
        Some(Performative::End(End { error: Some(error) })) => error.condition.clone(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn to_device(device_id: &str) -> Vec<u8> {
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

pub(super) fn framed(body: &impl Serialize) -> Frame {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, Kind::Amqp, 0, body, &[]);
    Frame::split(&bytes).unwrap().unwrap().0
}
