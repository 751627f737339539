//! The threads on which connections are accepted and hands are shaken, those of all ports of the process. Those who are connected
//! have other threads, so a flood of handshakes stands in none of their queues; and it computes on what they leave over.

use std::{io, sync::LazyLock, thread};

use tokio::runtime::{Builder, Handle, Runtime};

/// How far behind others their turns for a processor are, 0 to 19 as `nice` has it. Of a processor that two threads want, one that
/// is 5 behind gets a quarter; of one that nobody else wants, all of it.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// Where they run.
///
/// # Errors
///
/// When the system gives no threads.
pub(super) fn handle() -> io::Result<Handle> {
    static THREADS: LazyLock<io::Result<Runtime>> = LazyLock::new(start);
    match &*THREADS {
        Ok(runtime) => Ok(runtime.handle().clone()),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    }
}

/// Half as many as there are processors.
fn start() -> io::Result<Runtime> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    Builder::new_multi_thread()
        .worker_threads((processors / 2).max(1))
        .thread_name("handshakes")
        .on_thread_start(step_back)
        .enable_time()
        .build()
}

/// Puts this thread behind others.
fn step_back() {
    // Elsewhere niceness is of the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!("handshakes are computed before their turn: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn they_step_back_and_nobody_else_does() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let before = niceness();
        let theirs = handle().unwrap().spawn(async move { niceness() }).await.unwrap();
        assert_eq!(theirs, (before + NICENESS).min(19));
        assert_eq!(niceness(), before);
    }
}
