//! MQTT's packets over a stream, polled by whoever waits for the next: the codec is rumqttc's. Its event loop is not used: it
//! keeps some 45 KB for each connection, and queues each packet three times before it leaves. Here a connection that
//! has nothing under way holds no buffer at all.

use std::future::{Future, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rumqttc::{ConnectReturnCode, Packet};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::LARGEST_PACKET;
use crate::cloud::dial::Stream;

/// Read at one time, into a buffer that is gone when all of it has been taken apart.
const READ: usize = 4096;

/// A stream of packets, with an end when nothing is heard.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    /// The beginning of a packet whose end has not come yet, and whole ones that nobody has asked for.
    incoming: BytesMut,
    /// What has not left yet.
    outgoing: BytesMut,
    /// Whether the stream itself holds back what it has taken.
    flushed: bool,
    last_id: u16,
    /// Packet ids that the other side has not acknowledged.
    in_use: Vec<u16>,
    /// After so long without a packet of ours the other side is asked whether it is there.
    keep_alive: Duration,
    /// How long it may be silent.
    patience: Duration,
    sent: Instant,
    heard: Instant,
    /// When this is looked after; it may be found that there is nothing to do yet.
    look: Pin<Box<Sleep>>,
    ended: bool,
}

/// Why no more packets come.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The stream's own error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The stream's end.
    #[error("the server closed the connection")]
    Ended,
    /// What came is no packet, or what was to be sent makes none.
    #[error(transparent)]
    Packet(rumqttc::Error),
    /// CONNACK with a refusal.
    #[error("refused: {0:?}")]
    Refused(ConnectReturnCode),
    /// Something else than CONNACK came first.
    #[error("the answer to CONNECT is none")]
    NoAnswer,
    /// Nothing was heard for so long.
    #[error("nothing was heard from it for {} s", .0.as_secs_f64())]
    Silence(Duration),
    /// It has ended before.
    #[error("the session is over")]
    Over,
}

impl From<rumqttc::Error> for Broken {
    fn from(error: rumqttc::Error) -> Self {
        match error {
            rumqttc::Error::Io(error) => Self::Io(error),
            error => Self::Packet(error),
        }
    }
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>, keep_alive: Duration, patience: Duration) -> Self {
        let now = Instant::now();
        Self {
            stream,
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            flushed: true,
            last_id: 0,
            in_use: Vec::new(),
            keep_alive,
            patience,
            sent: now,
            heard: now,
            look: Box::pin(sleep_until(now + keep_alive.min(patience))),
            ended: false,
        }
    }

    /// A packet id that is not in use. It is, from now on, until the other side acknowledges it.
    pub(super) fn new_id(&mut self) -> u16 {
        loop {
            // Not 0. Source: MQTT 3.1.1, 2.3.1.
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            // An outbox has far fewer messages under way than there are ids, so this ends.
            if !self.in_use.contains(&self.last_id) {
                self.in_use.push(self.last_id);
                return self.last_id;
            }
        }
    }

    /// Puts a packet behind those that have not left. It leaves while [`Wire::next`] is waited for.
    pub(super) fn put(&mut self, packet: &Packet) -> Result<(), Broken> {
        if self.ended {
            return Err(Broken::Over);
        }
        packet.write(&mut self.outgoing, LARGEST_PACKET)?;
        self.sent = Instant::now();
        Ok(())
    }

    /// The next packet. Cancel safe: what has come in part is kept.
    pub(super) async fn next(&mut self) -> Result<Packet, Broken> {
        if self.ended {
            return Err(Broken::Over);
        }
        let next = poll_fn(|context| self.poll_next(context)).await;
        self.ended = next.is_err();
        next
    }

    /// Waits until everything has left.
    pub(super) async fn flush(&mut self) -> Result<(), Broken> {
        poll_fn(|context| self.poll_flush(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Packet, Broken>> {
        if let Poll::Ready(Err(error)) = self.poll_flush(context) {
            return Poll::Ready(Err(error));
        }
        // First what has arrived: after a long time in which nobody asked, silence is only what is left when all is read.
        match self.poll_read(context) {
            Poll::Ready(packet) => Poll::Ready(packet),
            Poll::Pending => self.poll_silence(context).map(Err),
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        while !self.outgoing.is_empty() {
            self.flushed = false;
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.outgoing))?;
            if written == 0 {
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
            }
            self.outgoing.advance(written);
        }
        // Its memory goes with what was in it.
        self.outgoing = BytesMut::new();
        if !self.flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<Packet, Broken>> {
        loop {
            if let Some(packet) = self.take_packet()? {
                return Poll::Ready(Ok(packet));
            }
            let mut space = [MaybeUninit::uninit(); READ];
            let mut space = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut space))?;
            if space.filled().is_empty() {
                return Poll::Ready(Err(Broken::Ended));
            }
            self.incoming.extend_from_slice(space.filled());
            self.heard = Instant::now();
        }
    }

    /// A packet that is there as a whole.
    fn take_packet(&mut self) -> Result<Option<Packet>, Broken> {
        if self.incoming.is_empty() {
            return Ok(None);
        }
        let packet = match Packet::read(&mut self.incoming, LARGEST_PACKET) {
            Ok(packet) => packet,
            Err(rumqttc::Error::InsufficientBytes(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if self.incoming.is_empty() {
            // Its memory goes with what was in it.
            self.incoming = BytesMut::new();
        }
        let settled = match &packet {
            Packet::PubAck(answer) => Some(answer.pkid),
            Packet::SubAck(answer) => Some(answer.pkid),
            _ => None,
        };
        if let Some(place) = settled.and_then(|id| self.in_use.iter().position(|used| *used == id)) {
            // In their order most of the time.
            self.in_use.remove(place);
        }
        Ok(Some(packet))
    }

    /// Asks the other side whether it is there, when nothing was sent for long, and ends when it has been silent too long.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<Broken> {
        while self.look.as_mut().poll(context).is_ready() {
            let now = Instant::now();
            if now >= self.heard + self.patience {
                return Poll::Ready(Broken::Silence(self.patience));
            }
            if now >= self.sent + self.keep_alive {
                if let Err(error) = self.put(&Packet::PingReq) {
                    return Poll::Ready(error);
                }
                if let Poll::Ready(Err(error)) = self.poll_flush(context) {
                    return Poll::Ready(error);
                }
            }
            let next = (self.sent + self.keep_alive).min(self.heard + self.patience);
            self.look.as_mut().reset(next);
        }
        Poll::Pending
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
