//! How links begin: what a client wants to receive or send, and whether it may.

use std::collections::VecDeque;

use fe2o3_amqp_types::{
    definitions::{AmqpError, Error, Handle, ReceiverSettleMode, Role, SenderSettleMode, SessionError},
    messaging::TargetArchetype,
    performatives::Attach,
};
use serde_amqp::Value;

use super::{
    fault,
    feedback::FeedbackReader,
    link::{Answers, Incoming, Link, Outgoing, Reader, Supply},
    node::Node,
    selector,
    session::{Context, LINKS, Session},
};

/// The link property by which a reader says that it wants to be the only one (Event Hubs: owner level).
const EPOCH: &str = "com.microsoft:epoch";

/// The capability by which a reader asks how far behind it is.
const METRIC: &str = "com.microsoft:enable-receiver-runtime-metric";

/// Links of a session whose client has put no token yet. It needs two, for that.
const STRANGERS_LINKS: usize = 8;

impl Session {
    /// Attaches a link, or says why not: by an answer without the terminus that was asked for, and a detach. An error is to end the
    /// session.
    pub(super) fn attach(&mut self, attach: Attach, context: &mut Context<'_>) -> Result<(), Error> {
        let handle = attach.handle.0;
        if self.links.contains_key(&handle) {
            return Err(fault::error(
                SessionError::HandleInUse,
                format!("the handle {handle} is in use"),
            ));
        }
        let most = if context.grants.is_empty() {
            STRANGERS_LINKS
        } else {
            LINKS
        };
        if self.links.len() >= most || usize::try_from(handle).map_or(true, |handle| handle >= LINKS) {
            let words = "there are too many links, or the handle is above handle-max";
            return Err(fault::error(AmqpError::ResourceLimitExceeded, words));
        }
        let link = match attach.role {
            Role::Receiver => outgoing(&attach, context).map(Link::Outgoing),
            Role::Sender => incoming(&attach, context).map(Link::Incoming),
        };
        let refused = link.is_err();
        let max_message_size = match &link {
            Ok(Link::Incoming(link)) => Some(link.limit() as u64),
            _ => None,
        };
        let receiving = attach.role == Role::Receiver;
        let answer = Attach {
            name: attach.name,
            handle: Handle(handle),
            role: if receiving { Role::Sender } else { Role::Receiver },
            snd_settle_mode: attach.snd_settle_mode,
            rcv_settle_mode: ReceiverSettleMode::First,
            source: attach.source.filter(|_| !refused || !receiving),
            target: attach.target.filter(|_| !refused || receiving),
            unsettled: None,
            incomplete_unsettled: false,
            initial_delivery_count: receiving.then_some(0),
            max_message_size,
            offered_capabilities: None,
            desired_capabilities: None,
            properties: None,
        };
        self.send(context.output, &answer);
        match link {
            Ok(link) => {
                self.links.insert(handle, link);
                if !receiving {
                    self.send_flow(Some(handle), context.output);
                }
            }
            Err(error) => {
                tracing::warn!(
                    "AMQP link refused: {}",
                    error.description.as_deref().unwrap_or_default()
                );
                self.close_link(handle, error, context.output);
            }
        }
        Ok(())
    }
}

/// A link for a client that wants to receive.
fn outgoing(attach: &Attach, context: &Context<'_>) -> Result<Outgoing, Error> {
    let source = attach.source.as_deref();
    let address = source.and_then(|source| source.address.as_deref()).unwrap_or_default();
    let (node, path) = Node::find(address, context.hub)?;
    let mut settled = attach.snd_settle_mode != SenderSettleMode::Unsettled;
    let supply = match node {
        Node::Tokens | Node::Management => {
            let address = match attach.target.as_deref() {
                Some(TargetArchetype::Target(target)) => target.address.clone(),
                _ => None,
            };
            Supply::Answers(Answers {
                node,
                address,
                waiting: VecDeque::new(),
            })
        }
        Node::Events { group, partition } => {
            if !context.grants.allow(&path) {
                return Err(fault::unauthorized(&path));
            }
            let position = selector::position(source.and_then(|source| source.filter.as_ref()))?;
            let seat = context
                .hub
                .endpoint()
                .claim(&group, partition, epoch(attach)?)
                .map_err(fault::claim)?;
            let metric = attach
                .desired_capabilities
                .as_ref()
                .is_some_and(|capabilities| capabilities.0.iter().any(|capability| capability.as_str() == METRIC));
            Supply::Events(Reader {
                partition,
                sequence: context.hub.endpoint().locate(partition, position).unwrap_or(0),
                seat,
                metric,
                ready: VecDeque::new(),
            })
        }
        Node::Feedback if !context.grants.allow(&path) => return Err(fault::unauthorized(&path)),
        Node::Feedback => {
            // Only who insists on it gets feedback that is gone when it is sent.
            settled = attach.snd_settle_mode == SenderSettleMode::Settled;
            Supply::Feedback(FeedbackReader::new(context.hub, settled))
        }
        Node::ToDevices => return Err(fault::not_allowed("devices receive these messages, and nobody else")),
    };
    Ok(Outgoing {
        path,
        supply,
        settled,
        credit: 0,
        delivery_count: 0,
        drain: false,
        rest: None,
    })
}

/// A link for a client that wants to send.
fn incoming(attach: &Attach, context: &Context<'_>) -> Result<Incoming, Error> {
    let address = match attach.target.as_deref() {
        Some(TargetArchetype::Target(target)) => target.address.as_deref(),
        _ => None,
    };
    let (node, path) = Node::find(address.unwrap_or_default(), context.hub)?;
    match node {
        Node::Events { .. } => {
            return Err(fault::not_allowed(
                "an event hub behind a hub takes no messages from services",
            ));
        }
        Node::Feedback => return Err(fault::not_allowed("feedback comes from the hub, and from nobody else")),
        Node::ToDevices if !context.grants.allow(&path) => return Err(fault::unauthorized(&path)),
        _ => {}
    }
    Ok(Incoming::new(node, path))
}

/// The epoch that a reader asks for; SDKs send it in any type of number.
fn epoch(attach: &Attach) -> Result<Option<i64>, Error> {
    let Some(value) = attach.properties.as_ref().and_then(|properties| properties.get(EPOCH)) else {
        return Ok(None);
    };
    let number = match value {
        Value::Null => return Ok(None),
        Value::Long(number) => Some(*number),
        Value::Int(number) => Some(i64::from(*number)),
        Value::Uint(number) => Some(i64::from(*number)),
        Value::Ulong(number) => i64::try_from(*number).ok(),
        Value::Short(number) => Some(i64::from(*number)),
        Value::Byte(number) => Some(i64::from(*number)),
        Value::Ubyte(number) => Some(i64::from(*number)),
        Value::Ushort(number) => Some(i64::from(*number)),
        _ => None,
    };
    let number = number.ok_or_else(|| fault::error(AmqpError::InvalidField, "com.microsoft:epoch must be a number"))?;
    Ok(Some(number))
}
