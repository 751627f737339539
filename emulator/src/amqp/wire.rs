//! Frames over a byte stream, with bounded buffers and deadlines. What is to be sent and what is received do not wait for each
//! other.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf},
    time::{self, Instant},
};

use super::{
    frame::{self, Frame, Kind},
    shape::Malformed,
};

/// Bytes read at a time. An idle connection should not hold much.
const READ_SIZE: usize = 4 * 1024;

/// With so much in line nothing is added for the sake of a reader, and nothing is read from it.
pub(super) const FULL: usize = 256 * 1024;

/// A buffer that grew beyond this is given back when it is empty.
const KEEP_CAPACITY: usize = 16 * 1024;

/// How long a client may take to make room for what is sent to it.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// How long a client has, from a last word on, to read it and to go.
const GOODBYE_DEADLINE: Duration = Duration::from_secs(2);

/// The length of a protocol header.
const PROTOCOL: usize = 8;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("the client has gone")]
    Gone,
    #[error("the client does not read what is sent to it")]
    NotReading,
    #[error("the client was silent for too long")]
    Silent,
    #[error("the client did not say what it wants in time")]
    Late,
    #[error("the client speaks another protocol")]
    OtherProtocol,
    #[error("the client was refused: {0}")]
    Refused(String),
    #[error("{0}")]
    Malformed(#[from] Malformed),
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
}

pub(super) struct Wire<S> {
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    input: Vec<u8>,
    /// How much of `input` has been dealt with.
    taken: usize,
    output: Vec<u8>,
    /// How much of `output` has been sent.
    sent: usize,
    /// Whether the stream may hold bytes back.
    unflushed: bool,
    /// Since when the client has made no room for what is to be sent.
    blocked: Option<Instant>,
    received_at: Instant,
    sent_at: Instant,
}

impl<S: AsyncRead + AsyncWrite> Wire<S> {
    pub(super) fn new(stream: S) -> Wire<S> {
        let (reader, writer) = tokio::io::split(stream);
        let now = Instant::now();
        Wire {
            reader,
            writer,
            input: Vec::new(),
            taken: 0,
            output: Vec::new(),
            sent: 0,
            unflushed: false,
            blocked: None,
            received_at: now,
            sent_at: now,
        }
    }

    /// When bytes last came.
    pub(super) fn received_at(&self) -> Instant {
        self.received_at
    }

    /// When bytes last went.
    pub(super) fn sent_at(&self) -> Instant {
        self.sent_at
    }

    /// Where what is to be sent is added.
    pub(super) fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Whether as much is in line as may be.
    pub(super) fn is_full(&self) -> bool {
        self.output.len() - self.sent >= FULL
    }

    /// The next frame of those received whole.
    pub(super) fn received(&mut self) -> Result<Option<Frame>, Ended> {
        let unread = self.input.get(self.taken..).unwrap_or_default();
        let Some((frame, length)) = Frame::split(unread)? else {
            return Ok(None);
        };
        self.take(length);
        Ok(Some(frame))
    }

    /// The next protocol header.
    pub(super) async fn protocol(&mut self) -> Result<[u8; PROTOCOL], Ended> {
        loop {
            let unread = self.input.get(self.taken..).unwrap_or_default();
            if let Some(header) = unread.first_chunk().copied() {
                self.take(PROTOCOL);
                return Ok(header);
            }
            self.exchange().await?;
        }
    }

    /// The next frame of a kind.
    pub(super) async fn next(&mut self, kind: Kind) -> Result<Frame, Ended> {
        loop {
            match self.received()? {
                Some(frame) if frame.kind == kind => return Ok(frame),
                Some(_) => return Err(Malformed.into()),
                None => self.exchange().await?,
            }
        }
    }

    /// Sends or receives some bytes, whichever can be done first; nothing is received while much is to be sent. Cancel safe.
    pub(super) async fn exchange(&mut self) -> Result<(), Ended> {
        let reading = !self.is_full();
        let Wire {
            reader,
            writer,
            input,
            output,
            sent,
            unflushed,
            blocked,
            ..
        } = self;
        let unsent = output.get(*sent..).unwrap_or_default();
        let writing = !unsent.is_empty() || *unflushed;
        let since = if writing {
            *blocked.get_or_insert_with(Instant::now)
        } else {
            Instant::now()
        };
        let deadline = since + WRITE_DEADLINE;
        tokio::select! {
            count = async { if unsent.is_empty() { writer.flush().await.map(|()| 0) } else { writer.write(unsent).await } }, if writing => {
                let count = count?;
                if count == 0 && !unsent.is_empty() {
                    return Err(Ended::Gone);
                }
                self.sent_at = Instant::now();
                self.blocked = None;
                self.wrote(count);
            }
            count = async { input.reserve(READ_SIZE); reader.read_buf(input).await }, if reading => {
                if count? == 0 {
                    return Err(Ended::Gone);
                }
                self.received_at = Instant::now();
            }
            () = time::sleep_until(deadline), if writing => return Err(Ended::NotReading),
        }
        Ok(())
    }

    /// Sends all that is in line, then the end; what the client still sends is passed over for a moment, because closing with bytes
    /// unread would take back what was sent.
    pub(super) async fn goodbye(mut self) {
        let leaving = async {
            self.writer
                .write_all(self.output.get(self.sent..).unwrap_or_default())
                .await?;
            self.writer.shutdown().await?;
            let mut rest = [0; 1024];
            while self.reader.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        // Whether it heard is its own affair.
        let _ = time::timeout(GOODBYE_DEADLINE, leaving).await;
    }

    /// Says that we are alive.
    pub(super) fn heartbeat(&mut self) {
        frame::write_encoded(&mut self.output, Kind::Amqp, 0, &[], &[]);
    }

    fn take(&mut self, length: usize) {
        self.taken += length;
        if self.taken >= self.input.len() {
            self.input.clear();
            self.input.shrink_to(KEEP_CAPACITY);
            self.taken = 0;
        } else if self.taken > frame::FRAME_LIMIT {
            self.input.drain(..self.taken);
            self.taken = 0;
        }
    }

    fn wrote(&mut self, count: usize) {
        self.unflushed = count > 0;
        self.sent += count;
        if self.sent >= self.output.len() {
            self.output.clear();
            self.output.shrink_to(KEEP_CAPACITY);
            self.sent = 0;
        } else if self.sent > FULL {
            self.output.drain(..self.sent);
            self.sent = 0;
        }
    }
}
