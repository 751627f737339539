//! A thermostat: model `dtmi:com:example:Thermostat;1`, in models/.
//!
//! | | |
//! | --- | --- |
//! | telemetry | `temperature`, an integer 10 to 49 from the host's randomness: at start, then every `interval` |
//! | `maxTempSinceLastReboot` | reported as 10.96 at power-on, then whenever a reading is higher |
//! | `targetTemperature` | acknowledged, as below |
//! | `getMaxMinReport` | highest, lowest and mean of the readings kept, since a given time or all of them |
//! | config `interval` | seconds, decimals allowed, above 0 and at most a day; 8 by default |
//! | config `window` | readings kept for reports, 1 to 100000; 450 by default, an hour at 8 seconds |
//!
//! A desired `targetTemperature` that is a number is taken: 200, with the number as it was sent. Anything else is
//! refused: 400, with the value in force. When the cloud removes it, or had none at start, the default of 20 is in
//! force: 203, with the version of the removal, or 0. Unknown names, and any name of a component, get 404 with the
//! value as it was sent.
//!
//! An instance that replaces or resumes another takes over its maximum, target, readings and rhythm; after power-on or
//! a failure the maximum begins anew.
//!
//! What it does, it shares with devices that have thermostats as components: see `thermostat_core`.

#[cfg(test)]
mod tests;

use setpoint_guest::{Command, Desired, Device, Host, Outcome, StartReason, Timer};
use thermostat_core::{Rhythm, Settings, State, predecessor};

/// The device.
pub struct Thermostat {
    thermostat: thermostat_core::Thermostat,
    rhythm: Rhythm,
}

impl Device for Thermostat {
    const MODEL_ID: &'static str = "dtmi:com:example:Thermostat;1";

    fn start(host: &mut impl Host, reason: StartReason, state: Option<Vec<u8>>) -> Result<Self, String> {
        let settings = Settings::read(host)?;
        let before = predecessor(host, reason, state, State::from_bytes);
        let mut thermostat = thermostat_core::Thermostat::start(host, None, &settings, before.as_ref());
        let (rhythm, is_due) = Rhythm::begin(host, &settings, thermostat.last_reading());
        if is_due {
            thermostat.measure(host);
        }
        Ok(Thermostat { thermostat, rhythm })
    }

    fn update(&mut self, host: &mut impl Host, desired: Vec<Desired>) {
        self.thermostat.update(host, desired);
    }

    fn invoke(&mut self, host: &mut impl Host, command: Command) -> Outcome {
        self.thermostat.invoke(host, &command).into()
    }

    fn timer_fired(&mut self, host: &mut impl Host, timer: Timer) {
        if self.rhythm.beats(host, timer) {
            self.thermostat.measure(host);
        }
    }

    fn save(&self) -> Option<Vec<u8>> {
        self.thermostat.state().to_bytes()
    }
}

setpoint_guest::export!(Thermostat);
