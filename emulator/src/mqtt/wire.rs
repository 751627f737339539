//! Packets over a byte stream, with bounded buffers and deadlines.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Poll, ready},
    time::Duration,
};

use futures_util::FutureExt;
use mqtt_protocol_core::mqtt::{
    common::Cursor,
    connection::{PacketBuildResult, PacketBuilder, RawPacket},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    time,
};

use super::{packet::Violation, session::Ended};
use crate::keeping::Keeping;

/// The largest packet taken: a telemetry body of 256 KB, the longest topic (64 KB), and what is around them. Checked
/// before anything is allocated.
const PACKET_LIMIT: u32 = (256 + 64 + 1) * 1024;

/// Bytes read at a time. Most packets are below 1 KB, and an idle connection should not hold much.
const READ_SIZE: usize = 4 * 1024;

/// Output that is sent on before the next packet in hand is looked at.
const FLUSH_AT: usize = 64 * 1024;

/// Bytes that are read while what is to be sent waits for the disk anyway, so that one write of it does for all of them.
const AHEAD: usize = 64 * 1024;

/// A buffer that grew beyond this for one large packet is given back afterwards.
const KEEP_CAPACITY: usize = 16 * 1024;

/// How long a client may take to make room for what is sent to it. It is disconnected then: it does not read.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);

/// How long a client that is refused has to read why and to go.
const GOODBYE_DEADLINE: Duration = Duration::from_secs(2);

pub(super) struct Wire<S> {
    stream: S,
    builder: PacketBuilder,
    /// Bytes received, of which those from `read` on are unread. Empty while nothing comes: an idle connection holds no buffer.
    input: Vec<u8>,
    read: usize,
    output: Vec<u8>,
    keeping: Keeping,
    /// Bytes read since output was sent.
    ahead: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Wire<S> {
        Wire {
            stream,
            builder: PacketBuilder::with_maximum_packet_size(PACKET_LIMIT),
            input: Vec::new(),
            read: 0,
            output: Vec::new(),
            keeping: Keeping::default(),
            ahead: 0,
        }
    }

    /// Has nothing sent before what it may acknowledge is kept.
    pub(super) fn keeping(self, keeping: Keeping) -> Wire<S> {
        Wire { keeping, ..self }
    }

    /// The next packet of those received whole already.
    pub(super) fn received(&mut self) -> Result<Option<RawPacket>, Ended> {
        let Some(unread) = self.input.get(self.read..).filter(|unread| !unread.is_empty()) else {
            return Ok(None);
        };
        let mut cursor = Cursor::new(unread);
        match self.builder.feed(&mut cursor) {
            PacketBuildResult::Complete(packet) => {
                self.read += usize::try_from(cursor.position()).unwrap_or(usize::MAX);
                Ok(Some(packet))
            }
            // The builder has taken all there was and goes on from there.
            PacketBuildResult::Incomplete => {
                self.read = self.input.len();
                Ok(None)
            }
            PacketBuildResult::Error(_) => Err(Violation::Frame.into()),
        }
    }

    /// Takes what has come already, if sending would have to wait for the disk; whether it was anything. To be called when
    /// [`Wire::received`] has no more.
    pub(super) fn receive_ahead(&mut self) -> bool {
        // What ends the connection is found when there is nothing else to do.
        !self.output.is_empty()
            && self.ahead < AHEAD
            && self.keeping.is_behind()
            && self.receive().now_or_never().is_some_and(|received| received.is_ok())
    }

    /// Waits for more bytes; to be called when [`Wire::received`] has no more. Cancel safe.
    pub(super) async fn receive(&mut self) -> Result<(), Ended> {
        let Wire {
            stream, input, read, ..
        } = self;
        (*input, *read) = (Vec::new(), 0);
        poll_fn(|context| {
            // On the stack, for as long as this call lasts.
            let mut bytes = [0; READ_SIZE];
            let mut buffer = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
            input.extend_from_slice(buffer.filled());
            Poll::Ready(io::Result::Ok(()))
        })
        .await?;
        self.ahead += self.input.len();
        if self.input.is_empty() {
            Err(Ended::Gone)
        } else {
            Ok(())
        }
    }

    /// The next packet, from what was received or what comes.
    pub(super) async fn next(&mut self) -> Result<RawPacket, Ended> {
        loop {
            if let Some(packet) = self.received()? {
                return Ok(packet);
            }
            self.receive().await?;
        }
    }

    /// Puts bytes in line to be sent.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Whether there is so much in line that it is to be sent before more is added.
    pub(super) fn is_full(&self) -> bool {
        self.output.len() >= FLUSH_AT
    }

    /// Drops what is in line.
    pub(super) fn discard(&mut self) {
        self.output.clear();
    }

    /// Sends what is in line.
    pub(super) async fn flush(&mut self) -> Result<(), Ended> {
        if self.output.is_empty() {
            // Who sends with QoS 0 waits for no PUBACK, but for the disk.
            self.keeping.relieved().await;
            return Ok(());
        }
        self.keeping.settled().await;
        let Wire { stream, output, .. } = self;
        let sending = async {
            stream.write_all(output).await?;
            stream.flush().await
        };
        time::timeout(WRITE_DEADLINE, sending)
            .await
            .map_err(|_| Ended::NotReading)??;
        self.output.clear();
        self.output.shrink_to(KEEP_CAPACITY);
        self.ahead = 0;
        Ok(())
    }

    /// Ends the connection in order: what is in line is sent, then the end, and what the client still sends is passed
    /// over for a moment, because closing with bytes unread would take back what was sent.
    pub(super) async fn close(mut self) {
        let goodbye = async {
            self.flush().await?;
            self.stream.shutdown().await?;
            while self.receive().await.is_ok() {}
            Ok::<(), Ended>(())
        };
        // Whether the client stayed to hear it or not, it is over.
        let _ = time::timeout(GOODBYE_DEADLINE, goodbye).await;
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Ended {
        match error.kind() {
            // Many clients, paho among them, leave without TLS's goodbye.
            io::ErrorKind::UnexpectedEof => Ended::Gone,
            _ => Ended::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    #[tokio::test]
    async fn packets_come_whole_however_they_are_cut() {
        let bytes = [&[0xC0, 0][..], &[0x40, 2, 0, 7], &[0xE0, 0]].concat();
        for cut in 0..=bytes.len() {
            let (mut client, server) = duplex(64);
            let mut wire = Wire::new(server);
            let (first, second) = bytes.split_at(cut);
            let sending = async {
                client.write_all(first).await.unwrap();
                tokio::task::yield_now().await;
                client.write_all(second).await.unwrap();
            };
            let reading = async {
                let mut kinds = Vec::new();
                for _ in 0..3 {
                    kinds.push(wire.next().await.unwrap().packet_type());
                }
                kinds
            };
            let ((), kinds) = tokio::join!(sending, reading);
            assert_eq!(kinds, [12, 4, 14], "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn a_packet_that_is_too_large_is_refused_at_its_length() {
        let (mut client, server) = duplex(64);
        client.write_all(&[0x30, 0xFF, 0xFF, 0xFF, 0x7F]).await.unwrap();
        assert!(matches!(
            Wire::new(server).next().await,
            Err(Ended::Violation(Violation::Frame))
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_given_up() {
        let (_client, server) = duplex(64);
        let mut wire = Wire::new(server);
        wire.push(&[0; 65]);
        assert!(matches!(wire.flush().await, Err(Ended::NotReading)));
    }
}
