//! What a session sends of its own accord: messages, as far as the client has asked for them.
//!
//! Source: OASIS AMQP 1.0, part 2.6.7, "Flow Control", and 2.6.14, "Transferring A Message".

use fe2o3_amqp_types::{
    definitions::{Handle, ReceiverSettleMode},
    performatives::{Flow, Transfer},
};

use super::{
    frame::{self, Kind},
    link::{Link, Outgoing, Rest},
    session::{Context, Session},
    wire,
};

/// What is left of a frame for a message beside the transfer's own fields, at least.
const TRANSFER_FIELDS: usize = 64;

impl Session {
    /// Sends what there is, as far as credit, the window and the room in the output allow; whether it was anything.
    pub(super) fn pump(&mut self, context: &mut Context<'_>) -> bool {
        let before = context.output.len();
        let handles: Vec<_> = self
            .links
            .iter()
            .filter_map(|(handle, link)| match link {
                Link::Outgoing(link) if link.credit > 0 || link.rest.is_some() => Some(*handle),
                _ => None,
            })
            .collect();
        for handle in handles {
            if let Some(Link::Outgoing(link)) = self.links.remove(&handle) {
                let link = self.pump_link(handle, link, context);
                self.links.insert(handle, Link::Outgoing(link));
            }
        }
        context.output.len() > before
    }

    /// Sends what one link has, to a bound, so that others have their turn.
    fn pump_link(&mut self, handle: u32, mut link: Outgoing, context: &mut Context<'_>) -> Outgoing {
        let full = (context.output.len() + wire::FULL / 4).min(wire::FULL);
        while self.remote_window > 0 && context.output.len() < full {
            let rest = match link.rest.take() {
                Some(rest) => rest,
                None if link.credit == 0 => break,
                None => match link.next(context.hub, self.next_delivery) {
                    Some((bytes, tag)) => {
                        let delivery_id = self.next_delivery;
                        self.next_delivery = delivery_id.wrapping_add(1);
                        link.credit -= 1;
                        link.delivery_count = link.delivery_count.wrapping_add(1);
                        Rest {
                            delivery_id,
                            tag,
                            bytes,
                            sent: 0,
                        }
                    }
                    None if link.drain => {
                        link.delivery_count = link.delivery_count.wrapping_add(link.credit);
                        (link.credit, link.drain) = (0, false);
                        let flow = Flow {
                            delivery_count: Some(link.delivery_count),
                            link_credit: Some(0),
                            drain: true,
                            ..self.flow_of_session(Some(handle))
                        };
                        self.send(context.output, &flow);
                        break;
                    }
                    None => break,
                },
            };
            link.rest = self.send_piece(handle, link.settled, rest, context);
        }
        link
    }

    /// Sends as much of a message as a frame takes; what is left of it.
    fn send_piece(&mut self, handle: u32, settled: bool, mut rest: Rest, context: &mut Context<'_>) -> Option<Rest> {
        let room = context.frame_limit - frame::HEADER - TRANSFER_FIELDS;
        let end = rest.bytes.len().min(rest.sent + room);
        let (first, more) = (rest.sent == 0, end < rest.bytes.len());
        let transfer = Transfer {
            handle: Handle(handle),
            delivery_id: first.then_some(rest.delivery_id),
            delivery_tag: first.then(|| rest.tag.clone().into()),
            message_format: first.then_some(0),
            settled: first.then_some(settled),
            more,
            rcv_settle_mode: None::<ReceiverSettleMode>,
            state: None,
            resume: false,
            aborted: false,
            batchable: true,
        };
        let piece = rest.bytes.get(rest.sent..end).unwrap_or_default();
        frame::write(context.output, Kind::Amqp, self.channel, &transfer, piece);
        self.next_outgoing = self.next_outgoing.wrapping_add(1);
        self.remote_window -= 1;
        rest.sent = end;
        more.then_some(rest)
    }
}
