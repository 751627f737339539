//! What one instance hands to the next.

use crate::window::{Window, time};
use serde::{Deserialize, Serialize};

/// A later version of the thermostat may save more, under another number; this one reads only its own.
const VERSION: u32 = 1;

/// A thermostat's, as JSON. Times are differences, which are short and alike.
#[derive(Serialize, Deserialize)]
pub struct State {
    version: u32,
    maximum: f64,
    target: f64,
    /// Milliseconds: the first since 1970, each other one since the one before it.
    times: Vec<i64>,
    temperatures: Vec<u8>,
}

impl State {
    pub(crate) fn of(maximum: f64, target: f64, readings: &Window) -> State {
        let mut before = 0;
        let times = readings
            .iter()
            .map(|(at, _)| at.wrapping_sub(std::mem::replace(&mut before, at)))
            .collect();
        let temperatures = readings.iter().map(|(_, temperature)| temperature).collect();
        State {
            version: VERSION,
            maximum,
            target,
            times,
            temperatures,
        }
    }

    /// None when it cannot be written, which leaves the device where it is.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    /// Reads what [`State::to_bytes`] wrote.
    ///
    /// # Errors
    /// Says why it cannot be used.
    pub fn from_bytes(bytes: &[u8]) -> Result<State, String> {
        let state: State = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        state.check()?;
        Ok(state)
    }

    /// Whether a state that was read as part of another can be used.
    ///
    /// # Errors
    /// Says why not.
    pub fn check(&self) -> Result<(), String> {
        if self.version != VERSION {
            return Err(format!("it is of version {}, not {VERSION}", self.version));
        }
        if self.times.len() != self.temperatures.len() {
            return Err(format!(
                "{} times for {} readings",
                self.times.len(),
                self.temperatures.len()
            ));
        }
        Ok(())
    }

    pub(crate) fn maximum(&self) -> f64 {
        self.maximum
    }

    pub(crate) fn target(&self) -> f64 {
        self.target
    }

    /// The last `size` readings.
    pub(crate) fn readings(&self, size: usize) -> Window {
        let mut window = Window::new(size);
        let mut at = 0_i64;
        for (difference, temperature) in self.times.iter().zip(&self.temperatures) {
            at = at.wrapping_add(*difference);
            window.push(time(at), i64::from(*temperature));
        }
        window
    }
}
