//! The answering side, in the device's own process.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use setpoint::device::{Operator, SwapError, Swapped};
use setpoint::sandbox::{LoadError, Program, Sandbox};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::recording::record;
use super::{Answer, Request, folder};

/// Bytes of the longest request: a path has at most 4,096.
const REQUEST_BYTES: u64 = 16 * 1024;

/// Why a guest was not swapped in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSwapped {
    /// It is none.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The device goes on with the one it had.
    #[error(transparent)]
    Swap(#[from] SwapError),
}

/// Keeps a device reachable; dropping it takes its socket away.
pub(crate) struct Served {
    socket: PathBuf,
    task: AbortHandle,
    /// Changes when the device has ended; recordings hold its receivers until theirs is written.
    ended: Arc<watch::Sender<()>>,
}

/// What a device is asked for with.
struct Shared {
    operator: Operator,
    sandbox: Sandbox,
    ended: Arc<watch::Sender<()>>,
}

impl Served {
    /// Makes the socket of the device that `operator` gives orders to.
    pub(crate) fn start(operator: Operator, sandbox: Sandbox) -> io::Result<Self> {
        let folder = folder().ok_or_else(|| io::Error::other("there is no home folder"))?;
        let mut make = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
        make.recursive(true).create(&folder)?;
        let socket = folder.join(format!("{}.sock", std::process::id()));
        // A process that is gone may have had this number.
        match std::fs::remove_file(&socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&socket)?;
        let ended = Arc::new(watch::Sender::new(()));
        let shared = Shared {
            operator,
            sandbox,
            ended: Arc::clone(&ended),
        };
        let task = tokio::spawn(serve(listener, Arc::new(shared))).abort_handle();
        Ok(Self { socket, task, ended })
    }

    /// The device has ended: waits until those who record it have everything.
    pub(crate) async fn finish(self) {
        self.task.abort();
        self.ended.send_replace(());
        self.ended.closed().await;
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
        // What stays is removed by the next reader.
        let _ = std::fs::remove_file(&self.socket);
    }
}

async fn serve(listener: UnixListener, shared: Arc<Shared>) {
    // An error is one of this moment, say too many open files; the next connection may work.
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move { answer(stream, &shared).await });
        }
    }
}

/// Whoever asked and went away gets no answer, and there is nobody to tell.
async fn answer(stream: UnixStream, shared: &Shared) -> Option<()> {
    let Shared { operator, sandbox, .. } = shared;
    let (mut read, mut write) = stream.into_split();
    let answer = match read_request(&mut read).await? {
        Request::Record => return record(read, write, operator, shared.ended.subscribe()).await,
        Request::Status => operator
            .status()
            .await
            .map_or(Answer::Starting, |status| Answer::Status(Box::new(status))),
        Request::Swap(guest) => match load_and_swap(operator, sandbox, &guest).await {
            Ok(swapped) => Answer::Swapped(told(&swapped)),
            Err(error) => Answer::Failed {
                usage: matches!(error, NotSwapped::Load(_)),
                message: error.to_string(),
            },
        },
    };
    say(&mut write, &answer).await
}

async fn read_request(read: &mut OwnedReadHalf) -> Option<Request> {
    let mut line = String::new();
    let mut read = BufReader::new(read.take(REQUEST_BYTES));
    read.read_line(&mut line).await.ok()?;
    serde_json::from_str(&line).ok()
}

pub(super) async fn say(write: &mut OwnedWriteHalf, answer: &Answer) -> Option<()> {
    let mut line = serde_json::to_string(answer).ok()?;
    line.push('\n');
    write.write_all(line.as_bytes()).await.ok()
}

/// Compiles the guest of this file, on a thread of its own, and swaps it in.
pub(crate) async fn load_and_swap(operator: &Operator, sandbox: &Sandbox, guest: &Path) -> Result<Swapped, NotSwapped> {
    let (sandbox, guest) = (sandbox.clone(), guest.to_owned());
    let loaded = tokio::task::spawn_blocking(move || Program::open(&sandbox, &guest)).await;
    let program = loaded.map_err(|_| SwapError::Stopped)??;
    Ok(operator.swap(program).await?)
}

/// What a swap came to, in one line.
fn told(swapped: &Swapped) -> String {
    let Swapped {
        from,
        to,
        gap,
        state,
        model_id,
    } = swapped;
    let gap = gap.as_secs_f64() * 1_000.0;
    match model_id {
        Some(model_id) => {
            format!("{to} has taken the place of {from}; it is of another model and was provisioned as {model_id}")
        }
        None if *state => format!("{to} has taken the place of {from} and its state, in {gap:.1} ms"),
        None => format!("{to} has taken the place of {from}, which had no state to hand over, in {gap:.1} ms"),
    }
}
