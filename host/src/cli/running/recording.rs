//! The answering side of `setpoint record`, in the device's own process.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use setpoint::device::{Beginning, NotRecorded, Operator, SwapError};
use setpoint::record::Tape;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::Answer;
use super::server::say;

/// Bytes sent at once.
const PART: usize = 64 * 1024;

/// Parts on their way from the tape to the socket. What does not fit waits on the tape, which has a limit of its own.
const PARTS: usize = 4;

/// How long whoever records may take none of it. Its disk may be slow; one that stands still is of no use to anybody.
const STALLED: Duration = Duration::from_secs(10);

/// Begins a record and sends it until the other side hangs up, the device ends or the tape does.
pub(super) async fn record(
    mut read: OwnedReadHalf,
    mut write: OwnedWriteHalf,
    operator: &Operator,
    mut ended: watch::Receiver<()>,
) -> Option<()> {
    let tape = Tape::new();
    let begun = operator.record(tape.recorder()).await;
    let begins = begun.is_ok();
    say(&mut write, &told(begun)).await?;
    if !begins {
        return None;
    }
    let (sender, parts) = mpsc::channel(PARTS);
    tape.write_to(Parts(sender)).ok()?;
    let mut forward = tokio::spawn(forward(parts, write));
    let forwarded = tokio::select! {
        // The tape has ended by itself, or nobody takes what it has.
        _ = &mut forward => true,
        // Nothing more is asked for: whoever records hangs up.
        _ = read.read_u8() => false,
        _ = ended.changed() => false,
    };
    // It waits until what is left has been taken.
    tokio::task::spawn_blocking(move || tape.finish()).await.ok()?;
    if !forwarded {
        forward.await.ok()?;
    }
    Some(())
}

/// Sends what the tape writes, to its end or until nobody takes it.
async fn forward(mut parts: mpsc::Receiver<Vec<u8>>, mut write: OwnedWriteHalf) {
    while let Some(part) = parts.recv().await {
        let sent = timeout(STALLED, write.write_all(&part)).await;
        if !sent.is_ok_and(|sent| sent.is_ok()) {
            return;
        }
    }
}

fn told(begun: Result<Beginning, NotRecorded>) -> Answer {
    match begun {
        Ok(Beginning::Replaced(swapped)) => Answer::Recording(format!(
            "another instance of {} has taken over with its state, in {:.1} ms, and is recorded",
            swapped.to,
            swapped.gap.as_secs_f64() * 1_000.0
        )),
        Ok(Beginning::Next) => {
            Answer::Recording("the guest does not run now; its next instance is recorded".to_owned())
        }
        Err(error) => Answer::Failed {
            usage: matches!(error, NotRecorded::Swap(SwapError::NoState { .. })),
            message: error.to_string(),
        },
    }
}

/// Takes what a tape writes, from the tape's own thread.
struct Parts(mpsc::Sender<Vec<u8>>);

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = bytes.get(..PART).unwrap_or(bytes);
        let sent = self.0.blocking_send(part.to_vec());
        let gone = |_| io::Error::new(ErrorKind::BrokenPipe, "whoever recorded it has gone or stands still");
        sent.map(|()| part.len()).map_err(gone)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
