//! Links: one direction each, between a client and a node.

use std::collections::VecDeque;

use fe2o3_amqp_types::performatives::{Flow, Transfer};

use super::{feedback::FeedbackReader, node::Node};
use crate::state::{
    Hub,
    endpoint::{Seat, Stored},
};

/// Messages that a client may send on a link before it is told that it may send more.
pub(super) const CREDIT: u32 = 100;

/// The largest message taken for a device: 64 KB with its properties.
const MESSAGE_LIMIT: usize = 192 * 1024;

/// The largest request taken. A token is below 1 KB, and who puts it need not have proved anything yet.
const REQUEST_LIMIT: usize = 32 * 1024;

/// Answers that wait for a client to take them.
const ANSWERS: usize = 100;

/// Messages taken out of the log at a time.
const BATCH: usize = 64;

/// An attached link.
pub(super) enum Link {
    /// The client receives.
    Outgoing(Outgoing),
    /// The client sends.
    Incoming(Incoming),
    /// Was detached by us; the client may not know yet.
    Detached,
}

/// What a client receives, and how much of it it wants.
pub(super) struct Outgoing {
    pub(super) path: String,
    pub(super) supply: Supply,
    /// Whether messages count as delivered when they are sent.
    pub(super) settled: bool,
    pub(super) credit: u32,
    pub(super) delivery_count: u32,
    /// Whether credit that cannot be used at once is given back.
    pub(super) drain: bool,
    /// A message that did not go out whole.
    pub(super) rest: Option<Rest>,
}

/// What is left of a message.
pub(super) struct Rest {
    pub(super) delivery_id: u32,
    pub(super) tag: Vec<u8>,
    pub(super) bytes: Vec<u8>,
    pub(super) sent: usize,
}

/// Where messages come from.
pub(super) enum Supply {
    Events(Reader),
    Answers(Answers),
    Feedback(FeedbackReader),
}

/// A place in a partition.
pub(super) struct Reader {
    pub(super) partition: usize,
    pub(super) sequence: u64,
    pub(super) seat: Seat,
    /// Whether each message says how far behind the reader is.
    pub(super) metric: bool,
    pub(super) ready: VecDeque<Stored>,
}

/// Answers for whoever asks at a node.
pub(super) struct Answers {
    pub(super) node: Node,
    /// What the client calls its end.
    pub(super) address: Option<String>,
    pub(super) waiting: VecDeque<Vec<u8>>,
}

impl Outgoing {
    /// The next message, encoded, if there is one, to be delivered under this id; and its tag.
    pub(super) fn next(&mut self, hub: &Hub, delivery_id: u32) -> Option<(Vec<u8>, Vec<u8>)> {
        let bytes = match &mut self.supply {
            Supply::Events(reader) => reader.next(hub)?,
            Supply::Answers(answers) => answers.waiting.pop_front()?,
            // The .NET SDK makes a GUID of the tag: 16 bytes.
            Supply::Feedback(reader) => {
                return Some((
                    reader.next(delivery_id)?,
                    u128::from(delivery_id).to_be_bytes().to_vec(),
                ));
            }
        };
        Some((bytes, delivery_id.to_be_bytes().to_vec()))
    }

    /// Takes note of what the client wants.
    pub(super) fn flow(&mut self, flow: &Flow) {
        let outstanding = self.delivery_count.wrapping_sub(flow.delivery_count.unwrap_or(0));
        self.credit = flow.link_credit.unwrap_or(0).saturating_sub(outstanding);
        self.drain = flow.drain;
    }

    /// Whether a reader with a higher epoch has taken over.
    pub(super) fn is_stolen(&self) -> bool {
        matches!(&self.supply, Supply::Events(reader) if reader.seat.is_lost())
    }

    /// Whether messages that come later will be sent at once.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.supply, Supply::Events(_))
    }

    /// Whether feedback that comes later will be sent at once.
    pub(super) fn is_waiting_for_feedback(&self) -> bool {
        self.credit > 0 && matches!(self.supply, Supply::Feedback(_))
    }
}

impl Reader {
    fn next(&mut self, hub: &Hub) -> Option<Vec<u8>> {
        if self.ready.is_empty() {
            self.ready = hub.endpoint().read(self.partition, self.sequence, BATCH).into();
        }
        let stored = self.ready.pop_front()?;
        self.sequence = stored.sequence + 1;
        let newest = self.metric.then(|| hub.endpoint().properties(self.partition)).flatten();
        Some(super::message::event(&stored, newest))
    }
}

impl Answers {
    /// Puts an answer in line; false when too many wait.
    pub(super) fn push(&mut self, answer: Vec<u8>) -> bool {
        let room = self.waiting.len() < ANSWERS;
        if room {
            self.waiting.push_back(answer);
        }
        room
    }
}

/// What a client sends.
pub(super) struct Incoming {
    pub(super) node: Node,
    pub(super) path: String,
    pub(super) credit: u32,
    pub(super) delivery_count: u32,
    /// What has come of a message that is not whole.
    partial: Option<Partial>,
}

struct Partial {
    delivery_id: u32,
    settled: bool,
    bytes: Vec<u8>,
}

/// What a transfer makes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// A message with its delivery id, and whether its sender wants to hear of it.
    Whole {
        delivery_id: u32,
        settled: bool,
        bytes: Vec<u8>,
    },
    /// Something that a message may yet come of, or never.
    Nothing,
    /// Too much.
    TooLarge,
    /// More messages than there was credit for.
    TooMany,
    /// A message without an id.
    Nameless,
}

impl Incoming {
    /// The largest message taken, in bytes.
    pub(super) fn limit(&self) -> usize {
        match self.node {
            Node::ToDevices => MESSAGE_LIMIT,
            _ => REQUEST_LIMIT,
        }
    }

    pub(super) fn new(node: Node, path: String) -> Incoming {
        Incoming {
            node,
            path,
            credit: CREDIT,
            delivery_count: 0,
            partial: None,
        }
    }

    /// Takes a transfer and the piece of a message with it.
    pub(super) fn take(&mut self, transfer: &Transfer, payload: &[u8]) -> Arrival {
        let limit = self.limit();
        let partial = match &mut self.partial {
            Some(partial) => partial,
            None => {
                let Some(delivery_id) = transfer.delivery_id else {
                    return Arrival::Nameless;
                };
                let Some(credit) = self.credit.checked_sub(1) else {
                    return Arrival::TooMany;
                };
                self.credit = credit;
                self.delivery_count = self.delivery_count.wrapping_add(1);
                self.partial.insert(Partial {
                    delivery_id,
                    settled: false,
                    bytes: Vec::new(),
                })
            }
        };
        partial.settled |= transfer.settled.unwrap_or(false);
        if partial.bytes.len() + payload.len() > limit {
            return Arrival::TooLarge;
        }
        partial.bytes.extend_from_slice(payload);
        if transfer.more && !transfer.aborted {
            return Arrival::Nothing;
        }
        match self.partial.take() {
            Some(partial) if !transfer.aborted => Arrival::Whole {
                delivery_id: partial.delivery_id,
                settled: partial.settled,
                bytes: partial.bytes,
            },
            _ => Arrival::Nothing,
        }
    }

    /// Gives the client more credit when it has used half; whether it did.
    pub(super) fn top_up(&mut self) -> bool {
        let low = self.credit <= CREDIT / 2;
        if low {
            self.credit = CREDIT;
        }
        low
    }
}
