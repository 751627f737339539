//! The answering side, in the device's own process.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use setpoint::device::{Operator, SwapError, Swapped};
use setpoint::sandbox::{LoadError, Program, Sandbox};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::AbortHandle;

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
        let task = tokio::spawn(serve(listener, operator, sandbox)).abort_handle();
        Ok(Self { socket, task })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
        // What stays is removed by the next reader.
        let _ = std::fs::remove_file(&self.socket);
    }
}

async fn serve(listener: UnixListener, operator: Operator, sandbox: Sandbox) {
    let shared = Arc::new((operator, sandbox));
    // An error is one of this moment, say too many open files; the next connection may work.
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move { answer(stream, &shared.0, &shared.1).await });
        }
    }
}

/// Whoever asked and went away gets no answer, and there is nobody to tell.
async fn answer(stream: UnixStream, operator: &Operator, sandbox: &Sandbox) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(REQUEST_BYTES))
        .read_line(&mut line)
        .await
        .ok()?;
    let answer = match serde_json::from_str(&line).ok()? {
        Request::Status => operator.status().await.map_or(Answer::Starting, Answer::Status),
        Request::Swap(guest) => match load_and_swap(operator, sandbox, &guest).await {
            Ok(swapped) => Answer::Swapped(told(&swapped)),
            Err(error) => Answer::Failed {
                usage: matches!(error, NotSwapped::Load(_)),
                message: error.to_string(),
            },
        },
    };
    let mut line = serde_json::to_string(&answer).ok()?;
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
