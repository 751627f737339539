//! A task as a value.

use std::future::Future;

use tokio::{runtime::Handle, sync::oneshot, task::JoinHandle};

/// Resolves when the work is to stop.
pub(crate) type Stop = oneshot::Receiver<()>;

/// Work in the background. Dropping this cuts it off at its next await, with everything it owns; [`Background::stop`] lets
/// it put things away and waits for that.
pub(crate) struct Background {
    task: JoinHandle<()>,
    stop: Option<oneshot::Sender<()>>,
}

impl Background {
    /// Starts the work.
    pub(crate) fn spawn<F>(work: impl FnOnce(Stop) -> F) -> Background
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Background::spawn_on(&Handle::current(), work)
    }

    /// Starts the work on threads of its own.
    pub(crate) fn spawn_on<F>(threads: &Handle, work: impl FnOnce(Stop) -> F) -> Background
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        Background {
            task: threads.spawn(work(stopped)),
            stop: Some(stop),
        }
    }

    /// Asks the work to stop and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.stop.take();
        // How it ended does not matter any more.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.task.abort();
    }
}
