//! `setpoint run --watch`: swaps the guest whenever its file changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use setpoint::device::Operator;
use setpoint::sandbox::Sandbox;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::running::load_and_swap;

/// A file that has not changed for so long has been written whole: compilers write in steps.
const QUIET: Duration = Duration::from_millis(100);

/// Watches until it is dropped.
pub(crate) struct Watch {
    _watcher: RecommendedWatcher,
    task: AbortHandle,
}

impl Watch {
    /// Swaps in what `guest` holds each time it changes.
    pub(crate) fn start(guest: &Path, operator: Operator, sandbox: Sandbox) -> anyhow::Result<Self> {
        let guest = std::path::absolute(guest)?;
        // Its folder, because most tools replace a file instead of writing to it.
        let folder = guest.parent().unwrap_or(Path::new("/")).to_owned();
        // One place: that there was a change is all there is to know.
        let (changed, changes) = mpsc::channel(1);
        let watched = guest.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let ours = event.is_ok_and(|event| !event.kind.is_access() && event.paths.contains(&watched));
            if ours {
                // A full channel has the news already.
                let _ = changed.try_send(());
            }
        })
        .with_context(|| format!("{} cannot be watched", guest.display()))?;
        watcher
            .watch(&folder, RecursiveMode::NonRecursive)
            .with_context(|| format!("{} cannot be watched", folder.display()))?;
        let task = tokio::spawn(swap_on_change(guest, changes, operator, sandbox)).abort_handle();
        Ok(Self {
            _watcher: watcher,
            task,
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn swap_on_change(guest: PathBuf, mut changes: mpsc::Receiver<()>, operator: Operator, sandbox: Sandbox) {
    while changes.recv().await.is_some() {
        while tokio::time::timeout(QUIET, changes.recv())
            .await
            .is_ok_and(|change| change.is_some())
        {}
        // Removed, say by a build that has begun: its end is another change.
        if !guest.is_file() {
            continue;
        }
        // What came of it is said by the console.
        if let Err(error) = load_and_swap(&operator, &sandbox, &guest).await {
            tracing::error!("{error}");
        }
    }
}
