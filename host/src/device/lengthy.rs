//! Work that may hold its thread for long, in a task that shares the thread with others.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does the work, and hands the other tasks of this thread to another thread meanwhile, where the runtime has several.
/// That costs some microseconds, so it is for what may take milliseconds.
pub(super) fn lengthy<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
