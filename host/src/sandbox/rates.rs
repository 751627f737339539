//! How fast a guest may do what costs others something.

/// So many at once, and so many each second after that: a token bucket's size and its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At once, after a time of quiet.
    pub burst: u32,
    /// Each second, for ever. 0 means never again.
    pub per_second: u32,
}

/// What each device is held to, whatever becomes of its instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Telemetry messages. Beyond it `send` is told that the outbox is full.
    pub telemetry: Rate,
    /// Reports and acknowledgements. Beyond it they are told the same.
    pub properties: Rate,
    /// Log lines. Beyond it they are dropped and counted.
    pub log_lines: Rate,
    /// Timers that fire. Beyond it they fire later.
    pub timers: Rate,
}

impl Default for Rates {
    /// What a whole S1 hub takes of one unit, source: "Operation throttles", IoT Hub quotas and throttling: 100
    /// device-to-cloud messages and 50 twin updates a second. The bursts fill an outbox. A thousand wake-ups a second cost
    /// a core about a thousandth.
    fn default() -> Self {
        let rate = |burst, per_second| Rate { burst, per_second };
        Self {
            telemetry: rate(1_000, 100),
            properties: rate(1_000, 50),
            log_lines: rate(1_000, 100),
            timers: rate(1_000, 1_000),
        }
    }
}
