//! A connection after its greeting: sessions, and what holds for all of them.
//!
//! Source: OASIS AMQP 1.0, part 2.4.

use std::{collections::BTreeMap, sync::Arc};

use fe2o3_amqp_types::{
    definitions::{AmqpError, Error},
    performatives::{ChannelMax, Close, End, MaxFrameSize, Open, Performative},
};

use super::{
    fault,
    frame::{self, FRAME_LIMIT, Frame, Kind, SMALLEST_LIMIT},
    grants::Grants,
    link::Link,
    session::{Context, Session},
};
use crate::state::Hub;

/// The highest channel; a client that reads has one or two sessions.
const CHANNEL_MAX: u16 = 255;

/// Sessions of a client that has put no token yet. It needs one, for that.
const STRANGERS_SESSIONS: usize = 4;

/// The client must say something as often as this, in milliseconds; twice the time is waited.
pub(super) const IDLE_TIME_OUT: u32 = 120_000;

/// What goes on on one connection. Without I/O: frames go in, bytes come out.
pub(super) struct Connection {
    hub: Arc<Hub>,
    grants: Grants,
    sessions: BTreeMap<u16, Session>,
    /// The largest frame that the client takes.
    frame_limit: usize,
    /// How often the client must hear something, in milliseconds.
    remote_idle: Option<u32>,
    opened: bool,
    closed: bool,
}

impl Connection {
    pub(super) fn new(hub: Arc<Hub>, grants: Grants) -> Connection {
        Connection {
            hub,
            grants,
            sessions: BTreeMap::new(),
            frame_limit: SMALLEST_LIMIT,
            remote_idle: None,
            opened: false,
            closed: false,
        }
    }

    /// Whether the client has opened it.
    pub(super) fn is_open(&self) -> bool {
        self.opened
    }

    /// Whether both have said that it is over, or we have.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// How often the client must hear something, in milliseconds.
    pub(super) fn remote_idle(&self) -> Option<u32> {
        self.remote_idle
    }

    /// The seconds until the next token expires; `None` when the client has none.
    pub(super) fn ends_in(&self) -> Option<u64> {
        self.grants.ends_in()
    }

    /// Whether a message that a device sends may have to be sent on.
    pub(super) fn is_waiting(&self) -> bool {
        let mut links = self.sessions.values().flat_map(|session| session.links.values());
        links.any(|link| matches!(link, Link::Outgoing(link) if link.is_waiting()))
    }

    /// Whether feedback that comes may have to be sent on.
    pub(super) fn is_waiting_for_feedback(&self) -> bool {
        let mut links = self.sessions.values().flat_map(|session| session.links.values());
        links.any(|link| matches!(link, Link::Outgoing(link) if link.is_waiting_for_feedback()))
    }

    /// Takes a frame.
    pub(super) fn take(&mut self, frame: &Frame, output: &mut Vec<u8>) {
        if self.closed || (frame.kind == Kind::Amqp && frame.body.is_empty()) {
            return;
        }
        let taken = match frame.performative() {
            Ok((performative, payload)) if frame.kind == Kind::Amqp => {
                self.say(frame.channel, performative, payload, output)
            }
            _ => Err(fault::framing()),
        };
        if let Err(error) = taken {
            self.close(error, output);
        }
    }

    /// Closes the connection with an error.
    pub(super) fn close(&mut self, error: Error, output: &mut Vec<u8>) {
        tracing::debug!(
            "AMQP connection closed: {}",
            error.description.as_deref().unwrap_or_default()
        );
        if !self.opened {
            self.open(output);
        }
        frame::write(output, Kind::Amqp, 0, &Close { error: Some(error) }, &[]);
        self.closed = true;
        self.sessions.clear();
    }

    /// Sends what there is to send, and detaches what may no longer be used.
    pub(super) fn pump(&mut self, output: &mut Vec<u8>) {
        let Connection {
            hub,
            grants,
            sessions,
            frame_limit,
            ..
        } = self;
        grants.expire();
        let mut context = Context {
            hub,
            grants,
            output,
            frame_limit: *frame_limit,
        };
        for session in sessions.values_mut() {
            session.review(&mut context);
        }
        // Each session has its turn until none has anything, or as much is in line as may be.
        while context.output.len() < super::wire::FULL {
            let mut sent = false;
            for session in sessions.values_mut() {
                sent |= session.pump(&mut context);
            }
            if !sent {
                break;
            }
        }
    }

    /// Takes what the client says; an error is to close the connection.
    fn say(
        &mut self,
        channel: u16,
        performative: Performative,
        payload: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match performative {
            Performative::Open(open) if !self.opened => {
                let limit = usize::try_from(open.max_frame_size.0).unwrap_or(FRAME_LIMIT);
                if limit < SMALLEST_LIMIT {
                    return Err(fault::error(
                        AmqpError::InvalidField,
                        "max-frame-size must be at least 512",
                    ));
                }
                self.frame_limit = limit.min(FRAME_LIMIT);
                self.remote_idle = open.idle_time_out.filter(|time| *time > 0);
                self.open(output);
                Ok(())
            }
            Performative::Open(_) => Err(fault::not_allowed("the connection is open")),
            _ if !self.opened => Err(fault::not_allowed("the connection is to be opened first")),
            Performative::Close(_) => {
                frame::write(output, Kind::Amqp, 0, &Close { error: None }, &[]);
                self.closed = true;
                self.sessions.clear();
                Ok(())
            }
            performative => self.within_session(channel, performative, payload, output),
        }
    }

    fn within_session(
        &mut self,
        channel: u16,
        performative: Performative,
        payload: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let mut context = Context {
            hub: &self.hub,
            grants: &mut self.grants,
            output,
            frame_limit: self.frame_limit,
        };
        let room = !context.grants.is_empty() || self.sessions.len() < STRANGERS_SESSIONS;
        let session = self.sessions.get_mut(&channel);
        match (performative, session) {
            (Performative::Begin(begin), None) if channel <= CHANNEL_MAX && room => {
                let session = Session::begin(channel, &begin, &mut context);
                self.sessions.insert(channel, session);
                Ok(())
            }
            (Performative::Begin(_), _) => Err(fault::not_allowed(
                "the channel has a session, is above channel-max, or one too many without a token",
            )),
            (Performative::End(_), Some(session)) => {
                if !session.is_ended() {
                    session.send(context.output, &End { error: None });
                }
                self.sessions.remove(&channel);
                Ok(())
            }
            (_, None) => Err(fault::not_allowed("the channel has no session")),
            (_, Some(session)) if session.is_ended() => Ok(()),
            (performative, Some(session)) => {
                if let Err(error) = session.take(performative, payload, &mut context) {
                    session.send(context.output, &End { error: Some(error) });
                    session.end();
                }
                Ok(())
            }
        }
    }

    fn open(&mut self, output: &mut Vec<u8>) {
        self.opened = true;
        let open = Open {
            container_id: "setpoint".to_owned(),
            hostname: None,
            max_frame_size: MaxFrameSize(u32::try_from(FRAME_LIMIT).unwrap_or(u32::MAX)),
            channel_max: ChannelMax(CHANNEL_MAX),
            idle_time_out: Some(IDLE_TIME_OUT),
            outgoing_locales: None,
            incoming_locales: None,
            offered_capabilities: None,
            desired_capabilities: None,
            properties: None,
        };
        frame::write(output, Kind::Amqp, 0, &open, &[]);
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
