//! A session: links, and windows that bound what is under way.
//!
//! Source: OASIS AMQP 1.0, parts 2.5 and 2.6.

use std::{collections::BTreeMap, sync::Arc};

use fe2o3_amqp_types::{
    definitions::{AmqpError, Error, Handle, LinkError, Role, SessionError},
    messaging::DeliveryState,
    performatives::{Begin, Detach, Disposition, Flow, Performative, Transfer},
};
use serde::Serialize;

use super::{
    fault,
    frame::{self, Kind},
    grants::Grants,
    link::{Arrival, Incoming, Link, Outgoing, Supply},
    node::Node,
    request,
};
use crate::state::Hub;

/// Transfers that a client may send before it is told that it may send more.
const WINDOW: u32 = 2048;

/// Links of a session. A client that reads 32 partitions for itself needs as many.
pub(super) const LINKS: usize = 256;

/// What sessions work with.
pub(super) struct Context<'a> {
    pub(super) hub: &'a Arc<Hub>,
    pub(super) grants: &'a mut Grants,
    pub(super) output: &'a mut Vec<u8>,
    /// The largest frame that the client takes.
    pub(super) frame_limit: usize,
}

pub(super) struct Session {
    /// The number of its channel, in both directions.
    pub(super) channel: u16,
    next_incoming: u32,
    incoming_window: u32,
    pub(super) next_outgoing: u32,
    pub(super) remote_window: u32,
    pub(super) next_delivery: u32,
    pub(super) links: BTreeMap<u32, Link>,
    /// Whether it was ended by us, and the client may not know yet.
    ended: bool,
}

impl Session {
    /// Begins a session that the client asks for on a channel.
    pub(super) fn begin(channel: u16, begin: &Begin, context: &mut Context<'_>) -> Session {
        let session = Session {
            channel,
            next_incoming: begin.next_outgoing_id,
            incoming_window: WINDOW,
            next_outgoing: 0,
            remote_window: begin.incoming_window,
            next_delivery: 0,
            links: BTreeMap::new(),
            ended: false,
        };
        let begin = Begin {
            remote_channel: Some(channel),
            next_outgoing_id: session.next_outgoing,
            incoming_window: WINDOW,
            outgoing_window: WINDOW,
            handle_max: Handle(u32::try_from(LINKS - 1).unwrap_or(u32::MAX)),
            offered_capabilities: None,
            desired_capabilities: None,
            properties: None,
        };
        session.send(context.output, &begin);
        session
    }

    /// Whether it was ended by us.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Ends it, unless the client is told otherwise already; what it still says is passed over until it agrees.
    pub(super) fn end(&mut self) {
        self.ended = true;
        self.links.clear();
    }

    /// Takes what the client says on its channel; an error is to end the session.
    pub(super) fn take(
        &mut self,
        performative: Performative,
        payload: &[u8],
        context: &mut Context<'_>,
    ) -> Result<(), Error> {
        match performative {
            Performative::Attach(attach) => self.attach(attach, context),
            Performative::Flow(flow) => self.flow(&flow, context),
            Performative::Transfer(transfer) => self.transfer(&transfer, payload, context),
            Performative::Disposition(disposition) => {
                self.disposition(disposition, context);
                Ok(())
            }
            Performative::Detach(detach) => self.detach(&detach, context),
            _ => Err(fault::not_allowed("this is not said within a session")),
        }
    }

    fn flow(&mut self, flow: &Flow, context: &mut Context<'_>) -> Result<(), Error> {
        let outstanding = self.next_outgoing.wrapping_sub(flow.next_incoming_id.unwrap_or(0));
        self.remote_window = flow.incoming_window.saturating_sub(outstanding);
        let handle = flow.handle.as_ref().map(|handle| handle.0);
        if let Some(handle) = handle {
            match self.links.get_mut(&handle) {
                Some(Link::Outgoing(link)) => link.flow(flow),
                Some(_) => {}
                None => return Err(fault::unattached(handle)),
            }
        }
        if flow.echo {
            self.send_flow(handle, context.output);
        }
        Ok(())
    }

    fn transfer(&mut self, transfer: &Transfer, payload: &[u8], context: &mut Context<'_>) -> Result<(), Error> {
        let Some(window) = self.incoming_window.checked_sub(1) else {
            return Err(fault::error(
                SessionError::WindowViolation,
                "more was sent than the window has room for",
            ));
        };
        self.incoming_window = window;
        self.next_incoming = self.next_incoming.wrapping_add(1);
        let handle = transfer.handle.0;
        let (node, arrival) = match self.links.get_mut(&handle) {
            Some(Link::Incoming(link)) => (link.node.clone(), link.take(transfer, payload)),
            Some(Link::Detached) => return Ok(()),
            Some(Link::Outgoing(_)) => return Err(fault::not_allowed("this link is for receiving")),
            None => return Err(fault::unattached(handle)),
        };
        match arrival {
            Arrival::Nothing => {}
            Arrival::Whole {
                delivery_id,
                settled,
                bytes,
            } => {
                let taken = request::take(&node, &bytes, context.hub, context.grants);
                if !settled {
                    self.settle(delivery_id, taken.outcome, context.output);
                }
                if let Some((address, answer)) = taken.answer {
                    self.answer(&node, address.as_deref(), answer);
                }
            }
            Arrival::TooLarge => {
                let error = fault::error(LinkError::MessageSizeExceeded, "the message is too large");
                self.close_link(handle, error, context.output);
            }
            Arrival::TooMany => {
                let error = fault::error(
                    LinkError::TransferLimitExceeded,
                    "more messages came than the link had credit for",
                );
                self.close_link(handle, error, context.output);
            }
            Arrival::Nameless => {
                let error = fault::error(AmqpError::InvalidField, "a message must have a delivery id");
                self.close_link(handle, error, context.output);
            }
        }
        let more = match self.links.get_mut(&handle) {
            Some(Link::Incoming(link)) => link.top_up(),
            _ => false,
        };
        let low = self.incoming_window <= WINDOW / 2;
        if low {
            self.incoming_window = WINDOW;
        }
        if more || low {
            self.send_flow(more.then_some(handle), context.output);
        }
        Ok(())
    }

    /// Tells the client what became of a message of its own.
    fn settle(&self, delivery_id: u32, state: DeliveryState, output: &mut Vec<u8>) {
        let disposition = Disposition {
            role: Role::Receiver,
            first: delivery_id,
            last: None,
            settled: true,
            state: Some(state),
            batchable: false,
        };
        self.send(output, &disposition);
    }

    /// Messages that were sent are not kept in mind, but for feedback: an event hub does not send them again. A client that waits for
    /// our word before it forgets one gets it.
    fn disposition(&mut self, disposition: Disposition, context: &mut Context<'_>) {
        if disposition.role == Role::Receiver {
            for link in self.links.values_mut() {
                if let Link::Outgoing(Outgoing {
                    supply: Supply::Feedback(reader),
                    ..
                }) = link
                {
                    reader.dispose(&disposition);
                }
            }
        }
        if disposition.role == Role::Receiver && !disposition.settled {
            let disposition = Disposition {
                role: Role::Sender,
                settled: true,
                ..disposition
            };
            self.send(context.output, &disposition);
        }
    }

    /// Puts an answer in line for the link that it is asked for on, or any to the same node.
    fn answer(&mut self, node: &Node, address: Option<&str>, answer: Vec<u8>) {
        let mut links: Vec<_> = self
            .links
            .values_mut()
            .filter_map(|link| match link {
                Link::Outgoing(Outgoing {
                    supply: Supply::Answers(answers),
                    ..
                }) if answers.node == *node => Some(answers),
                _ => None,
            })
            .collect();
        let asked = links
            .iter()
            .position(|answers| address.is_some() && answers.address.as_deref() == address);
        if let Some(answers) = links.get_mut(asked.unwrap_or(0))
            && !answers.push(answer)
        {
            tracing::debug!("a client does not take its answers; one was dropped");
        }
    }

    fn detach(&mut self, detach: &Detach, context: &mut Context<'_>) -> Result<(), Error> {
        let handle = detach.handle.0;
        match self.links.remove(&handle) {
            Some(Link::Detached) => Ok(()),
            Some(_) => {
                let answer = Detach {
                    handle: Handle(handle),
                    closed: detach.closed,
                    error: None,
                };
                self.send(context.output, &answer);
                Ok(())
            }
            None => Err(fault::unattached(handle)),
        }
    }

    /// Detaches a link for good.
    pub(super) fn close_link(&mut self, handle: u32, error: Error, output: &mut Vec<u8>) {
        self.links.insert(handle, Link::Detached);
        let detach = Detach {
            handle: Handle(handle),
            closed: true,
            error: Some(error),
        };
        self.send(output, &detach);
    }

    /// Detaches what may no longer be used.
    pub(super) fn review(&mut self, context: &mut Context<'_>) {
        let unfit: Vec<_> = self
            .links
            .iter()
            .filter_map(|(handle, link)| match link {
                Link::Outgoing(link) if link.is_stolen() => {
                    Some((*handle, fault::stolen("New receiver with a higher or equal epoch is created hence this receiver is getting disconnected")))
                }
                Link::Outgoing(Outgoing { path, supply: Supply::Events(_) | Supply::Feedback(_), .. })
                | Link::Incoming(Incoming { path, node: Node::ToDevices, .. })
                    if !context.grants.allow(path) =>
                {
                    Some((*handle, fault::unauthorized(path)))
                }
                _ => None,
            })
            .collect();
        for (handle, error) in unfit {
            self.close_link(handle, error, context.output);
        }
    }

    /// Tells the client our window, and of a link its state.
    pub(super) fn send_flow(&self, handle: Option<u32>, output: &mut Vec<u8>) {
        let of_link = handle
            .and_then(|handle| self.links.get(&handle))
            .map(|link| match link {
                Link::Outgoing(link) => (link.delivery_count, link.credit),
                Link::Incoming(link) => (link.delivery_count, link.credit),
                Link::Detached => (0, 0),
            });
        let flow = Flow {
            delivery_count: of_link.map(|(count, _)| count),
            link_credit: of_link.map(|(_, credit)| credit),
            ..self.flow_of_session(handle)
        };
        self.send(output, &flow);
    }

    pub(super) fn flow_of_session(&self, handle: Option<u32>) -> Flow {
        Flow {
            next_incoming_id: Some(self.next_incoming),
            incoming_window: self.incoming_window,
            next_outgoing_id: self.next_outgoing,
            outgoing_window: WINDOW,
            handle: handle.map(Handle),
            delivery_count: None,
            link_credit: None,
            available: None,
            drain: false,
            echo: false,
            properties: None,
        }
    }

    /// Sends something on this session's channel.
    pub(super) fn send(&self, output: &mut Vec<u8>, body: &impl Serialize) {
        frame::write(output, Kind::Amqp, self.channel, body, &[]);
    }
}
