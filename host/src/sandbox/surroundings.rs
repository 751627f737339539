//! What one guest is given by its host.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::tap::Tap;
use crate::clock::Clock;
use crate::cloud::Assignment;

/// Where a guest's randomness comes from. Any closure that returns numbers will do.
pub trait Random: Send {
    /// 64 bits.
    fn next(&mut self) -> u64;
}

impl<F: FnMut() -> u64 + Send> Random for F {
    fn next(&mut self) -> u64 {
        self()
    }
}

/// One source of randomness for all instances that a device has in its life, so that each goes on where the one before it
/// ended.
#[derive(Clone)]
pub struct SharedRandom(Arc<Mutex<dyn Random>>);

impl SharedRandom {
    /// Shares `random` among its clones.
    pub fn new(random: impl Random + 'static) -> Self {
        Self(Arc::new(Mutex::new(random)))
    }
}

impl Random for SharedRandom {
    fn next(&mut self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next()
    }
}

impl fmt::Debug for SharedRandom {
    /// Without what it will draw.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedRandom")
    }
}

/// Everything a guest can read of the world, and who listens. Clones are the same world: a device's next instance sees what
/// the last one saw.
#[derive(Clone)]
pub struct Surroundings {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: SharedRandom,
    /// Values the operator set for this device.
    pub config: Arc<BTreeMap<String, String>>,
    /// What provisioning assigned; none until it has.
    pub assignment: Option<Assignment>,
    /// Where a recorder may listen.
    pub tap: Tap,
}

/// How much a guest may ask for in one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    /// Telemetry that there is room for, in messages.
    pub messages: usize,
    /// The same in bytes.
    pub bytes: usize,
    /// Telemetry that its rate allows.
    pub telemetry: usize,
    /// Reports and acknowledgements that there is room for and that their rate allows.
    pub properties: usize,
    /// Bytes of them. Older records do not say.
    #[serde(default = "unlimited")]
    pub property_bytes: usize,
    /// Log lines; further ones are dropped and counted.
    pub log_lines: usize,
    /// Further timers.
    pub timers: usize,
}

fn unlimited() -> usize {
    usize::MAX
}

impl Quota {
    /// No limit at all: for a guest that is asked one thing by a tool, and not run.
    pub const UNLIMITED: Self = Self {
        messages: usize::MAX,
        bytes: usize::MAX,
        telemetry: usize::MAX,
        properties: usize::MAX,
        property_bytes: usize::MAX,
        log_lines: usize::MAX,
        timers: usize::MAX,
    };
}
