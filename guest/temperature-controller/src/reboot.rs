//! The command reboot, between its call and its answer.

use serde::{Deserialize, Serialize};
use setpoint_guest::chrono::{DateTime, Utc};
use setpoint_guest::{Command, Host, RequestId, Response, Timer};
use std::time::Duration;

/// Seconds. As long as the hub lets the caller of a direct method wait for its answer.
const LONGEST_DELAY: u16 = 300;

/// A reboot that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Who waits for the answer.
    id: String,
    /// Milliseconds since 1970: the next instance does not know when this one was started.
    due: i64,
}

impl Request {
    /// 400 for a payload that is neither absent nor a delay.
    pub(crate) fn read(command: Command, now: DateTime<Utc>) -> Result<Request, Response> {
        let seconds = command
            .decode::<Option<u16>>()
            .ok()
            .map(Option::unwrap_or_default)
            .filter(|seconds| *seconds <= LONGEST_DELAY)
            .ok_or_else(|| {
                let taken = format!("reboot takes a delay of 0 to {LONGEST_DELAY} whole seconds, or nothing");
                Response::error(400, taken)
            })?;
        Ok(Request {
            id: command.id.0,
            due: now.timestamp_millis() + i64::from(seconds) * 1000,
        })
    }

    pub(crate) fn id(&self) -> RequestId {
        RequestId(self.id.clone())
    }
}

/// A reboot that a timer will bring about.
pub(crate) struct Pending {
    pub(crate) request: Request,
    pub(crate) timer: Timer,
}

impl Pending {
    /// Sets the timer; one that is overdue fires at once.
    pub(crate) fn schedule(host: &mut impl Host, request: Request) -> Pending {
        let delay = request.due.saturating_sub(host.now().timestamp_millis());
        let timer = host.after(Duration::from_millis(u64::try_from(delay).unwrap_or_default()));
        Pending { request, timer }
    }

    /// The answer to another call meanwhile.
    pub(crate) fn refuse_another(&self) -> Response {
        Response::error(409, "a reboot is pending already; call again when it is over")
    }
}
