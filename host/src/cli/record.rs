//! `setpoint record`: what goes in and out of a running device.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use setpoint::printable;
use setpoint::record::{Ending, new_file};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Usage;
use super::emulator::Signals;
use super::running::find;

/// Bytes kept of the end of what was written: the last line has a few hundred at most.
const TAIL: usize = 4096;

/// How long a device may take to send what is left, once nothing more is wanted.
const LAST_LINES_TIME: Duration = Duration::from_secs(30);

/// Writes down what goes in and out of a running device's guest, for `setpoint replay`
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint record my-pnp-device -o day.jsonl
  setpoint record my-pnp-device -o minute.jsonl --duration 60
  setpoint run --record day.jsonl      records from power-on, also a guest that has no state to hand over
  setpoint replay day.jsonl            what would it do today?

Another instance of the same guest takes over with the state of the one that runs, as in a swap, and the record begins with its
start: what the old one had in its memory is known to nobody. The connection stays and no message is lost. Restarts and swaps are
recorded too. It ends on Ctrl-C, when the time is up or when the device ends.

The file holds what the guest is given: configuration, desired values, commands and messages, secrets among them too. Only you
may read it. Keys and tokens are not in it, for a guest never sees them.")]
pub(crate) struct Record {
    /// The device's id, as `setpoint devices` lists it
    device: String,

    /// The file to write, which is not there yet
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Ends after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    duration: Option<u64>,
}

/// A record on its way from a device to a file.
struct Copy {
    file: File,
    tail: Vec<u8>,
}

impl Record {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let device = find(&self.device)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("no threads")?;
        // Before the file is there, so that Ctrl-C never leaves one that is not finished.
        let signals = runtime
            .block_on(async { Signals::listen() })
            .context("signals cannot be waited for")?;
        let file = new_file(&self.output).map_err(|error| unwritable(&self.output, &error))?;
        let (line, stream) = device.record().inspect_err(|_| {
            // There is nothing in it.
            let _ = std::fs::remove_file(&self.output);
        })?;
        // A reader that has gone has no part in what is written to the file.
        let _ = writeln!(io::stdout(), "{}", printable(&line));
        let mut copy = Copy { file, tail: Vec::new() };
        runtime
            .block_on(copy.run(stream, self.stop(signals)))
            .with_context(|| self.output.display().to_string())?;
        if copy.tail.is_empty() {
            let _ = std::fs::remove_file(&self.output);
            bail!(
                "{} went away before anything was recorded; there is no {}",
                self.device,
                self.output.display()
            );
        }
        self.report(copy.ending())
    }

    /// Waits until nothing more is wanted.
    async fn stop(&self, mut signals: Signals) {
        let late = async {
            match self.duration {
                Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = signals.received() => {}
            () = late => {}
        }
    }

    fn report(&self, ending: Option<Ending>) -> anyhow::Result<()> {
        let file = self.output.display();
        match ending {
            Some(Ending { calls, because: None }) => {
                let _ = writeln!(io::stdout(), "{calls} calls are in {file}");
                Ok(())
            }
            Some(Ending {
                calls,
                because: Some(reason),
            }) => bail!("the record ended early, and {file} holds {calls} calls: {reason}"),
            None => bail!(
                "{} went away without a word; {file} holds what came until then, and can be replayed",
                self.device
            ),
        }
    }
}

impl Copy {
    /// Writes each line as soon as it comes, until the device hangs up. Once `stop` has come it is asked to.
    async fn run(&mut self, stream: UnixStream, stop: impl Future<Output = ()>) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        let mut stream = tokio::net::UnixStream::from_std(stream)?;
        let mut buffer = vec![0; 64 * 1024];
        tokio::pin!(stop);
        loop {
            let read = tokio::select! {
                () = &mut stop => break,
                read = stream.read(&mut buffer) => read?,
            };
            if !self.write(buffer.get(..read).unwrap_or_default())? {
                return Ok(());
            }
        }
        stream.shutdown().await?;
        let rest = async {
            loop {
                let read = stream.read(&mut buffer).await?;
                if !self.write(buffer.get(..read).unwrap_or_default())? {
                    return Ok(());
                }
            }
        };
        let in_time = tokio::time::timeout(LAST_LINES_TIME, rest).await;
        in_time.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
    }

    /// False at the end.
    fn write(&mut self, bytes: &[u8]) -> io::Result<bool> {
        self.file.write_all(bytes)?;
        self.tail.extend_from_slice(bytes);
        let surplus = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..surplus);
        Ok(!bytes.is_empty())
    }

    /// What the last line says, when it is one.
    fn ending(&self) -> Option<Ending> {
        let lines = self.tail.strip_suffix(b"\n")?;
        Ending::read(lines.rsplit(|byte| *byte == b'\n').next()?)
    }
}

/// Why there is no file to record to.
pub(crate) fn unwritable(file: &Path, error: &io::Error) -> Usage {
    let file = file.display();
    Usage(match error.kind() {
        ErrorKind::AlreadyExists => format!("{file} exists already; name a new file for the record"),
        _ => format!("{file}: {error}; name a file that you may write for the record"),
    })
}
