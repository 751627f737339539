//! What a guest may hold handles of, and how many.

use std::time::Duration;

use wasmtime::component::{Resource, ResourceTable};

use super::streams::Line;
use crate::sandbox::imports::State;

/// Handles one instance may hold at one time. A Rust guest holds three.
const HANDLES: usize = 1_000;

/// What an instance has of WASI.
pub(in crate::sandbox) struct Context {
    pub(super) table: ResourceTable,
    pub(super) stdout: Line,
    pub(super) stderr: Line,
}

impl Default for Context {
    fn default() -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Self {
            table,
            stdout: Line::default(),
            stderr: Line::default(),
        }
    }
}

impl State {
    /// Gives the guest a handle of it.
    pub(super) fn hold<T: Send + 'static>(&mut self, held: T) -> wasmtime::Result<Resource<T>> {
        let handle = self.wasi.table.push(held);
        handle.map_err(|_| wasmtime::Error::msg(format!("it holds more than {HANDLES} handles of WASI's")))
    }

    /// The guest gives it back.
    pub(super) fn let_go<T: 'static>(&mut self, handle: Resource<T>) -> wasmtime::Result<()> {
        self.wasi.table.delete(handle)?;
        Ok(())
    }
}

/// Something that a guest could wait for.
#[allow(unreachable_pub, reason = "generated code exports it again")]
pub enum Pollable {
    /// Is ready.
    Ready,
    /// Is ready when the instance is so old.
    At(Duration),
}

/// Where a guest writes.
#[derive(Clone, Copy)]
#[allow(unreachable_pub, reason = "generated code exports it again")]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Where a guest reads, and finds the end.
#[allow(unreachable_pub, reason = "generated code exports it again")]
pub struct Input;

/// What no guest ever gets: terminals, files, and errors of streams that have none.
#[allow(unreachable_pub, reason = "generated code exports it again")]
pub enum Never {}
