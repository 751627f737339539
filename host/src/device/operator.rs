//! The operator's hold on a running device.

use std::future::{Future, pending};

use tokio::sync::{mpsc, oneshot};

use super::recording::Present;
use super::status::Status;
use super::swap::{Replacement, SwapError, Swapped};
use crate::sandbox::{Program, Surroundings};

/// Orders that may wait for a session: one for each of keyboard, signal and closed output, and some swaps.
const ORDERS: usize = 8;

/// What the operator can do with a running device.
pub enum Control {
    /// Deliver what is queued, say goodbye to the hub, end.
    Stop,
    /// Put another guest in the place of the one that runs, and say what came of it.
    Swap(Box<Replacement>, oneshot::Sender<Result<Swapped, SwapError>>),
    /// Say how the device is.
    Status(oneshot::Sender<Status>),
    /// Say which guest runs, for another instance of it.
    Present(oneshot::Sender<Present>),
}

/// Gives orders to one device. Cheap to clone.
#[derive(Clone)]
pub struct Operator {
    control: mpsc::Sender<Control>,
    pub(super) surroundings: Surroundings,
}

impl Operator {
    /// An operator of the device that is given the same `surroundings`; the receiver is for its
    /// [`Session`](super::Session).
    pub fn new(surroundings: Surroundings) -> (Self, mpsc::Receiver<Control>) {
        let (control, receiver) = mpsc::channel(ORDERS);
        (Self { control, surroundings }, receiver)
    }

    /// Has the device end. Does nothing for one that has ended.
    pub async fn stop(&self) {
        let _ = self.control.send(Control::Stop).await;
    }

    /// The same, without waiting: when so many orders wait already, the device is about to be stopped or is gone.
    pub fn stop_now(&self) {
        let _ = self.control.try_send(Control::Stop);
    }

    /// Swaps the guest. It is instantiated beside the one that runs, on a thread of its own; needs a tokio runtime.
    ///
    /// # Errors
    /// Why the guest that ran goes on.
    pub async fn swap(&self, program: Program) -> Result<Swapped, SwapError> {
        self.swap_with(program, |replacement| replacement).await
    }

    /// The same, with what `prepare` makes of the replacement.
    pub(super) async fn swap_with(
        &self,
        program: Program,
        prepare: impl FnOnce(Replacement) -> Replacement,
    ) -> Result<Swapped, SwapError> {
        let surroundings = self.surroundings.clone();
        let made = tokio::task::spawn_blocking(move || Replacement::new(program, surroundings)).await;
        let replacement = made
            .map_err(|_| SwapError::Stopped)?
            .map_err(|error| SwapError::Guest(error, "the device".to_owned()))?;
        let replacement = Box::new(prepare(replacement));
        self.order(|reply| Control::Swap(replacement, reply)).await?
    }

    /// How the device is. None when it has not been started yet, or has ended.
    pub async fn status(&self) -> Option<Status> {
        self.order(Control::Status).await.ok()
    }

    pub(super) async fn order<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Control) -> Result<T, SwapError> {
        let (reply, replied) = oneshot::channel();
        self.control.send(order(reply)).await.map_err(|_| SwapError::Stopped)?;
        replied.await.map_err(|_| SwapError::Stopped)
    }
}

/// The session's end of the control channel.
pub(super) struct Orders(pub(super) mpsc::Receiver<Control>);

impl Orders {
    /// Waits for an order. An operator who has gone away gives none. Cancel safe.
    pub(super) async fn next(&mut self) -> Control {
        match self.0.recv().await {
            Some(order) => order,
            None => pending().await,
        }
    }

    /// None when the order to stop came first. Every other order comes too early.
    pub(super) async fn unless_stopped<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                order = self.next() => match order {
                    Control::Stop => return None,
                    Control::Swap(_, reply) => {
                        let (device, state) = ("the device".to_owned(), "has not been started yet");
                        // Whoever asked may have gone away.
                        drop(reply.send(Err(SwapError::Busy { device, state })));
                    }
                    // Without an answer: there is no device to speak of yet.
                    Control::Status(reply) => drop(reply),
                    Control::Present(reply) => drop(reply),
                },
                done = work.as_mut() => return Some(done),
            }
        }
    }
}
