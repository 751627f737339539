//! rumqttc's event loop, polled by whoever waits on the session, with an end to a connection on which nothing is heard.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rumqttc::{ConnectionError, Event, EventLoop};
use tokio::time::{Instant, Sleep, sleep_until};

/// The event loop, and when it was last heard of the other side.
pub(super) struct Driver {
    state: State,
    heard: Instant,
    /// How long it may be silent.
    patience: Duration,
    /// When silence is looked for; it may be found that something was heard meanwhile.
    look: Pin<Box<Sleep>>,
}

/// The event loop and, while it is being polled, that poll. rumqttc's poll may lose track of a half-done flush when it is
/// dropped, so it never is: it is kept here and goes on at the next call.
enum State {
    Idle(Box<EventLoop>),
    Polling(Pin<Box<dyn Future<Output = Polled> + Send>>),
    /// After an error: rumqttc would connect again, which is for the device session to decide.
    Ended,
}

/// The event loop, back from a poll, and what came of it.
type Polled = (Box<EventLoop>, Result<Event, ConnectionError>);

/// Why no more events come.
#[derive(Debug)]
pub(super) enum Ending {
    /// What the client says.
    Client(ConnectionError),
    /// Nothing was heard for so long. rumqttc itself would notice only when a second PINGREQ is due, and never while it waits
    /// for the peer to take what it writes.
    Silence(Duration),
}

impl Driver {
    /// `patience` is how long the other side may be silent.
    pub(super) fn new(events: EventLoop, patience: Duration) -> Driver {
        let now = Instant::now();
        Driver {
            state: State::Idle(Box::new(events)),
            heard: now,
            patience,
            look: Box::pin(sleep_until(now + patience)),
        }
    }

    /// What happened next. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Event, Ending> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Event, Ending>> {
        // First what has arrived: after a long time in which nobody asked, silence is only what is left when all is read.
        match self.poll_client(context) {
            Poll::Ready(event) => {
                if let Ok(Event::Incoming(_)) = event {
                    self.heard = Instant::now();
                }
                Poll::Ready(event.map_err(Ending::Client))
            }
            Poll::Pending => self.poll_silence(context).map(Err),
        }
    }

    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<Ending> {
        while self.look.as_mut().poll(context).is_ready() {
            let end = self.heard + self.patience;
            if Instant::now() >= end {
                self.state = State::Ended;
                return Poll::Ready(Ending::Silence(self.patience));
            }
            self.look.as_mut().reset(end);
        }
        Poll::Pending
    }

    fn poll_client(&mut self, context: &mut Context<'_>) -> Poll<Result<Event, ConnectionError>> {
        let mut polling = match std::mem::replace(&mut self.state, State::Ended) {
            State::Idle(mut events) => Box::pin(async move {
                let event = events.poll().await;
                (events, event)
            }),
            State::Polling(polling) => polling,
            State::Ended => return Poll::Ready(Err(ConnectionError::RequestsDone)),
        };
        match polling.as_mut().poll(context) {
            Poll::Pending => {
                self.state = State::Polling(polling);
                Poll::Pending
            }
            Poll::Ready((events, event)) => {
                if event.is_ok() {
                    self.state = State::Idle(events);
                }
                Poll::Ready(event)
            }
        }
    }
}
