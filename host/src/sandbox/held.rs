//! What one instance may hold of memory and tables, and how much of it it has held.

use wasmtime::ResourceLimiter;

/// Counts what an instance takes. One for each instance.
#[derive(Debug)]
pub(super) struct Held {
    /// Bytes of linear memory it may hold.
    most: usize,
    /// Bytes it has held at most.
    peak: usize,
    /// Bytes it asked for and was not given, the last time that happened.
    refused: Option<usize>,
}

impl Held {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            peak: 0,
            refused: None,
        }
    }

    /// The high-water mark of its linear memory, in bytes. Linear memory never shrinks, so it is also what it holds.
    pub(super) fn peak(&self) -> usize {
        self.peak
    }

    /// What it wanted and could not have, in bytes.
    pub(super) fn refused(&self) -> Option<usize> {
        self.refused
    }
}

impl ResourceLimiter for Held {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.most {
            self.refused = Some(desired);
            return Ok(false);
        }
        self.peak = self.peak.max(desired);
        Ok(true)
    }

    /// Tables come from the pool, which has an end for each.
    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}
