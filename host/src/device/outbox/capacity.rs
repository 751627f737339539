//! How much telemetry waits for a hub, and what is done with more.

/// What is done with telemetry for which there is no room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overflow {
    /// It is refused, and the guest is told.
    #[default]
    RefuseNewest,
    /// The oldest is given up for it, and counted.
    DropOldest,
}

/// How much telemetry an outbox holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Messages, at least one.
    pub messages: usize,
    /// Bytes of all of them, bodies and properties, and 128 for each message.
    pub bytes: usize,
    /// What is done with more.
    pub overflow: Overflow,
}

impl Capacity {
    /// So many messages, and bytes for messages of 8 KiB; never less than the 8 MiB that thirty-two of the largest take.
    pub fn of(messages: usize) -> Self {
        Self {
            messages: messages.max(1),
            bytes: messages.saturating_mul(8 << 10).max(8 << 20),
            overflow: Overflow::default(),
        }
    }
}

impl Default for Capacity {
    /// A thousand messages: at one every 8 s, two hours without a hub.
    fn default() -> Self {
        Self::of(1_000)
    }
}
