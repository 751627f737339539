//! What a device did.

use crate::{Acknowledgement, Json, Level, Member, RequestId, Response, Telemetry, Timer};
use std::time::Duration;

/// One thing a device did to the world outside it. A host records them in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Queued a message.
    Telemetry(Telemetry),
    /// Reported a property; none removes it.
    Report {
        /// The property.
        property: Member,
        /// Its value.
        value: Option<Json>,
    },
    /// Answered a desired value.
    Acknowledgement(Acknowledgement),
    /// Answered a command late.
    Response {
        /// Which call of it.
        request: RequestId,
        /// The answer.
        response: Response,
    },
    /// Set a timer that fires once.
    After {
        /// The timer.
        timer: Timer,
        /// Until it fires.
        delay: Duration,
    },
    /// Set a timer that fires again and again.
    Every {
        /// The timer.
        timer: Timer,
        /// Between two times.
        period: Duration,
    },
    /// Cancelled a timer.
    Cancel(Timer),
    /// Wrote a line to the log.
    Log {
        /// How much it matters.
        level: Level,
        /// The line.
        message: String,
    },
}

impl Effect {
    /// A message of the default component, without application properties.
    pub fn telemetry(body: impl Into<Json>) -> Effect {
        Effect::Telemetry(Telemetry::new(body))
    }

    /// A reported property; null removes it.
    pub fn report(property: impl Into<Member>, value: impl Into<Json>) -> Effect {
        Effect::Report {
            property: property.into(),
            value: value.into().unless_null(),
        }
    }
}
