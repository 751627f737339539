//! What one guest is given by its host.

use std::collections::BTreeMap;
use std::sync::Arc;

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

/// Everything a guest can read of the world.
pub struct Surroundings {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Box<dyn Random>,
    /// Values the operator set for this device.
    pub config: Arc<BTreeMap<String, String>>,
    /// What provisioning assigned; none until it has.
    pub assignment: Option<Assignment>,
}

/// How much a guest may ask for in one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Messages: telemetry, reports and acknowledgements.
    pub messages: usize,
    /// Bytes of all of them.
    pub bytes: usize,
    /// Further timers.
    pub timers: usize,
}
