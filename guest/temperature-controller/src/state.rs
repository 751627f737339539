//! What one instance hands to the next.

use crate::reboot::Request;
use serde::{Deserialize, Serialize};
use thermostat_core::State as ThermostatState;

/// A later version of the controller may save more, under another number; this one reads only its own.
const VERSION: u32 = 1;

/// As JSON, that of the thermostats within.
#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    version: u32,
    thermostats: [ThermostatState; 2],
    reboot: Option<Request>,
}

impl State {
    pub(crate) fn of(thermostats: [ThermostatState; 2], reboot: Option<Request>) -> State {
        State {
            version: VERSION,
            thermostats,
            reboot,
        }
    }

    /// None when it cannot be written, which leaves the device where it is.
    pub(crate) fn to_bytes(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<State, String> {
        let state: State = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if state.version != VERSION {
            return Err(format!("it is of version {}, not {VERSION}", state.version));
        }
        for thermostat in &state.thermostats {
            thermostat.check()?;
        }
        Ok(state)
    }

    pub(crate) fn thermostats(&self) -> [&ThermostatState; 2] {
        self.thermostats.each_ref()
    }

    pub(crate) fn into_reboot(self) -> Option<Request> {
        self.reboot
    }
}
