//! The time that a call may take: it is stopped when that is over, and holds up nobody before.
//!
//! A guest holds the thread that called it. In an asynchronous program that may be just the thread that was to look after
//! everybody's timers and sockets, and the others sleep until something is given to them: a runtime that has a single task
//! ready wakes none of them for it. So a call that takes longer than an epoch has another thread woken, which then does the
//! looking.

use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use wasmtime::{Store, StoreContextMut, UpdateDeadline};

use super::engine::Limits;
use super::imports::State;

/// Epochs after which somebody else is to go on in place of this thread. The first may be nearly over when a call begins.
const FIRST: u64 = 1;

/// Holds the calls of this store to what [`allow`] allows them.
pub(super) fn watch(store: &mut Store<State>) {
    store.epoch_deadline_callback(|mut context: StoreContextMut<'_, State>| {
        let left = std::mem::take(&mut context.data_mut().epochs_left);
        if left == 0 {
            return Ok(UpdateDeadline::Interrupt);
        }
        wake_another_thread();
        Ok(UpdateDeadline::Continue(left))
    });
}

/// Gives the next call this time.
pub(super) fn allow(store: &mut Store<State>, budget: Duration) {
    store.data_mut().epochs_left = Limits::epochs(budget).saturating_sub(FIRST);
    store.set_epoch_deadline(FIRST);
}

fn wake_another_thread() {
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    if runtime.runtime_flavor() == RuntimeFlavor::MultiThread {
        // A task that comes from one of the runtime's own threads waits for that thread; one from elsewhere wakes another.
        runtime.clone().spawn_blocking(move || runtime.spawn(async {}));
    }
}
