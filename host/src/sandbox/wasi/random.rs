//! `wasi:random`, from the device's randomness. It has one kind, which is secure but in tests.

use super::generated::wasi::random::{insecure, insecure_seed, random};
use crate::sandbox::imports::State;
use crate::sandbox::surroundings::Random;

/// Bytes for one call. A guest that wants more calls again, and can be stopped between.
const BYTES: u64 = 64 * 1024;

impl State {
    fn random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        let length = Some(length)
            .filter(|length| *length <= BYTES)
            .and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or_else(|| {
            wasmtime::Error::msg(format!(
                "it asks for more random bytes than the {BYTES} a call may have"
            ))
        })?;
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let drawn = self.surroundings.random.next().to_le_bytes();
            bytes.extend(drawn.into_iter().take(length - bytes.len()));
        }
        Ok(bytes)
    }
}

impl random::Host for State {
    fn get_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(length)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.surroundings.random.next())
    }
}

impl insecure::Host for State {
    fn get_insecure_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(length)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.surroundings.random.next())
    }
}

impl insecure_seed::Host for State {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.surroundings.random.next(), self.surroundings.random.next()))
    }
}
