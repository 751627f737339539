//! `wasi:clocks`, from the device's clock.

use std::time::Duration;

use wasmtime::component::Resource;

use super::generated::wasi::clocks::{monotonic_clock, wall_clock};
use super::handles::Pollable;
use crate::sandbox::imports::State;

/// As fine as the device's clock counts.
const NANOSECOND: u32 = 1;

impl wall_clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let (seconds, nanoseconds) = State::now(self);
        Ok(wall_clock::Datetime { seconds, nanoseconds })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime {
            seconds: 0,
            nanoseconds: NANOSECOND,
        })
    }
}

impl monotonic_clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.age_in_nanoseconds())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(NANOSECOND.into())
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<Pollable>> {
        self.hold(Pollable::At(Duration::from_nanos(when)))
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<Pollable>> {
        let when = self.age().saturating_add(Duration::from_nanos(duration));
        self.hold(Pollable::At(when))
    }
}
