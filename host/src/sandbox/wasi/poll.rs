//! `wasi:io/poll`. A guest may ask what is ready. It may not wait: no epoch stops a call of the host, and in virtual time
//! nothing would ever come of it.

use wasmtime::component::Resource;

use super::generated::wasi::io::{error, poll};
use super::handles::{Never, Pollable};
use crate::sandbox::imports::State;

impl State {
    fn is_ready(&self, pollable: &Resource<Pollable>) -> wasmtime::Result<bool> {
        Ok(match self.wasi.table.get(pollable)? {
            Pollable::Ready => true,
            Pollable::At(when) => *when <= self.age(),
        })
    }
}

fn waits() -> wasmtime::Error {
    wasmtime::Error::msg("it waits within a call; a device waits with timers (setpoint:device/timers)")
}

impl poll::Host for State {
    fn poll(&mut self, pollables: Vec<Resource<Pollable>>) -> wasmtime::Result<Vec<u32>> {
        let mut ready = Vec::new();
        for (index, pollable) in (0..).zip(&pollables) {
            if self.is_ready(pollable)? {
                ready.push(index);
            }
        }
        if ready.is_empty() {
            return Err(waits());
        }
        Ok(ready)
    }
}

impl poll::HostPollable for State {
    fn ready(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<bool> {
        self.is_ready(&pollable)
    }

    fn block(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<()> {
        if self.is_ready(&pollable)? {
            Ok(())
        } else {
            Err(waits())
        }
    }

    fn drop(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<()> {
        self.let_go(pollable)
    }
}

impl error::Host for State {}

/// Streams here have no errors but their end, so nobody holds one.
impl error::HostError for State {
    fn to_debug_string(&mut self, error: Resource<Never>) -> wasmtime::Result<String> {
        match *self.wasi.table.get(&error)? {}
    }

    fn drop(&mut self, error: Resource<Never>) -> wasmtime::Result<()> {
        self.let_go(error)
    }
}
