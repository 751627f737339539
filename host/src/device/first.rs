//! The first connection of a process, and the twin that a guest is started with.

use std::collections::VecDeque;
use std::time::Duration;

use setpoint_protocol::twin::Twin;

use super::connectivity::Cause;
use super::core::Device;
use super::link::{Happened, Link};
use super::session::{BUSY, SessionError};
use super::traffic::Next;
use crate::clock::Clock;
use crate::cloud::Event;

/// Events kept while the twin is awaited; a hub sends at most a few.
const EARLY_EVENTS: usize = 100;

/// Waits for the first connection and the twin; keeps what comes in between. A device that was `known` to a hub before is
/// tried again and again; one that never was has most likely been set up wrongly, and its operator is waiting.
pub(super) async fn first_twin(
    link: &mut Link,
    clock: &dyn Clock,
    device: &mut Device,
    known: bool,
) -> Result<(Twin, VecDeque<Event>), SessionError> {
    let mut early = VecDeque::new();
    // The assignment that is known may be an old one. That is found out at once, not after ten attempts.
    let mut provisioned = !known;
    loop {
        let due = clock.sleep_until(device.next_deadline().unwrap_or(Duration::MAX));
        let happened = tokio::select! {
            biased;
            happened = link.next() => happened,
            () = due => match device.overdue() {
                Some(reason) => link.down(link.useless(reason).into()),
                None => {
                    if device.asks_again() && let Some(connection) = link.connection() {
                        device.ask_for_twin(connection)?;
                    }
                    continue;
                }
            },
        };
        let happened = match happened {
            Happened::Event(refused @ Event::Refused { .. }) => match device.handle(refused) {
                // Nothing else has been sent, so it is the question for the twin, and the guest is not called.
                Next::Reconnect(reason) => link.down(link.useless(reason).into()),
                Next::SlowDown { id, retry_after, .. } if known => {
                    device.hold(id, clock.monotonic().saturating_add(retry_after.unwrap_or(BUSY)));
                    continue;
                }
                Next::SlowDown { status, .. } => link.down(
                    link.useless(format!("the hub does not show the twin, status {status}"))
                        .into(),
                ),
                Next::Wait | Next::ReadTwin => continue,
            },
            other => other,
        };
        match happened {
            Happened::Up => {
                device.connected();
                if let Some(connection) = link.connection() {
                    device.ask_for_twin(connection)?;
                }
            }
            Happened::Event(Event::Twin(twin)) => return Ok((twin, early)),
            // The twin that is on its way has it already: the hub answers in order.
            Happened::Event(Event::Desired { .. }) => {}
            Happened::Event(event) if early.len() < EARLY_EVENTS => early.push_back(event),
            Happened::Event(_) => {}
            Happened::Assigned(assignment) => device.reassign(&assignment),
            Happened::Down(trouble, decision) => {
                if !known || decision.cause == Cause::NotAssigned {
                    return Err(trouble.into());
                }
                device.lost(&trouble, &decision);
                if !std::mem::replace(&mut provisioned, true) {
                    link.provision_now();
                }
            }
        }
    }
}
