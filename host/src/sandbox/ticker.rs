//! The thread that counts guests' time in epochs, while any of them is in a call.
//!
//! With nobody in a call it sleeps, and costs nothing: a hundred wake-ups a second were most of the processor time of a hundred
//! devices (bench/README.md).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How fine a guest's time budget is measured.
pub(super) const EPOCH: Duration = Duration::from_millis(10);

/// Epochs without a call after which it goes to sleep. To wake it takes as long as a tick, so where calls follow each other it
/// goes on.
const QUIET: u32 = 2;

/// Ticks until it is dropped.
pub(super) struct Ticker {
    calls: Arc<Calls>,
    thread: Option<JoinHandle<()>>,
}

/// The calls so far. A call that begins counts first and looks then whether the thread sleeps, and the thread says first that it
/// sleeps and looks then whether a call has begun, in one order for both: so one of them sees the other.
#[derive(Default)]
struct Calls {
    begun: AtomicU64,
    ended: AtomicU64,
    asleep: AtomicBool,
    over: AtomicBool,
}

/// A call that the ticker ticks for, until it is dropped.
#[must_use]
pub(super) struct InCall<'a>(&'a Calls);

impl Ticker {
    /// Calls `tick` once an epoch, until that says false.
    pub(super) fn start(tick: impl FnMut() -> bool + Send + 'static) -> std::io::Result<Self> {
        let calls = Arc::new(Calls::default());
        let shared = Arc::clone(&calls);
        let thread = thread::Builder::new()
            .name("epochs".into())
            .spawn(move || shared.count(tick))?;
        Ok(Self {
            calls,
            thread: Some(thread),
        })
    }

    /// A call begins: the first tick comes at most an epoch from now, and no epoch is missed until it has ended.
    pub(super) fn begin(&self) -> InCall<'_> {
        self.calls.begun.fetch_add(1, SeqCst);
        if self.calls.asleep.load(SeqCst) && self.calls.asleep.swap(false, SeqCst) {
            self.wake();
        }
        InCall(&self.calls)
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for InCall<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, SeqCst);
    }
}

impl Calls {
    fn count(&self, mut tick: impl FnMut() -> bool) {
        let (mut seen, mut quiet) = (0, 0);
        while self.sleep_an_epoch() && tick() {
            let ended = self.ended.load(SeqCst);
            let begun = self.begun.load(SeqCst);
            quiet = if begun == seen && begun == ended { quiet + 1 } else { 0 };
            seen = begun;
            if quiet >= QUIET {
                self.sleep_until_a_call();
                quiet = 0;
            }
        }
    }

    /// Whether it is to go on.
    fn sleep_an_epoch(&self) -> bool {
        let end = Instant::now() + EPOCH;
        while !self.over.load(SeqCst) {
            // It may have been woken for a call that it knew of already: an epoch is as long as any then, too.
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::park_timeout(left);
        }
        false
    }

    fn sleep_until_a_call(&self) {
        self.asleep.store(true, SeqCst);
        while self.asleep.load(SeqCst) && self.is_idle() {
            thread::park();
        }
        self.asleep.store(false, SeqCst);
    }

    fn is_idle(&self) -> bool {
        let ended = self.ended.load(SeqCst);
        !self.over.load(SeqCst) && self.begun.load(SeqCst) == ended
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.calls.over.store(true, SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // A panic in the ticker would have been reported by the thread itself.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ticker, and how often it has ticked.
    fn ticker() -> (Ticker, Arc<AtomicU64>) {
        let ticks = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&ticks);
        let ticker = Ticker::start(move || {
            counted.fetch_add(1, SeqCst);
            true
        });
        (ticker.unwrap(), ticks)
    }

    fn wait(until: impl Fn() -> bool) {
        while !until() {
            thread::yield_now();
        }
    }

    #[test]
    fn it_sleeps_while_nobody_is_in_a_call_and_wakes_for_one() {
        let (ticker, ticks) = ticker();
        for _ in 0..3 {
            wait(|| ticker.calls.asleep.load(SeqCst));
            let before = ticks.load(SeqCst);
            let began = Instant::now();
            let call = ticker.begin();
            wait(|| ticks.load(SeqCst) > before);
            assert!(began.elapsed() >= EPOCH, "an epoch is never shorter");
            drop(call);
        }
    }

    #[test]
    fn it_goes_on_for_as_long_as_a_call_takes() {
        let (ticker, ticks) = ticker();
        let long = ticker.begin();
        drop(ticker.begin());
        let before = ticks.load(SeqCst);
        wait(|| ticks.load(SeqCst) > before + u64::from(4 * QUIET));
        assert!(!ticker.calls.asleep.load(SeqCst));
        drop(long);
        wait(|| ticker.calls.asleep.load(SeqCst));
    }

    #[test]
    fn a_call_that_begins_while_it_falls_asleep_is_not_missed() {
        let (ticker, ticks) = ticker();
        // Calls begin at every moment of an epoch, and each has its tick.
        for moment in 0..40 {
            let begin = Instant::now() + EPOCH * QUIET * moment / 20;
            wait(|| Instant::now() >= begin);
            let before = ticks.load(SeqCst);
            let call = ticker.begin();
            wait(|| ticks.load(SeqCst) > before);
            drop(call);
        }
    }

    #[test]
    fn it_ends_asleep_or_awake_and_with_what_it_ticks_for() {
        let (asleep, _) = ticker();
        wait(|| asleep.calls.asleep.load(SeqCst));
        drop(asleep);
        drop(ticker().0);
        let ended = Ticker::start(|| false).unwrap();
        wait(|| ended.thread.as_ref().is_some_and(JoinHandle::is_finished));
    }
}
